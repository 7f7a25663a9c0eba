"""Ticket numbers (工单编号) as people and telephones write them: with other hyphens, or with none."""

import re

_DASH = r"[-\s\u2010-\u2015\u2212_.]{0,3}"
"""Between the pieces of a number: what a telephone makes of two hyphens, a line that was wrapped, or nothing."""

TICKET_NUMBER = re.compile(rf"(?<![0-9-])([1-9]\d{{5}}){_DASH}(20\d{{6}}){_DASH}(\d{{6,9}}){_DASH}(\d)(?![0-9-])")

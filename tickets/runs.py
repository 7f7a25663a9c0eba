"""Digits in groups as they stand in a text, and what else the text says."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from normalizers.text import SPOKEN_DIGITS
from normalizers.tokens import TICKET_NUMBER
from tickets.number_cues import Cues

READ = str.maketrans(SPOKEN_DIGITS, "0001122345678912345678979")
_QUERY_CODES = re.compile("查询码|查询号|查询密码|query code")


class Beside:
    """What else a text says; looked up once, however many numbers it holds."""

    def __init__(self, text: str, cues: Cues) -> None:
        self.cues = cues
        self._text = text

    @cached_property
    def query_code(self) -> bool:
        """Say whether it speaks of a 查询码."""
        return _QUERY_CODES.search(self._text) is not None

    @cached_property
    def ticket_number(self) -> bool:
        """Say whether it holds a 工单编号."""
        return TICKET_NUMBER.search(self._text) is not None

    @cached_property
    def read(self) -> str:
        """Return it with the digits of Chinese numerals, character by character."""
        return self._text.translate(READ)


class Run(NamedTuple):
    """Digits in groups, where each begins, and what stands between them."""

    text: str
    beside: Beside
    groups: Sequence[str]
    starts: Sequence[int]

    def end(self, last: int) -> int:
        """Return where a group ends."""
        return self.starts[last] + len(self.groups[last])

    def shape(self, first: int, last: int) -> tuple[int, ...]:
        """Return how many digits each of the groups has."""
        return tuple(map(len, self.groups[first : last + 1]))

    def separators(self, first: int, last: int) -> set[str]:
        """Return what stands between the groups."""
        return {self.text[self.end(at) : self.starts[at + 1]] for at in range(first, last)}

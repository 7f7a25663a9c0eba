"""The forms of one whole number: of telephones, identity cards, bank cards and passports, without separators."""

import re

MOBILE = re.compile(r"(?:1[3-9][0-9]{9})+")
MOBILE_FROM_ABROAD = re.compile(r"(?:00)?861[3-9][0-9]{9}")
LANDLINE = re.compile(r"0[1-9][0-9]{1,2}[2-9][0-9]{6,7}")
LANDLINE_FROM_ABROAD = re.compile(r"(?:00)?86[1-9][0-9]{1,2}[2-9][0-9]{6,7}")
ID = re.compile(r"[1-9][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9x]")
OLD_ID = re.compile(r"[1-8][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}")
CARD = re.compile(r"[3-6][0-9]{12,19}")
OVERSEAS = re.compile(r"(?:00)?(?:85[23][2-9][0-9]{7}|886[2-9][0-9]{7,8})")
"""Of Hong Kong, Macau and Taiwan, with their codes."""

LOCAL = re.compile(r"[2-9][0-9]{6,7}")
MISTYPED = re.compile(r"1[3-9][0-9]{8}(?:[0-9]{2})?")
"""A mobile number with a digit too few or too many."""

PASSPORT = re.compile(r"(?<![a-z0-9字])(?:[egdsphmc][0-9]{8}|[hm][0-9]{10}|e[a-z][0-9]{7})")
PASSPORT_APART = re.compile(r"[egdsphmc](?<![a-z0-9].)(?:[ .-]{1,2}[0-9]){8}(?![ .-]{0,2}[0-9])")

LETTERS_FOR_DIGITS = re.compile(
    r"[1li](?<![a-z0-9][1li])(?=[0-9 .-]*+[oli]|(?<=[li]))[3-9](?:[ .-]?[0-9oliz]){9}(?![a-z0-9])"
)
"""A mobile number with O for 0, l or I for 1 and Z for 2, as who will not be found by machines writes it."""

DATE = re.compile(r"20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
DATED = re.compile(r"1[0-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
HOTLINE = re.compile("(?:0[1-9][0-9]{1,2})?(?:12[0-9]{3}|9[56][0-9]{3,4}|100[0-9]{2})|1(?:10|19|20|22)")
"""No number of anybody's begins like that: 12345, 024-95598."""

BEGUN = re.compile(r"1[3-9][0-9]{5,}|0[1-9][0-9]{5,}|(?!400)[1-6][0-9]{9,}")

NUMBERS = (
    MOBILE,
    MOBILE_FROM_ABROAD,
    LANDLINE,
    LANDLINE_FROM_ABROAD,
    ID,
    OLD_ID,
    CARD,
    OVERSEAS,
    LOCAL,
)

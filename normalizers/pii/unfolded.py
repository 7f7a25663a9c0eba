"""Signs that folding makes digits of (⑬, ⑴, 🄂), and letters that look like digits (1З8О), as the masks read them.

`search_text` holds ⑬ as 13, so a number that is written with such signs has to be found as the digits that it becomes.
"""

import re
import unicodedata
from array import array
from collections.abc import Mapping, Sequence
from functools import cache

from normalizers.rules import precompiled

_PLANES = (*range(0x80, 0xD800), *range(0xE000, 0x20000))
_LIKE_DIGITS = {
    **dict.fromkeys("ОоΟοՕօᴏО", "0"),
    **dict.fromkeys("ЗзӠӡ", "3"),
    **dict.fromkeys("Ӏӏ", "1"),
    **dict.fromkeys("бƂ", "6"),
}
"""Letters of other scripts by the digit that they look like."""

_AMONG_DIGITS = re.compile(f"(?<=[0-9])[{''.join(_LIKE_DIGITS)}]+|[{''.join(_LIKE_DIGITS)}]+(?=[0-9])")


@cache
def digits_in() -> Mapping[str, str]:
    """Return the digits of each sign that NFKC makes more than one character of, such as 13 of ⑬."""
    return precompiled.remembered("digits in signs", sources(), _digits_in)


@cache
def sources() -> str:
    """Return what the signs are made of: this file and Unicode's."""
    return f"{precompiled.digest_of(__file__)} {unicodedata.unidata_version}"


def _digits_in() -> dict[str, str]:
    found = dict[str, str]()
    for code in _PLANES:
        folded = unicodedata.normalize("NFKC", chr(code))
        digits = "".join(filter(str.isdecimal, folded))
        if len(folded) > 1 and digits and unicodedata.category(chr(code)) == "No" and "\u2044" not in folded:
            found[chr(code)] = digits  # \u2044 is the bar of ½
    return found


@cache
def signs() -> str:
    """Return the characters that this module reads otherwise, to be looked for."""
    return "".join((*digits_in(), *_LIKE_DIGITS))


def unfolded(text: str) -> tuple[str, Sequence[int] | None]:
    """Return a text with these as plain digits, and where each character stands if there are more than before."""
    text = _AMONG_DIGITS.sub(lambda found: "".join(_LIKE_DIGITS[one] for one in found[0]), text)
    known = digits_in()
    if known.keys().isdisjoint(text):
        return text, None
    pieces, places = list[str](), array("I")
    for at, character in enumerate(text):
        read = known.get(character, character)
        pieces.append(read)
        places.extend([at] * len(read))
    return "".join(pieces), places

"""Masks (脱敏): whether names and contacts of persons are blacked out of a text, and nothing else.

A row has a `text` and, in `names` or `expected`, the values that must not be readable, separated by blanks. Or the
text marks them between ⟦ and ⟧; not one letter or digit of them may be readable. Without any, nothing of the text may
be blacked out.
"""

import re
from collections.abc import Iterator

from hotline.quality.evaluate.figures import Figure, share
from hotline.quality.evaluate.labelled import Paths, Row, rows, told
from normalizers.pii.detect import personal_spans
from normalizers.rules import DEFAULT_RULES, Rules
from schemas.errors import MisconfiguredError
from tickets.masking.mask import Known, mask_text

_COLUMNS = ("names", "expected")
_MARKED = re.compile("⟦([^⟦⟧]*)⟧")


def measure(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Black out every text of the files, and compare the result with both lists.

    Raises MisconfiguredError for files without a row, or an unreadable one.
    """
    known = Known(rules=rules)
    found = [(str(row["text"]), _readable(row, known)) for row in rows(paths)]
    if not found:
        raise MisconfiguredError(f"{told(paths)} has no rows: give texts with their names.")
    readable = [value for _, values in found for value in values]
    touched = [mask_text(text, known) != text for text, values in found if not values]
    return [
        Figure(name="rows", value=len(found), meaning="texts"),
        Figure(name="values", value=len(readable), meaning="names, numbers and addresses that must not be readable"),
        Figure(name="hidden", value=share(readable.count(False), len(readable)), meaning="of these, how many are not"),
        Figure(name="ordinary", value=len(touched), meaning="texts without any"),
        Figure(name="touched", value=share(sum(touched), len(touched)), meaning="of these, how many are changed"),
    ]


def _readable(row: Row, known: Known) -> list[bool]:
    """Return for each value that must be hidden whether it is readable."""
    text = str(row["text"])
    if _MARKED.search(text):
        return list(_marked_readable(text, known))
    masked = mask_text(text, known)
    return [value in masked for value in _values(row)]


def _marked_readable(text: str, known: Known) -> Iterator[bool]:
    """Return for each marked piece whether a letter or digit of it is left."""
    plain = _MARKED.sub(r"\1", text)
    hidden = {at for start, end in personal_spans(plain, known.values, known.rules) for at in range(start, end)}
    for number, piece in enumerate(_MARKED.finditer(text)):
        start = piece.start() - 2 * number  # the marks before it are gone
        yield any(character.isalnum() and start + at not in hidden for at, character in enumerate(piece[1]))


def _values(row: Row) -> list[str]:
    return next((str(row[name]).split() for name in _COLUMNS if row.get(name)), [])

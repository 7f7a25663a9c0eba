"""Masks (脱敏): whether what names or reaches a person is blacked out of a text, and nothing else.

A row has a `text` and, in `names` or `expected`, what of it must not be readable: values with blanks between. Without
any, nothing of the text is to be blacked out.
"""

from pathlib import Path

from hotline.evaluate.figures import Figure, share
from hotline.evaluate.labelled import Row, rows
from schemas.errors import MisconfiguredError
from tickets.masking import Known, mask_text

_COLUMNS = ("names", "expected")


def measure(path: Path, rules_folder: Path | None = None) -> list[Figure]:
    """Black out every text of a file, and look for what should have gone and for what should have stayed."""
    found = [(str(row["text"]), _values(row)) for row in rows(path)]
    if not found:
        raise MisconfiguredError(f"There is no row in {path.name}: give texts, and names beside them.")
    known = Known(rules_folder=rules_folder)
    readable = [value in mask_text(text, known) for text, values in found for value in values]
    touched = [mask_text(text, known) != text for text, values in found if not values]
    return [
        Figure(name="rows", value=len(found), meaning="texts"),
        Figure(name="values", value=len(readable), meaning="names, numbers and addresses that must not be readable"),
        Figure(name="hidden", value=share(readable.count(False), len(readable)), meaning="of these, how many are not"),
        Figure(name="ordinary", value=len(touched), meaning="texts without any"),
        Figure(name="touched", value=share(sum(touched), len(touched)), meaning="of these, how many are changed"),
    ]


def _values(row: Row) -> list[str]:
    return next((str(row[name]).split() for name in _COLUMNS if row.get(name)), [])

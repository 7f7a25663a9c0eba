"""A figure: one number that was measured, with the sentence that says what it counts."""

from msgspec import Struct


class Figure(Struct, frozen=True, kw_only=True):
    """A count, or a share from 0 to 1; None without anything to count."""

    name: str
    value: float | int | None
    meaning: str


def share(part: float, whole: float) -> float | None:
    """Return part / whole to four digits; None if the whole is 0."""
    return round(part / whole, 4) if whole else None


def f1(precision: float | None, recall: float | None) -> float | None:
    """Return the harmonic mean; None when one of them is unknown."""
    if precision is None or recall is None:
        return None
    return share(2 * precision * recall, precision + recall)

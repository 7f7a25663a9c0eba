"""Cells of a table that a spreadsheet opens."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def no_formula(text: str) -> str:
    """Return a text that a spreadsheet does not take for a formula (OWASP, CSV Injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text

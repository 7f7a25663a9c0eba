"""Many rows of a table in one test: a test by itself costs pytest ten times what most rows cost."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any

import pytest

Test = Callable[..., None]
_Param = type(pytest.param())

MOST_CHARACTERS = 500
"""Of a row, in what is said of it."""


def each_row(
    names: str | Sequence[str], values: Iterable[Any], ids: Iterable[Any] | Callable[[Any], Any] | None = None
) -> Callable[[Test], Test]:
    """Run a test with each row, as `pytest.mark.parametrize` does, but as one test that fails with all its wrong rows.

    For rows that share what fixtures they have: a test that changes its folder or its settings needs `parametrize`.
    Raises ValueError for a table without rows, whose test would pass.
    """
    fields, table = _fields(names), list(_rows(names, values, ids))
    if not table:
        raise ValueError(f"no rows of {', '.join(fields)}")

    def over(test: Test) -> Test:
        own = inspect.signature(test)

        @wraps(test)
        def run(**fixtures: Any) -> None:
            wrong: list[BaseException] = []
            for label, row in table:
                try:
                    test(**fixtures, **dict(zip(fields, row, strict=True)))
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - all of them are raised below
                    error.add_note(f"in the row {label}")
                    wrong.append(error)
            if len(wrong) == 1:
                raise wrong[0]
            if wrong:
                raise BaseExceptionGroup(f"{len(wrong)} of {len(table)} rows", wrong)

        kept = [parameter for name, parameter in own.parameters.items() if name not in fields]
        run.__signature__ = own.replace(parameters=kept)  # type: ignore[attr-defined]
        return run

    return over


def _fields(names: str | Sequence[str]) -> list[str]:
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


def _rows(
    names: str | Sequence[str], values: Iterable[Any], ids: Iterable[Any] | Callable[[Any], Any] | None
) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield each row with the name by which a failure tells it."""
    alone = isinstance(names, str) and "," not in names
    given = None if ids is None or callable(ids) else list(ids)
    for number, value in enumerate(values):
        if isinstance(value, _Param):
            row, label = value.values, value.id
        else:
            row, label = ((value,) if alone else value), None
        if given is not None:
            label = label or str(given[number])
        elif callable(ids):
            label = label or " ".join(str(ids(one)) for one in row)
        yield f"{number}: {label or _shown(row)}", row


def _shown(row: Sequence[Any]) -> str:
    """Return a row as a person reads it, and not more of it than a few lines."""
    text = ", ".join(map(repr, row))
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"

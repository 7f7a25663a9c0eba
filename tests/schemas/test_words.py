"""Words, and what is counted."""

import pytest

from schemas.enums import counted


@pytest.mark.parametrize(("number", "told"), [(0, "0 indices"), (1, "1 index"), (2, "2 indices")])
def test_one_is_told_as_one(number: int, told: str) -> None:
    assert counted(number, "index", "indices") == told
    assert counted(number, "node") == f"{number} node{'' if number == 1 else 's'}"

"""What citizens write in which all that must go is marked: names of all kinds, doors, numbers, accounts.

Both lists were written before the rules. `marked.tsv` was looked at while they were made, `marked_unseen.tsv` was
only measured until names 2026.16; its wrongly hidden spans were read since. Each text goes on behind what it tells,
which hides less than its end.
"""

from pathlib import Path

import pytest

from tests.tickets.measured import figures

HERE = Path(__file__).parent


@pytest.mark.parametrize(("file", "least", "most"), [("marked.tsv", 0.92, 0.02), ("marked_unseen.tsv", 0.81, 0.01)])
def test_what_is_marked_is_hidden_and_ordinary_words_stay(tmp_path: Path, file: str, least: float, most: float) -> None:
    found = figures(HERE / file, tmp_path)
    assert found["rows"] > 440
    assert found["hidden"] >= least
    assert found["touched"] <= most

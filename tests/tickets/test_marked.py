"""What citizens write in which all that must go is marked: names of all kinds, doors, numbers, accounts.

Both lists were written before the rules. `marked.tsv` was looked at while they were made, `marked_unseen.tsv` is only
measured: nobody reads its single rows. Each text goes on behind what it tells, which hides less than its end.
"""

import json
from pathlib import Path

import pytest

from hotline.evaluate.labelled import rows
from hotline.evaluate.masks import measure

HERE = Path(__file__).parent
GOES_ON = "\n请尽快处理，谢谢。"


@pytest.mark.parametrize(("file", "least", "most"), [("marked.tsv", 0.92, 0.02), ("marked_unseen.tsv", 0.81, 0.01)])
def test_what_is_marked_is_hidden_and_ordinary_words_stay(tmp_path: Path, file: str, least: float, most: float) -> None:
    told = [{**row, "text": f"{row['text']}{GOES_ON}"} for row in rows(HERE / file)]
    whole = tmp_path / "whole.jsonl"
    whole.write_text("\n".join(json.dumps(row) for row in told), "utf-8")
    figures = {figure.name: figure.value or 0.0 for figure in measure(whole)}
    assert figures["rows"] > 440
    assert figures["hidden"] >= least
    assert figures["touched"] <= most

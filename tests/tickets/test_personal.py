"""What reaches a person or a household, and no name: telephones, papers, cards, plates, accounts, doors, contacts.

Both lists were written before the rules. `personal_told.tsv` was looked at while they were made,
`personal_unseen.tsv` is only measured: nobody reads its single rows.
"""

import json
from pathlib import Path

import pytest

from hotline.quality.evaluate.labelled import rows
from hotline.quality.evaluate.masks import measure
from tests.rows import each_row
from tickets.masking.mask import mask_text

HERE = Path(__file__).parent


LISTS = pytest.mark.parametrize(
    ("file", "least", "most"), [("personal_told.tsv", 0.99, 0.01), ("personal_unseen.tsv", 0.94, 0.03)]
)
GOES_ON = "\n请尽快处理，谢谢。"


@LISTS
def test_what_reaches_a_person_is_hidden_and_ordinary_numbers_stay(file: str, least: float, most: float) -> None:
    figures = {figure.name: figure.value or 0.0 for figure in measure(HERE / file)}
    assert figures["rows"] > 280
    assert figures["hidden"] >= least
    assert figures["touched"] <= most


@LISTS
def test_so_it_is_where_the_text_goes_on(tmp_path: Path, file: str, least: float, most: float) -> None:
    """What is cut off at the end of a text is hidden by less than a number in the middle of one."""
    told = [{**row, "text": f"{row['text']}{GOES_ON}"} for row in rows(HERE / file)]
    whole = tmp_path / "whole.jsonl"
    whole.write_text("\n".join(json.dumps(row) for row in told), "utf-8")
    figures = {figure.name: figure.value or 0.0 for figure in measure(whole)}
    assert figures["hidden"] >= least
    assert figures["touched"] <= most


@each_row(
    ("text", "shown"),
    [
        ("案号（2018）楚01民初1029号", "案号＊＊＊＊＊＊＊＊＊＊＊"),
        ("依据国发〔2020〕37号，（2023）辽0102民初4567号", "依据国发〔2020〕37号，＊＊＊＊＊＊＊＊＊＊＊"),
        ("户号10045532欠费12000元", "户号＊＊＊＊＊＊＊＊欠费12000元"),
        ("1976年5月20日出生，2026年5月20日生效", "＊＊＊＊＊＊＊＊＊＊出生，2026年5月20日生效"),
        ("工单FZ16082600608的取件码12-3-3321", "工单FZ16082600608的取件码＊＊＊＊＊＊＊＊＊"),
    ],
)
def test_no_more_is_hidden_than_the_number(text: str, shown: str) -> None:
    assert mask_text(text) == shown

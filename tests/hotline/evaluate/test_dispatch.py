"""`hotline evaluate dispatch`: who is proposed by the directory, on cases known by hand and on sentences of our own."""

from pathlib import Path

import pytest

from hotline.quality.evaluate import TASKS
from normalizers.rules import Rules
from schemas.errors import MisconfiguredError

OURS = Path(__file__).parents[2] / "tickets" / "dispatch.tsv"
DIRECTORY = """
id = "city"
name = "本市"
version = "1"
adcodes = ["3301"]
fallback = ["desk"]
offices = { desk = "热线办", here = "上城区环保局", noise = "环保局", thanks = "表扬办" }
[[rules]]
id = "praise"
kinds = ["praise"]
organizers = ["thanks"]
[[rules]]
id = "here"
categories = ["environment.noise"]
places = ["330102"]
organizers = ["here"]
[[rules]]
id = "noise"
categories = ["environment.noise"]
organizers = ["noise"]
"""
COLUMNS = "text\tjurisdiction\torganizer\tkind\tcategory\tplace\n"


def measured(*files: Path, folder: Path | None = None) -> dict[str, float | int | None]:
    return {figure.name: figure.value for figure in TASKS["dispatch"](files, Rules.load(folder))}


def written(path: Path, *rows: str) -> Path:
    path.write_text(COLUMNS + "\n".join(rows), encoding="utf-8")
    return path


def test_the_citys_own_directory_is_asked_by_what_is_found_and_what_the_channel_says(tmp_path: Path) -> None:
    (tmp_path / "rules" / "dispatch").mkdir(parents=True)
    (tmp_path / "rules" / "dispatch" / "city.toml").write_text(DIRECTORY, encoding="utf-8")
    rows = written(
        tmp_path / "a.tsv",
        "工地半夜打桩，吵得没法睡觉\t330100\tnoise",
        "工地半夜打桩，吵得没法睡觉\t330100\t上城区环保局\t\t\t杭州市上城区",
        "又来了\t330100\t环保局\t\tenvironment.noise",
        "又来了\t330100\tthanks\tpraise",
        "又来了\t330100\tnoise",
    )
    made = measured(rows, folder=tmp_path / "rules")
    assert (made["rows"], made["accuracy"], made["unlisted"]) == (5, 0.8, 0.2)
    assert (made["here_recall"], made["noise_recall"], made["thanks_f1"]) == (1.0, 0.6667, 1.0)


@pytest.mark.parametrize(
    ("row", "says"), [("路灯坏了\t\tnobody", "Row 2: a label is not an office"), ("路灯坏了", "has a label")]
)
def test_a_label_that_is_no_office_is_named_without_the_text(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(MisconfiguredError, match=says) as caught:
        measured(written(tmp_path / "a.tsv", row))
    assert "路灯" not in str(caught.value)


def test_our_own_sentences_keep_their_bar() -> None:
    made = measured(OURS)
    assert made["rows"] == 50
    assert (made["accuracy"] or 0) >= 0.9
    assert made["hotline-desk_recall"] == 1.0

"""`hotline evaluate place`: its figures on a case known by hand, and the bars of the rules on the labelled set."""

import os
from pathlib import Path

import pytest

from hotline.quality.evaluate.place import measure
from schemas.errors import MisconfiguredError

DATA = os.environ.get("HOTLINE_DATA")

SMALL = """\
朝 B-district
阳 I-district
区 I-district
建 B-road
国 I-road
路 I-road
88 B-roadno
号 I-roadno

知 B-poi
春 I-poi
小 I-poi
区 I-poi
南 B-subpoi
门 I-subpoi
"""


def test_a_piece_is_right_when_level_start_and_end_are(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_text(SMALL.replace("知 B-poi\n春 I-poi", "朝 B-road\n春 B-poi"), encoding="utf-8")
    figures = {figure.name: figure.value for figure in measure(path)}
    assert (figures["addresses"], figures["district_f1"], figures["road_number_f1"]) == (2, 1.0, 1.0)
    assert (figures["road_labelled"], figures["road_precision"], figures["road_recall"]) == (2, 1.0, 0.5)
    assert (figures["poi_labelled"], figures["poi_precision"], figures["poi_recall"]) == (1, 0.0, 0.0)
    assert "city_f1" not in figures


def test_several_files_are_counted_together(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.txt", "b.txt")]
    for path in paths:
        path.write_text(SMALL, encoding="utf-8")
    figures = {figure.name: figure.value for figure in measure(paths)}
    assert (figures["addresses"], figures["district_labelled"]) == (4, 2)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("\n\n", encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=r"none\.txt has no addresses"):
        measure(tmp_path / "none.txt")


@pytest.mark.skipif(not DATA, reason="HOTLINE_DATA names no folder of labelled addresses")
def test_the_rules_hold_their_bars_on_the_development_part() -> None:
    path = Path(DATA or "") / "address" / "neural_chinese_address_parsing" / "dev.txt"
    figures = {figure.name: figure.value for figure in measure(path)}
    bars = {
        "province": 0.94,
        "city": 0.93,
        "district": 0.93,
        "town": 0.85,
        "road": 0.88,
        "road_number": 0.88,
        "poi": 0.74,
    }
    found = {level: figures[f"{level}_f1"] for level in bars}
    assert all((found[level] or 0) >= bar for level, bar in bars.items()), found

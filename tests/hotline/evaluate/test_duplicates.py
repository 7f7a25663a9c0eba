"""`hotline evaluate duplicates`: its figures on small cases known by hand, and the bars on the labelled set."""

import json
import os
from importlib import resources
from pathlib import Path

import pytest

from hotline.quality.evaluate import TASKS
from hotline.quality.evaluate.duplicates import bcubed, measure
from normalizers.rules import DEFAULT_RULES, Rules
from schemas.errors import MisconfiguredError

DATA = os.environ.get("HOTLINE_DATA")


def test_b_cubed_by_hand() -> None:
    incidents = {"a": 1, "b": 1, "c": 1, "d": 2}
    clusters = {"a": "x", "b": "x", "c": "y", "d": "y", "e": "x"}
    # precision: a, b 2/2; c, d 1/2; recall: a, b 2/3; c 1/3; d 1/1
    assert bcubed(clusters, incidents) == (0.75, 0.6667)


def test_a_perfect_and_an_empty_answer() -> None:
    assert bcubed({"a": "x", "b": "x"}, {"a": 1, "b": 1}) == (1.0, 1.0)
    assert bcubed({}, {}) == (None, None)


def test_a_small_file_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "small.jsonl"
    rows = [
        {"id": 1, "title": "丽景新城旁边建搅拌站噪音扰民", "text": "粉尘很大", "sender": "a1001", "cluster": 1},
        {"id": 2, "subject": "丽景新城小区搅拌厂噪声污染", "body": "整夜施工", "user": "a1002", "cluster": 1},
        {"id": 3, "title": "海棠公寓停水", "text": "停水三天了", "cluster": 2},
        {"id": 4, "title": "身份证丢了怎么补办", "text": "请问"},
    ]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    (tmp_path / "small_hard_negatives.csv").write_text("id_a,id_b\n1,3\n", encoding="utf-8")
    figures = {figure.name: figure.value for figure in measure(path)}
    assert figures == {
        "rows": 4,
        "labelled": 3,
        "incidents": 2,
        "bcubed_precision": 1.0,
        "bcubed_recall": 1.0,
        "bcubed_f1": 1.0,
        "pair_precision": 1.0,
        "pair_recall": 1.0,
        "precision_of_all": 1.0,
        "wrong_tickets": 0,
        "hard_negatives": 1,
        "hard_negative_error": 0.0,
    }


def test_several_files_are_one_stream_and_each_has_ids_and_incidents_of_its_own(tmp_path: Path) -> None:
    text = "丽景新城旁边建搅拌站噪音扰民，粉尘很大"
    for name, sender in (("a", "a1001"), ("b", "a1002")):
        rows = [
            {"id": 1, "text": text, "sender": sender, "cluster": 1},
            {"id": 2, "text": "海棠公寓停水三天了", "sender": f"{sender}9", "cluster": 2},
        ]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    (tmp_path / "b_hard_negatives.csv").write_text("id_a,id_b\n1,2\n", encoding="utf-8")
    made = measure((tmp_path / "a.jsonl", tmp_path / "b.jsonl"))
    figures = {figure.name: figure.value for figure in made}
    assert (figures["rows"], figures["incidents"], figures["hard_negatives"]) == (4, 4, 1)
    assert (figures["bcubed_precision"], figures["bcubed_recall"]) == (0.5, 1.0)


@pytest.mark.parametrize("line", ["no json", '{"id": 1}'])
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "bad.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(MisconfiguredError, match="Line 1"):
        measure(tmp_path / "bad.jsonl")


@pytest.mark.skipif(DATA is None, reason="HOTLINE_DATA names no folder of labelled messages")
def test_the_bars_on_the_labelled_set() -> None:
    assert DATA is not None
    figures = {
        one.name: one.value
        for one in TASKS["duplicates"](Path(DATA) / "messages" / "duplicates_dev.jsonl", DEFAULT_RULES)
    }
    assert (figures["bcubed_f1"] or 0) >= 0.90
    assert (figures["hard_negative_error"] or 0) <= 0.10
    assert (figures["precision_of_all"] or 0) >= 0.95


def test_a_city_s_own_words_are_measured(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "title": "丽景新城的暗沟盖有怪响", "text": "暗沟盖松了", "cluster": 1},
        {"id": 2, "title": "丽景新城的阴沟盖有动静", "text": "阴沟盖坏了", "cluster": 1},
    ]
    path = tmp_path / "small.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    words = resources.files("normalizers.rules").joinpath("matters.toml").read_text("utf-8")
    own = words.replace('objects = """', 'objects = """\n暗沟盖 阴沟盖\n怪响 动静', 1)
    (tmp_path / "matters.toml").write_text(own, encoding="utf-8")
    recall = [
        next(one.value for one in measure(path, Rules.load(folder)) if one.name == "bcubed_recall")
        for folder in (None, tmp_path)
    ]
    assert recall == [0.5, 1.0]

"""A model of a city's addresses: learned from labels, kept with its card, used in place of the rules' levels."""

import json
import random
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotline.cli.app import app
from hotline.quality.learn import addresses
from hotline.quality.learn import place as learning
from normalizers.base import Draft, Policy
from normalizers.enrich.address import crf, extract, parse
from normalizers.enrich.address.crf import PlaceModel
from normalizers.rules import DEFAULT_RULES
from schemas.errors import MisconfiguredError

DISTRICTS = ("朝阳区", "海淀区", "西城区", "丰台区")
ROADS = ("建国路", "学院路", "广安大街", "莲花池西路", "中关村大街")
NAMES = ("和乔丽晶", "太阳星城", "知春里", "万柳书院", "晶都国际", "银泰")


def labelled(pieces: Iterable[tuple[str, str]]) -> str:
    """Return an address as CoNLL; a number is written as one, as some files do."""
    lines = []
    for text, label in pieces:
        units = crf.units_of(text)
        lines += [f"{unit} {'B' if not at else 'I'}-{label}" for at, unit in enumerate(units)]
    return "\n".join((*lines, "", ""))


def conll(count: int = 200, seed: int = 1) -> str:
    chance = random.Random(seed)
    return "".join(
        labelled(
            (
                (chance.choice(DISTRICTS), "district"),
                (chance.choice(ROADS), "road"),
                (f"{chance.randint(1, 300)}号", "roadno"),
                (chance.choice(NAMES), "poi"),
                (f"{chance.randint(1, 20)}幢", "houseno"),
            )
        )
        for _ in range(count)
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "addresses.txt"
    path.write_text(conll(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(file: Path, tmp_path_factory: pytest.TempPathFactory) -> PlaceModel:
    return crf.load(learning.learn(addresses.read((file,)), tmp_path_factory.mktemp("models")))


def test_labels_of_others_are_our_levels(file: Path) -> None:
    first = next(addresses.read((file,)))
    assert [span.label for span in first.spans] == ["district", "road", "road_number", "poi", "houseno"]
    assert "".join(first.text[span.start : span.end] for span in first.spans) == first.text


def test_bioes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bioes.txt"
    path.write_text("朝 B-district\n阳 I-district\n区 E-district\n, O\n8 S-roadno\n", encoding="utf-8")
    (only,) = addresses.read((path,))
    assert [(span.label, span.start, span.end) for span in only.spans] == [("district", 0, 3), ("road_number", 4, 5)]


def test_a_model_knows_names_without_an_ending(model: PlaceModel) -> None:
    address = "海淀区学院路17号晶都国际3幢"
    assert [(piece.level, piece.text) for piece in model.pieces(address)] == [
        ("district", "海淀区"), ("road", "学院路"), ("road_number", "17号"), ("poi", "晶都国际"),
    ]  # fmt: skip
    assert model.pieces("") == ()


def test_the_card_tells_what_it_was_made_of_and_how_right_it_is(model: PlaceModel) -> None:
    card = model.card
    assert card.labels == dict.fromkeys(("district", "houseno", "poi", "road", "road_number"), card.rows)
    assert 0 < card.held_out < card.rows
    assert set(card.f1) == set(card.labels)
    assert min(card.f1.values()) > 0.95


def test_a_model_says_the_levels_and_the_table_the_code(model: PlaceModel) -> None:
    text = "朝阳区建国路88号和乔丽晶大厦漏水"
    for policy, source in ((Policy(place_model=model), "model"), (Policy(), "rule")):
        found = {one.kind: one for one in extract.findings(Draft(text=text), text, "110000", policy)}
        assert (found["adcode"].value, found["adcode"].source) == ("110105", "rule")
        assert (found["place_road"].value, found["place_road"].source) == ("建国路", source)
    assert found["place_road"].version == extract.rulebook(DEFAULT_RULES).version


def test_the_same_addresses_in_another_order_are_held_out_alike(file: Path) -> None:
    rows = list(addresses.read((file,)))
    assert 0.1 < sum(map(learning._is_held_out, rows)) / len(rows) < 0.3


@pytest.mark.parametrize(
    ("written", "told"),
    [("朝 B-district extra\n", "Line 1"), ("区\n", "Line 1"), ("朝 B-district\n", "Too few addresses")],
)
def test_a_file_that_teaches_nothing_is_named(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=told):
        learning.learn(addresses.read((path,)), tmp_path)


def test_a_model_that_is_not_its_cards_is_refused(model: PlaceModel, tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="hotline learn place"):
        crf.load(tmp_path / "none.crfsuite")
    path, card = tmp_path / "place.crfsuite", tmp_path / "place.json"
    path.write_bytes(b"other")
    known = {name: getattr(model.card, name) for name in model.card.__struct_fields__}
    card.write_text(json.dumps(known), encoding="utf-8")
    with pytest.raises(MisconfiguredError, match="not match its card"):
        crf.load(path)


def test_a_model_keeps_the_bytes_that_the_library_reads_from(file: Path, tmp_path: Path) -> None:
    data = learning.learn(addresses.read((file,)), tmp_path).read_bytes()
    before = sys.getrefcount(data)
    tagger = crf.Tagger(data)
    assert sys.getrefcount(data) > before
    assert tagger.tags(crf.units_of("海淀区"))


def test_a_model_of_other_features_is_refused(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crf, "FEATURES", crf.FEATURES + 1)
    path = learning.learn(addresses.read((file,)), tmp_path)
    monkeypatch.undo()
    with pytest.raises(MisconfiguredError, match="another version"):
        crf.load(path)


def test_commands_learn_and_measure(file: Path, tmp_path: Path) -> None:
    learned = CliRunner().invoke(app, ["learn", "place", str(file), "--out", str(tmp_path)])
    assert learned.exit_code == 0, learned.output
    (path,) = tmp_path.glob("place-*.crfsuite")
    by_model = CliRunner().invoke(app, ["evaluate", "place", str(file), "--model", str(path), "--json"])
    by_rules = CliRunner().invoke(app, ["evaluate", "place", str(file), "--json"])
    assert json.loads(by_model.stdout)["poi_f1"] > 0.98
    assert json.loads(by_rules.stdout)["district_f1"] == json.loads(by_rules.stdout)["road_number_f1"] == 1.0
    refused = CliRunner().invoke(app, ["evaluate", "duplicates", str(file), "--model", str(path)])
    assert refused.exit_code == 2


def test_the_parser_and_the_labels_speak_of_the_same_levels() -> None:
    assert set(addresses.LEVELS.values()) <= set(parse.LEVELS)

"""A city's own file of rules that is older than ours: what came since is ours, unless the city writes it empty."""

import json
import pkgutil
from collections.abc import Mapping, Sequence
from datetime import date
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

import normalizers
from normalizers import rulebooks
from normalizers.base import Draft, Policy
from normalizers.enrich.acceptance import not_accepted
from normalizers.enrich.address import extract, parse
from normalizers.enrich.confidentiality import confidentiality
from normalizers.enrich.minors import minors
from normalizers.geo import divisions
from normalizers.mapped_webhook.profile import profiles
from normalizers.rules import DEFAULT_RULES, FOLDERS, YOUNGER, RulePart, Rules, memoized
from normalizers.similarity.features import features_of
from normalizers.similarity.terms import matter_of
from normalizers.text.fold import fold
from schemas.errors import MisconfiguredError
from schemas.records import Finding
from tickets.masking.mask import Known, mask_text


def toml(value: Any) -> str:
    """Return a value as TOML writes it in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def written(folder: Path, name: str, table: Mapping[str, Any]) -> Path:
    (folder / f"{name}.toml").write_text("".join(f"{key} = {toml(one)}\n" for key, one in table.items()), "utf-8")
    return folder


def younger(name: str) -> list[tuple[str, str]]:
    """Return every list that a city's file may lack: its section, and its own name; only one of both for a list."""
    found = []
    for key in YOUNGER[name]:
        section, _, inner = key.partition(".")
        whole = key.endswith(".")
        found += [(section, one) for one in DEFAULT_RULES.toml(name)[section]] if whole else [(section, inner)]
    return found


def without(name: str, empty: bool) -> dict[str, Any]:
    """Return our rules without what is younger, or with all of that empty."""
    made = {key: dict(one) if isinstance(one, dict) else one for key, one in DEFAULT_RULES.toml(name).items()}
    for section, inner in younger(name):
        table, key = (made[section], inner) if inner else (made, section)
        value = table.pop(key)
        if empty and isinstance(value, str | list | dict):
            table[key] = type(value)()
        elif empty:
            table[key] = value
    return made


@pytest.mark.parametrize("name", YOUNGER)
def test_an_older_file_is_completed_by_ours(tmp_path: Path, name: str) -> None:
    written(tmp_path, name, without(name, empty=False))
    assert Rules.load(tmp_path).toml(name) == DEFAULT_RULES.toml(name)
    rulebooks.verify_one(Rules.load(tmp_path), name)


@pytest.mark.parametrize("name", YOUNGER)
def test_what_a_city_writes_empty_stays_so(tmp_path: Path, name: str) -> None:
    empty = without(name, empty=True)
    written(tmp_path, name, empty)
    assert Rules.load(tmp_path).toml(name) == empty
    rulebooks.verify_one(Rules.load(tmp_path), name)


@pytest.mark.parametrize("name", rulebooks.RULEBOOKS)
def test_what_every_file_had_from_the_first_is_missed(tmp_path: Path, name: str) -> None:
    written(tmp_path, name, {"version": "1"})
    with pytest.raises(MisconfiguredError, match=name):
        rulebooks.verify_one(Rules.load(tmp_path), name)


def test_names_are_hidden_by_what_is_younger_than_the_citys_file(tmp_path: Path) -> None:
    written(tmp_path, "names", without("names", empty=False))
    for said in ("崔浩在群里骂人", "谭文建不接电话", "I am Wang Xiaoming", "邻居小张太吵", "我网名叫雨天的猫"):
        assert mask_text(said, Known(rules=Rules.load(tmp_path))) == mask_text(said) != said


def test_messages_are_told_apart_by_what_is_younger_than_the_citys_file(tmp_path: Path) -> None:
    written(tmp_path, "matters", without("matters", empty=False))
    assert matter_of("", "3号楼2单元电梯坏了", Rules.load(tmp_path)) == matter_of("", "3号楼2单元电梯坏了")
    assert matter_of("", "3号楼2单元电梯坏了").marks


def with_more(folder: Path, name: str, **more: str | list[str]) -> Path:
    """Write our rules with words added to lists of theirs, `section__list` for one of a section."""
    made = {key: dict(one) if isinstance(one, dict) else one for key, one in DEFAULT_RULES.toml(name).items()}
    for path, words in more.items():
        *section, key = path.split("__")
        table = made[section[0]] if section else made
        table[key] += words
    return written(folder, name, made)


LETTER = "路灯坏了很久没有人修，晚上走路看不见，" * 4


@pytest.mark.parametrize(
    ("more", "text", "field", "found"),
    [
        (
            {"papers__surely": " 维修单", "papers__by_number": " 维修单"},
            "维修单12345678没人管",
            "papers",
            {"12345678"},
        ),
        ({"papers__by_a_label": " 罚单"}, "罚单编号7654321不对", "marks", {("罚单", "7654321")}),
        ({"papers__labels": " 梯"}, "梯号4417停了", "marks", {("梯号", "4417")}),
        ({"papers__counters": " 闸机"}, "闸机3号坏了", "marks", {("闸机", "3")}),
        ({"papers__cases": " 知", "papers__by_kind_and_number": " 知"}, "知初8812号没判", "papers", {"知8812"}),
        ({"papers__stages": " 速"}, "民速字8812号没判", "papers", {"民8812"}),
        ({"towers": " 国金塔"}, "国金塔1205漏水", "marks", {("room", "1205")}),
        ({"employed": " 跑单"}, "我们在信达跑单没发钱", "marks", {("called by", "信达")}),
        ({"says_who": " 群众"}, f"县群众反映，{LETTER}", "opening", "县群众反映路灯坏了很久没"),
        ({"writers": "友"}, "车友反对加装路桩", "marks", {("stance", "False")}),
        ({"residents": "客"}, "租客反对加装路桩", "marks", {("stance", "False")}),
    ],
)
def test_what_a_city_adds_to_the_lists_of_matters_is_found(
    tmp_path: Path, more: dict[str, str], text: str, field: str, found: Any
) -> None:
    ours, own = matter_of("", text), matter_of("", text, Rules.load(with_more(tmp_path, "matters", **more)))
    if isinstance(found, str):
        assert (getattr(ours, field), getattr(own, field)) == ("", found)
    else:
        assert getattr(own, field) >= found
        assert getattr(ours, field).isdisjoint(found)


def test_what_a_city_takes_for_no_area_is_none(tmp_path: Path) -> None:
    own = with_more(tmp_path, "matters", areas__no_districts="湖", areas__no_cities="花")
    for said, area in (("东湖区路灯坏了", "东湖区"), ("早花市路灯坏了", "早花市")):
        assert matter_of("", said).areas == {area}
        assert matter_of("", said, Rules.load(own)).areas == frozenset()


def test_a_city_in_the_name_of_something_else_is_none(tmp_path: Path) -> None:
    own = with_more(tmp_path, "matters", behind_city=" 会馆")
    assert ("city", "沈阳") in matter_of("", "有人在沈阳会馆摔了").marks
    assert ("city", "沈阳") not in matter_of("", "有人在沈阳会馆摔了", Rules.load(own)).marks


def test_what_lasts_with_a_city_has_no_day(tmp_path: Path) -> None:
    own, today = with_more(tmp_path, "matters", lasting=" 老是"), date(2026, 11, 24)
    said = "锦绣华庭小区昨天晚上停电了，老是这样"
    assert ("about", "11-23") in matter_of("", said, day=today).marks
    assert ("about", "11-23") not in matter_of("", said, Rules.load(own), today).marks


def test_what_tells_the_parts_of_one_place_tells_nobody_where_it_is(tmp_path: Path) -> None:
    own = with_more(tmp_path, "matters", of_one_place=" 号线")
    assert "号线 2" in matter_of("", "2号线停运了").whereabouts
    assert "号线 2" not in matter_of("", "2号线停运了", Rules.load(own)).whereabouts


def test_a_line_with_which_a_citys_people_greet_is_no_heading(tmp_path: Path) -> None:
    own = with_more(tmp_path, "matters", no_heading=" 热线")
    text = "热线您辛苦：花园小区\n3号楼2单元电梯坏了"
    for folder, untitled in ((None, UNSET), (own, True)):
        found = features_of(Draft(text=text), fold(text), (), (), Policy(rules=Rules.load(folder)))
        assert found.untitled is untitled


def test_a_list_of_the_citys_own_stands(tmp_path: Path) -> None:
    written(tmp_path, "place", {**DEFAULT_RULES.toml("place"), "but_before": {}})
    assert [piece.text for piece in parse.parse("中山路人行道", Rules.load(tmp_path))] != ["中山路", "人行道"]
    own = without("names", empty=False)
    own["short_names"] = {"surely_given": "", "maybe_given": ""}
    own["likely_names"] = {**own.get("likely_names", {}), "words": "崔浩"}
    written(tmp_path, "names", own)
    assert mask_text("崔浩在群里骂人", Known(rules=Rules.load(tmp_path))) == "崔浩在群里骂人"
    assert "王胖子" not in mask_text("王胖子堵门", Known(rules=Rules.load(tmp_path)))


MODULES = [import_module(one.name) for one in pkgutil.walk_packages(normalizers.__path__, "normalizers.")]
PARTS = {
    f"{module.__name__}.{name}": made
    for module in MODULES
    for name, made in vars(module).items()
    if isinstance(made, RulePart) and made.__module__ == module.__name__ and made not in (divisions.added, profiles)
}
"""All that is compiled of a city's files of rules, by its name; towns are added line by line, profiles file by file."""


def test_no_rules_are_kept_of_every_folder_that_was_ever_tried(tmp_path: Path) -> None:
    first = Rules.load(tmp_path)
    assert Rules.load(tmp_path) is first
    for number in range(FOLDERS):
        Rules.load(tmp_path / str(number))
    assert Rules.load(tmp_path) is not first


def test_answers_are_remembered_with_the_rules_and_not_beyond_them(tmp_path: Path) -> None:
    asked: list[Rules] = []

    @memoized(1)
    def answer(word: str, rules: Rules) -> str:
        asked.append(rules)
        return word

    for rules in (Rules(tmp_path), Rules(tmp_path), DEFAULT_RULES):
        assert [answer("路", rules), answer("路", rules)] == ["路", "路"]
    assert len(asked) == 3


@pytest.mark.parametrize("name", PARTS)
def test_a_part_names_every_file_that_it_is_compiled_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What stands in a file that is not named would not count: the city would have what is made of ours."""
    for file in resources.files("normalizers.rules").iterdir():
        if file.name.endswith((".toml", ".tsv")):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    read, toml, table = set[str](), Rules.toml, Rules.table

    def read_toml(rules: Rules, file: str) -> dict[str, Any]:
        read.add(f"{file}.toml")
        return toml(rules, file)

    def read_table(rules: Rules, file: str, columns: Sequence[str]) -> list[dict[str, str]]:
        read.add(f"{file}.tsv")
        return table(rules, file, columns)

    monkeypatch.setattr(Rules, "toml", read_toml)
    monkeypatch.setattr(Rules, "table", read_table)
    assert PARTS[name](Rules.load(tmp_path)) is not PARTS[name]()
    assert read == {*PARTS[name].files}


def test_a_check_makes_nothing_of_files_that_are_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of ours take seconds, and say nothing about a city's."""
    written(tmp_path, "hotlines", DEFAULT_RULES.toml("hotlines"))
    asked, compiled = list[RulePart[Any]](), Rules.compiled
    monkeypatch.setattr(Rules, "compiled", lambda rules, part: asked.append(part) or compiled(rules, part))
    rulebooks.verify(Rules.load(tmp_path))
    assert [name for name, part in PARTS.items() if part in asked] == ["normalizers.enrich.merged_hotlines.rulebook"]


@pytest.mark.parametrize("name", PARTS)
def test_a_folder_without_the_files_of_a_part_has_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / "deadlines").mkdir()
    (tmp_path / "near.toml").write_text("")
    assert PARTS[name](Rules.load(tmp_path)) is PARTS[name]()


def with_score(folder: Path, name: str, section: str, key: str, value: float) -> Path:
    """Write our rules with one number of a section changed."""
    table = DEFAULT_RULES.toml(name)
    return written(folder, name, {**table, section: {**table[section], key: value}})


SCORED = [
    ("confidentiality", "told", "请为我保密，小区门口有摊子占道", "confidentiality"),
    ("minors", "told", "班主任天天打孩子", "minor_harm"),
    ("acceptance", "likely", "判决书下来了对方不给钱", "not_accepted"),
    ("place", "road", "解放路88号的路灯坏了", "place_road"),
]


def findings(name: str, text: str, folder: Path) -> list[Finding | None]:
    """Return what the rules of one file find in a text."""
    draft, folded = Draft(text=text), fold(text)
    match name:
        case "confidentiality":
            return [*confidentiality(None, text, folded, Rules.load(folder))]
        case "minors":
            return [*minors(None, text, folded, Rules.load(folder))]
        case "acceptance":
            return [not_accepted(draft, folded, Rules.load(folder))]
    return [*extract.findings(draft, folded, "330100", Policy(rules=Rules.load(folder)))]


@pytest.mark.parametrize(("name", "key", "text", "kind"), SCORED)
def test_a_city_says_what_a_find_is_worth(tmp_path: Path, name: str, key: str, text: str, kind: str) -> None:
    found = findings(name, text, with_score(tmp_path, name, "scores", key, 0.11))
    assert [one.score for one in found if one is not None and one.kind == kind] == [0.11]


@pytest.mark.parametrize("name", [one[0] for one in SCORED])
def test_a_score_above_one_is_refused(tmp_path: Path, name: str) -> None:
    with_score(tmp_path, name, "scores", next(iter(DEFAULT_RULES.toml(name)["scores"])), 1.5)
    with pytest.raises(MisconfiguredError, match=rf"{name}\.toml"):
        rulebooks.verify_one(Rules.load(tmp_path), name)


def test_a_city_asks_more_of_an_address(tmp_path: Path) -> None:
    folder = with_score(tmp_path, "place", "weights", "least", 3.5)
    assert extract.find("解放路的路灯坏了") is not None
    assert extract.find("解放路的路灯坏了", Rules.load(folder)) is None

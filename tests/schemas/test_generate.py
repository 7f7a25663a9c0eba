"""Generated files are what the records say, and say only what the local server can do."""

import re
from pathlib import Path
from typing import Annotated, get_args

import msgspec
import pytest
from msgspec import Struct

import normalizers
import tickets
from normalizers.enrich.emergency import LEVELS
from normalizers.rules import DEFAULT_RULES
from schemas import enums
from schemas.contract import generate, jsonschema
from schemas.contract.index_templates import indices, mapped_fields, mapping
from schemas.fields import about, fields_of, walk
from schemas.records import RECORDS
from schemas.records.event import AnyChange
from schemas.topics import CHANNELS
from tests.rows import each_row
from tickets import lifecycle
from tickets.codes import NO_CITIZEN
from tickets.deciders import DECIDERS
from tickets.snapshot.build import KIND_GROUPS


def test_the_checked_in_files_are_current() -> None:
    assert generate.check() == [], "run `hotline schema export` and commit what changed"


def test_check_names_what_is_stale_missing_or_left_over(tmp_path: Path) -> None:
    assert set(generate.export(tmp_path)) == set(generate.files())
    assert generate.check(tmp_path) == []
    (tmp_path / "redaction.json").write_text("{}")
    (tmp_path / "jsonschema" / "link.json").unlink()
    (tmp_path / "jsonschema" / "left_over.json").write_text("{}")
    expected = ["jsonschema/left_over.json", "jsonschema/link.json", "redaction.json"]
    assert generate.check(tmp_path) == expected
    assert generate.export(tmp_path) == expected
    assert generate.check(tmp_path) == []


CHINESE = re.compile(r"[\u4e00-\u9fff]")
STRUCTS = [*RECORDS.values(), *get_args(AnyChange)]
INNER = {field.inner.__name__: field.inner for struct in STRUCTS for field in walk(struct) if field.inner}


@each_row("struct", STRUCTS)
def test_every_field_has_its_chinese_term_beside_the_english(struct: type[Struct]) -> None:
    for field in walk(struct):
        assert CHINESE.search(field.chinese), field.path
        english = field.description.split("(")[0]
        assert re.search(r"[A-Za-z]{2}", english), field.path


@each_row("struct", [*STRUCTS, *INNER.values()])
def test_every_record_and_change_has_its_chinese_term_beside_the_english(struct: type[Struct]) -> None:
    chinese, _, english = (struct.__doc__ or "").partition(": ")
    assert CHINESE.search(chinese)
    assert re.search(r"[A-Za-z]{2}", english)


def test_every_word_has_its_chinese_term() -> None:
    lists = {name: each for name, each in vars(enums).items() if isinstance(each, dict) and name.isupper()}
    assert len(lists) > 20
    for name, each in lists.items():
        assert all(CHINESE.search(chinese) for chinese in each.values()), name


@each_row("change", get_args(AnyChange))
def test_no_change_of_an_event_holds_personal_data(change: type[Struct]) -> None:
    assert [field.path for field in walk(change) if field.pii] == []


WRITTEN = {
    "relation": enums.RELATIONS,
    "status": enums.STATUSES,
    "level": enums.EMERGENCY_LEVELS,
    "message_class": enums.MESSAGE_CLASSES,
    "source": enums.DECIDED_BY,
    "anonymous": enums.ANONYMITY,
    "confidentiality": enums.CONFIDENTIALITY,
}


@each_row("field", WRITTEN)
def test_a_word_that_the_code_writes_is_told(field: str) -> None:
    rooms = [Path(str(room.__file__)).parent for room in (normalizers, tickets)]
    sources = [file.read_text(encoding="utf-8") for room in rooms for file in room.rglob("*.py")]
    written = set(re.findall(rf'\b{field}="([a-z_]+)"', "\n".join(sources)))
    assert written, field
    assert written <= set(WRITTEN[field])


def test_the_generated_documents_have_both_languages() -> None:
    ticket = jsonschema.document("ticket")["$defs"]["Ticket"]["properties"]
    assert ticket["text"] == {
        "title": "诉求内容", "description": "Text of all its messages, oldest first", "default": "", "type": "string",
        "x-pii": 2, "x-index": "words",
    }  # fmt: skip


def test_the_words_of_the_rules_are_told() -> None:
    """What our own code writes is in the lists; what an importer sends may be more: they are open."""
    alarms = DEFAULT_RULES.toml("emergency")["rule"]
    assert {name for rule in alarms for name in rule["classes"]} <= set(enums.EMERGENCY_CLASSES)
    assert set(LEVELS) == set(enums.EMERGENCY_LEVELS)
    assert set(enums.STATUSES) == set(lifecycle.NEXT)
    assert tuple(enums.CHANNELS) == CHANNELS
    assert KIND_GROUPS.keys() <= set(enums.REQUEST_KINDS)
    assert set(KIND_GROUPS.values()) == set(enums.REQUEST_KIND_GROUPS)
    assert set(DECIDERS) <= set(enums.RELATIONS)
    assert set(enums.MESSAGE_CLASSES) >= NO_CITIZEN


def test_a_field_without_description_is_an_error() -> None:
    class Silent(Struct):
        name: str

    with pytest.raises(TypeError, match=r"Silent\.name"):
        list(fields_of(Silent))


def test_a_field_can_be_optional_repeated_or_nested() -> None:
    class Inner(Struct):
        at: Annotated[str, about("When", "时间", index="date")]

    class Outer(Struct):
        one: Annotated[Inner | None, about("One", "一", index="object")] = None
        many: Annotated[tuple[Inner, ...] | msgspec.UnsetType, about("Many", "多", index="object")] = msgspec.UNSET

    assert [field.inner for field in fields_of(Outer)] == [Inner, Inner]


@each_row("name", indices())
def test_nothing_is_mapped_that_the_record_does_not_index(name: str) -> None:
    record = indices()[name].record
    assert mapping(record)["dynamic"] is False
    none = {field.name for field in fields_of(RECORDS[record]) if field.index in ("none", "words")}
    assert not none & set(mapping(record)["properties"])


def test_what_is_searched_is_folded_text_alone() -> None:
    texts = {
        (index.record, path)
        for index in indices().values()
        for path, kind in _kinds(mapping(index.record)["properties"]).items()
        if kind == "text"
    }
    assert texts == {("ticket", "search_text"), ("ticket", "search_sound"), ("message", "search_text")}


def test_no_pattern_takes_another_alias_s_indices() -> None:
    from fnmatch import fnmatch

    names = {name: index.first or index.of_month("2026-11") for name, index in indices().items()}
    for name, concrete in names.items():
        assert [other for other, index in indices().items() if fnmatch(concrete, index.pattern)] == [name]
    assert all(fnmatch(concrete, "hotline-*") for concrete in names.values())


def test_mapped_fields_are_dotted_paths() -> None:
    assert {"search_text", "location", "location.adcode"} <= mapped_fields("ticket")


def test_what_a_person_wrote_has_a_class() -> None:
    table = generate.redaction()
    assert table["message"]["text"] == table["ticket"]["search_text"] == 2
    assert table["ticket"]["requester.phone"] == 1
    assert table["event"] == {}, "the event log holds no personal text"
    assert table["link"] == {}


def _kinds(properties: dict[str, dict[str, object]], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, content in properties.items():
        inner = content.get("properties")
        found |= _kinds(inner, f"{prefix}{name}.") if isinstance(inner, dict) else {f"{prefix}{name}": content["type"]}
    return found

"""Generated files are what the records say, and say only what the local server can do."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Struct

from schemas import generate
from schemas.elastic import indices, mapped_fields, mapping
from schemas.fields import about
from schemas.records import RECORDS
from schemas.shape import fields_of


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


def test_every_field_of_every_record_describes_itself() -> None:
    for record in RECORDS.values():
        assert all(field.description for field in fields_of(record))


def test_a_field_without_description_is_an_error() -> None:
    class Silent(Struct):
        name: str

    with pytest.raises(TypeError, match=r"Silent\.name"):
        list(fields_of(Silent))


def test_a_field_can_be_optional_repeated_or_nested() -> None:
    class Inner(Struct):
        at: Annotated[str, about("When", index="date")]

    class Outer(Struct):
        one: Annotated[Inner | None, about("One", index="object")] = None
        many: Annotated[tuple[Inner, ...] | msgspec.UnsetType, about("Many", index="object")] = msgspec.UNSET

    assert [field.inner for field in fields_of(Outer)] == [Inner, Inner]


@pytest.mark.parametrize("name", indices())
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
    assert texts == {("ticket", "search_text"), ("message", "search_text")}


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

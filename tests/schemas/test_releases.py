"""Every released version is frozen, and all golden records are read by all released readers."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from msgspec.structs import replace

from schemas.codec import decode
from schemas.contract import releases
from schemas.contract.compatibility import read
from schemas.contract.releases import Release
from schemas.envelope import VERSION, schema_of
from schemas.records import RECORDS, Ticket
from tests.rows import each_row
from tests.schemas.shapes import AFTER, NEXT, PATCHED, Change, Schemas, add, fields, later, put, text

NOW = releases.current()
VERSIONS = [*releases.released(), NOW]
PAIRS = [(reader, writer) for reader in range(len(VERSIONS)) for writer in range(len(VERSIONS))]


def names(reader: Release, writer: Release) -> list[str]:
    return sorted(reader.shape.schemas.keys() & writer.golden.keys())


def test_something_is_released() -> None:
    assert [release.shape.version for release in VERSIONS[:-1]]
    assert all(release.golden.keys() == release.shape.schemas.keys() for release in VERSIONS)


def test_nothing_that_was_promised_is_broken() -> None:
    assert list(map(str, releases.faults(NOW))) == [], "docs/how-to/change-a-record.md says what to do"


@each_row(("reader", "writer"), PAIRS)
def test_every_released_reader_reads_every_golden_record(reader: int, writer: int) -> None:
    for name in names(VERSIONS[reader], VERSIONS[writer]):
        found = read(VERSIONS[reader].shape.schemas[name], VERSIONS[writer].golden[name])
        if reader == writer:
            assert found == VERSIONS[writer].golden[name]


@each_row(("reader", "writer"), PAIRS)
def test_an_independent_validator_accepts_every_golden_record(reader: int, writer: int) -> None:
    for name in names(VERSIONS[reader], VERSIONS[writer]):
        validator(VERSIONS[reader], name).validate(VERSIONS[writer].golden[name])


@each_row("writer", range(len(VERSIONS)))
def test_the_code_of_today_reads_every_golden_record(writer: int) -> None:
    for name in names(NOW, VERSIONS[writer]):
        if name in RECORDS:
            decode(json.dumps(VERSIONS[writer].golden[name]).encode(), RECORDS[name])


def validator(release: Release, name: str) -> Draft202012Validator:
    return Draft202012Validator(release.shape.schemas[name], validate_formats=True)


def test_a_validator_accepts_the_kinds_of_changes_and_the_words_of_the_future() -> None:
    event = copy.deepcopy(NOW.golden["event"])
    event["changes"].append({"change": "praised", "by": "a city"})
    validator(NOW, "event").validate(event)
    event["changes"].append({"change": "reopened"})  # a known kind, without its ticket
    assert not validator(NOW, "event").is_valid(event)
    validator(NOW, "ticket").validate(NOW.golden["ticket"] | {"status": "forgotten"})


def grown(named: str, change: Change, **golden: Any) -> Release:
    """Today's release, as a later version would be."""
    return Release(shape=later(change, named), golden={**NOW.golden, "ticket": NOW.golden["ticket"] | golden})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which the version of today is released."""
    releases.cut(NOW, tmp_path)
    return tmp_path


def faults(now: Release, folder: Path) -> list[str]:
    return [str(fault) for fault in releases.faults(now, folder)]


def test_a_release_comes_back_as_it_was_cut(folder: Path) -> None:
    assert releases.released(folder) == [NOW]
    assert faults(NOW, folder) == []
    assert not releases.is_new(NOW, folder)


def test_a_minor_version_adds_fields_and_words_and_all_read_all(folder: Path) -> None:
    def more(schemas: dict[str, Any]) -> None:
        add("mood", text(default=None) | {"anyOf": [{"type": "string"}, {"type": "null"}]})(schemas)
        fields(schemas)["status"]["x-words"].append("forgotten")

    next_one = grown(NEXT, more, mood="calm", status="forgotten")
    assert releases.is_new(next_one, folder)
    assert faults(next_one, folder) == []
    releases.cut(next_one, folder)
    old, new = releases.released(folder)
    by_old = read(old.shape.schemas["ticket"], new.golden["ticket"])
    assert (by_old["status"], "mood" in by_old) == ("unknown", False)
    by_new = read(new.shape.schemas["ticket"], old.golden["ticket"])
    assert (by_new["status"], by_new["mood"]) == (old.golden["ticket"]["status"], None)
    decode(json.dumps(new.golden["ticket"]).encode(), Ticket)


def test_every_released_version_counts_not_the_newest_alone(folder: Path) -> None:
    """What 1.1 added and 1.2 takes away again is no field of 1.0, but readers of 1.1 have it."""
    releases.cut(grown(NEXT, add("mood", text()), mood="calm"), folder)
    assert faults(replace(NOW, shape=replace(NOW.shape, version=AFTER)), folder) == [
        f"ticket.mood: since {NEXT}, it is gone: a field stays, and a renamed one is another field (rule 2)"
    ]


def test_the_page_shows_what_the_check_says(folder: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "change-a-record.md").read_text(encoding="utf-8")
    found = faults(grown(NEXT, lambda schemas: fields(schemas, "Location").pop("adcode")), folder)
    assert f"   {found[0]}.".replace(VERSION, "1.0.0") in page


def test_versions_are_ordered_by_number(folder: Path) -> None:
    for version in ("99.10.0", "99.9.0"):
        releases.cut(replace(NOW, shape=replace(NOW.shape, version=version)), folder)
    assert [release.shape.version for release in releases.released(folder)] == [VERSION, "99.9.0", "99.10.0"]


@pytest.mark.parametrize(
    ("version", "change", "says"),
    [
        (VERSION, add("mood", text()), f"the shapes are not those of {VERSION}, which is frozen: call them {NEXT} in"),
        (PATCHED, add("mood", text()), f"the shapes are not those of {VERSION}, which is frozen: call them {NEXT} in"),
        ("0.9.0", put("text", title="正文"), f"0.9.0 is older than the released {VERSION}"),
    ],
)
def test_another_shape_has_another_version(folder: Path, version: str, change: Change, says: str) -> None:
    found = faults(grown(version, change), folder)
    assert any(fault.startswith(f"VERSION: {says}") for fault in found), found


@pytest.mark.parametrize("version", [VERSION, PATCHED, NEXT])
def test_prose_may_change_in_any_version(folder: Path, version: str) -> None:
    def reword(schemas: Schemas) -> None:
        put("text", title="正文", description="The text")(schemas)
        put("schema_version", default=version)(schemas)

    assert faults(grown(version, reword), folder) == []


def test_a_golden_record_that_a_reader_refuses_is_a_fault(folder: Path) -> None:
    (fault, again) = faults(grown(VERSION, lambda _: None, version="7"), folder)
    assert f"readers of {VERSION} cannot read the golden record of {VERSION}: $.version is not a whole number" in fault
    assert again == fault


def test_a_record_without_a_golden_one_is_a_fault(folder: Path) -> None:
    golden = {name: record for name, record in NOW.golden.items() if name != "link"}
    assert faults(Release(shape=NOW.shape, golden=golden), folder) == [
        f"link: {VERSION} has no golden record of it (rule 8)"
    ]


@pytest.mark.parametrize("path", ["golden/ticket.json", "jsonschema/link.json", "topics.json"])
def test_a_frozen_file_that_was_changed_or_is_gone_is_a_fault(folder: Path, path: str) -> None:
    file = folder / VERSION / path
    file.write_bytes(file.read_bytes() + b"\n")
    expected = [f"schemas/releases/{VERSION}/{path}: it is frozen and was changed: restore it (rule 8)"]
    assert faults(NOW, folder) == expected
    file.unlink()
    assert faults(NOW, folder) == expected


def test_a_frozen_version_without_its_digests_is_a_fault(folder: Path) -> None:
    (folder / VERSION / "digests.json").unlink()
    assert len(faults(NOW, folder)) == len(list((folder / VERSION).rglob("*.json")))


def test_before_the_first_release_there_is_nothing_to_break(tmp_path: Path) -> None:
    assert faults(NOW, tmp_path) == []
    shutil.rmtree(tmp_path)
    assert releases.released(tmp_path) == []


def test_a_snapshot_names_the_version_that_wrote_it() -> None:
    assert NOW.golden["ticket"]["schema_version"] == VERSION
    assert NOW.golden["envelope"]["ce_dataschema"] == schema_of("ticket")

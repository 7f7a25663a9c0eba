"""Today's reader reads every released record, and writes it back the same."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

import schemas
from schemas import topics
from schemas.codec import Position, decode, encode
from schemas.envelope import Envelope
from schemas.fields import fields_of, walk
from schemas.records import RECORDS, DeadLetter
from schemas.records.dead_letter import MOVED
from schemas.records.event import AnyChange
from tests.rows import each_row

FOLDER = Path(schemas.__file__).parent / "golden" / "v1"
EMPTY: tuple[object, ...] = (None, "", [], {})


def golden(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def values(document: Any, path: str) -> list[Any]:
    """Return what lies at a dotted path, through lists."""
    found = [document]
    for name in path.split("."):
        found = [item for each in found for item in (each if isinstance(each, list) else [each])]
        found = [item[name] for item in found if isinstance(item, dict) and name in item]
    return found


def test_every_record_has_a_golden_one() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {*RECORDS, "envelope", "dead"}


@each_row("name", RECORDS)
def test_a_record_is_read_and_written_back_the_same(name: str) -> None:
    record = decode(golden(name), RECORDS[name])
    assert msgspec.json.decode(encode(record)) == msgspec.json.decode(golden(name))


@each_row("name", RECORDS)
def test_every_field_is_exercised(name: str) -> None:
    document = msgspec.json.decode(golden(name))
    hollow = [f.path for f in walk(RECORDS[name]) if all(value in EMPTY for value in values(document, f.path))]
    assert hollow == []


def test_every_change_of_an_event_is_exercised() -> None:
    changes = msgspec.json.decode(golden("event"))["changes"]
    kinds = {kind.__struct_config__.tag for kind in AnyChange.__args__}
    assert {change["change"] for change in changes} == kinds


@each_row("name", RECORDS)
def test_a_reader_ignores_fields_of_the_future(name: str) -> None:
    document = msgspec.json.decode(golden(name)) | {"field_of_the_future": {"any": ["thing"]}}
    assert decode(msgspec.json.encode(document), RECORDS[name]) == decode(golden(name), RECORDS[name])


@each_row("name", RECORDS)
def test_a_field_that_is_not_required_may_be_absent(name: str) -> None:
    document = msgspec.json.decode(golden(name))
    required = {f.encode_name for f in msgspec.structs.fields(RECORDS[name]) if f.required}
    assert required < {field.name for field in fields_of(RECORDS[name])}
    decode(msgspec.json.encode({key: document[key] for key in required}), RECORDS[name])


def test_a_dead_letter_keeps_the_original_and_says_why() -> None:
    original = [("ce_id", b"c1f0"), ("ce_source", b"/hotline/sms/12345"), ("content-type", b"application/octet-stream")]
    letter = DeadLetter(
        position=Position("hotline.raw.sms.v1", 3, 4711),
        key=b"12345\n+8613800000000",
        value=b"N-\xff",
        headers=original,
        stage="normalize",
        code="malformed",
        reason="the PDU ends inside its text",
        exception="schemas.errors.MalformedError",
    )
    out = letter.outbound()
    assert (out.topic, out.key, out.value) == (topics.DEAD, letter.key, letter.value)
    assert out.headers[:3] == original
    added = {name: value.decode() for name, value in out.headers[3:]}
    assert added | {MOVED: "true"} == msgspec.json.decode(golden("dead"))


def test_the_golden_envelope_is_written_and_read_by_today_s() -> None:
    headers = {name: text.encode() for name, text in msgspec.json.decode(golden("envelope")).items()}
    assert dict(Envelope.of(headers.items()).headers()) == headers
    assert len(headers) == len(Envelope.__struct_fields__)


def test_golden_ids_follow_their_rules() -> None:
    message = decode(golden("message"), RECORDS["message"])
    ticket = msgspec.json.decode(golden("ticket"))
    from schemas import ids

    assert message.message_id == ids.message_id(message.source, message.id)  # type: ignore[attr-defined] # messages have one
    assert ticket["ticket_id"] == ids.ticket_id("210100", ticket["first_message_id"])
    assert ids.valid_ticket_no(ticket["ticket_no"])


def test_an_envelope_that_names_no_time_is_refused() -> None:
    with pytest.raises(schemas.errors.MalformedError, match="headers"):
        Envelope.of([("ce_id", b"1")])

"""Neutral records: each field has its place, every other one survives, a wrong one is named."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.trial.inputs import Input
from hotline.trial.raw import raw_of
from normalizers import record
from normalizers.base import Draft, Policy
from normalizers.pipeline import normalize
from schemas import ids
from schemas.errors import MalformedError
from schemas.records import Party, RawMessage, Thread, raw_message
from tests.rows import each_row

Raw = Callable[..., RawMessage]
T = datetime(2026, 11, 24, 1, 12, 3, tzinfo=UTC)


def draft(raw: Raw, **fields: Any) -> Draft:
    value = json.dumps({"id": "1", "text": "井盖坏了", **fields}, ensure_ascii=False).encode()
    return record.normalize(raw(value), Policy())


def test_the_smallest_record(raw: Raw) -> None:
    assert draft(raw) == Draft(text="井盖坏了")


def test_null_is_absent(raw: Raw) -> None:
    names = ("title", "channel", "sender", "received_at", "thread_id", "attachments", "kind", "place", "note")
    assert draft(raw, **dict.fromkeys(names)) == Draft(text="井盖坏了")


@pytest.mark.parametrize("line", [b'{"text":"x"}', b'{"id":null,"text":"x"}', b'{"id":"","text":"x"}'])
def test_without_an_id_the_digest_of_the_line_is_the_id(line: bytes) -> None:
    digest = hashlib.sha256(line).hexdigest()
    made = normalize(raw_of(Input(name="x.jsonl:1", channel="record", data=line), "210100"), Policy()).message
    assert (made.id, made.text) == (digest, "x")
    assert made.message_id == ids.message_id(made.source, digest)


@each_row(
    ("sender", "party"),
    [
        ("13912345678", Party(kind="phone", value="13912345678")),
        ("0591-8765 4321", Party(kind="phone", value="0591-8765 4321")),
        (13912345678, Party(kind="phone", value="13912345678")),
        ("lilei@example.cn", Party(kind="email", value="lilei@example.cn")),
        ("李雷", Party(kind="name", value="李雷")),
        ("", None),
        ({}, None),
        ({"kind": "openid", "value": "o1", "name": "李雷"}, Party(kind="openid", value="o1", name="李雷")),
        ({"value": "13912345678"}, Party(kind="phone", value="13912345678")),
        ({"kind": "fax", "value": "李雷"}, Party(kind="name", value="李雷")),
        ({"name": "李雷"}, Party(kind="name", value="李雷", name="李雷")),
        ("87654321", Party(kind="phone", value="87654321")),
        ("85291234567", Party(kind="phone", value="85291234567")),
        ("+1 415 555 2671", Party(kind="phone", value="+1 415 555 2671")),
        ("2026001234567", Party(kind="uid", value="2026001234567")),
        ("1000012345", Party(kind="uid", value="1000012345")),
        ("100123", Party(kind="uid", value="100123")),
        ("1001", Party(kind="phone", value="1001")),
        (8001, Party(kind="phone", value="8001")),
        ("12306", Party(kind="phone", value="12306")),
        ({"kind": "uid", "value": "1001"}, Party(kind="uid", value="1001")),
        ("95588", Party(kind="phone", value="95588")),
        ("10690012345678", Party(kind="phone", value="10690012345678")),
    ],
)
def test_senders(raw: Raw, sender: object, party: Party | None) -> None:
    assert draft(raw, sender=sender).sender == party


@each_row(
    ("written", "time"),
    [
        ("2026-11-24T09:12:03+08:00", T),
        ("2026-11-24T01:12:03Z", T),
        ("2026-11-24 09:12:03", T),
        ("2026-11-24", datetime(2026, 11, 23, 16, tzinfo=UTC)),
    ],
)
def test_times_without_offset_are_chinas(raw: Raw, written: str, time: datetime) -> None:
    assert draft(raw, received_at=written).received_at == time


def test_a_thread_id_is_its_own_and_what_it_answers(raw: Raw) -> None:
    assert draft(raw, thread_id="t1").thread == named("record:city:t1")


def test_a_thread_is_one_within_the_system_that_named_it(raw: Raw) -> None:
    assert draft(raw, thread_id=17, account="old_hotline").thread == named("record:old_hotline:17")
    assert draft(raw, thread_id="<17@mail.example>", account="old").thread == named("<17@mail.example>")


def named(thread: str) -> Thread:
    return Thread(message_id_header=thread, references=(thread,))


def test_what_the_sending_system_says_is_a_finding(raw: Raw) -> None:
    made = draft(raw, kind="投诉", category="市容", place="幸福路", external_ticket_no=77, hotline_code="12319")
    assert {finding.kind: finding.value for finding in made.findings} == {
        "request_kind": "complaint",
        "category": "市容",
        "place": "幸福路",
        "external_ticket_no": "77",
        "hotline_code": "12319",
    }
    assert {finding.source for finding in made.findings} == {"channel"}


def test_an_unknown_kind_is_kept_beside(raw: Raw) -> None:
    made = draft(raw, kind="信访")
    assert made.findings[0].value == "unknown"
    assert made.extra == {"kind": "信访"}


def test_our_own_codes_are_kinds(raw: Raw) -> None:
    made = draft(raw, kind="help_request")
    assert (made.findings[0].value, made.extra) == ("help_request", {})


def test_a_foreign_jurisdiction_is_only_noted(raw: Raw) -> None:
    assert draft(raw, jurisdiction="210100").extra == {}
    assert draft(raw, jurisdiction="350100").extra == {"jurisdiction": "350100"}


def test_unknown_fields_survive(raw: Raw) -> None:
    made = draft(raw, note="急", score=1.5, tags=["a"], deep={"b": None}, flag=True)
    assert made.extra == {"note": "急", "score": "1.5", "tags": '["a"]', "deep": '{"b": null}', "flag": "true"}


def test_no_path_is_opened(raw: Raw, tmp_path: Any) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (file,) = draft(raw, attachments=[{"path": str(secret)}]).files
    assert (file.name, file.data) == (str(secret), None)


@each_row(
    ("field", "value"),
    [
        ("id", []),
        ("text", None),
        ("text", ["x"]),
        ("title", {}),
        ("channel", "pigeon"),
        ("channel", 7),
        ("sender", [1]),
        ("sender", True),
        ("sender", {"value": []}),
        ("thread_id", []),
        ("attachments", "x"),
        ("attachments", [1]),
        ("attachments", [{"name": []}]),
        ("attachments", [{"data": "%"}]),
        ("attachments", [{"data": "井"}]),
        ("kind", []),
        ("place", {}),
        ("jurisdiction", []),
    ],
)
def test_a_wrong_field_is_named(raw: Raw, field: str, value: object) -> None:
    with pytest.raises(MalformedError, match=rf"field {field} "):
        draft(raw, **{field: value})


BODY = '{"id":"1","text":"联通井盖"}'


@each_row(
    "value",
    [
        BODY.encode(),
        b"\xef\xbb\xbf" + BODY.encode(),
        BODY.encode("gb18030"),
        BODY.encode("utf-16"),
        f" {BODY}\r\n".encode(),
    ],
    ids=["utf8", "bom", "gbk", "utf16", "blanks"],
)
def test_encodings(raw: Raw, value: bytes) -> None:
    assert record.normalize(raw(value), Policy()).text == "联通井盖"


def test_raw_tabs_in_strings_and_nan_are_borne(raw: Raw) -> None:
    made = record.normalize(raw(b'{"id":"1","text":"a\tb","x":NaN}'), Policy())
    assert (made.text, made.extra) == ("a\tb", {"x": "NaN"})


@each_row("value", [b"", b"[]", b"1", b"null", b"{", b'{"id":"1"} {}', b"[" * 100_000, b"\xff\xfe\xff", b"1" * 5000])
def test_what_is_no_object_is_malformed(raw: Raw, value: bytes) -> None:
    with pytest.raises(MalformedError, match="neutral record"):
        record.normalize(raw(value), Policy())


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
fields = st.dictionaries(st.sampled_from(sorted(record._KNOWN)) | st.text(), values, max_size=8)


@given(fields)
def test_any_object_is_a_draft_or_malformed(made: dict[str, Any]) -> None:
    value = json.dumps({"id": "1", "text": "x", **made}).encode()
    raw = raw_message(
        channel="record", channel_kind="record", account="a", jurisdiction="1", identifier="1",
        value=value, content_type="application/json", time=T, recorded=T,
    )  # fmt: skip
    try:
        draft = record.normalize(raw, Policy())
    except MalformedError:
        return
    assert {name for name in made if name not in record._KNOWN and made[name] is not None} <= draft.extra.keys()


@each_row(
    ("written", "utc"),
    [
        ("2019/2/14 20:00:00", "2019-02-14T12:00:00+00:00"),
        ("2026年11月24日 9时12分", "2026-11-24T01:12:00+00:00"),
        ("12/27/2016", "2016-12-26T16:00:00+00:00"),
        ("1795482723", "2026-11-24T01:12:03+00:00"),
        (1795482723000, "2026-11-24T01:12:03+00:00"),
        (1795120112345, "2026-11-19T20:28:32.345+00:00"),  # 1 December 1795, 23:45, in ISO 8601
    ],
)
def test_times_are_read_as_exports_write_them(raw: Raw, written: object, utc: str) -> None:
    assert draft(raw, received_at=written).received_at == datetime.fromisoformat(utc)


@each_row(
    "written",
    [
        "yesterday", "昨天下午", "7", "10:30", "2019/13/45", "0001-01-01T00:00:00+14:00",
        f"2026-11-20 09:00{'9' * 40}", f"2026-11-20 {'9' * 1_000_000}",
    ],
)  # fmt: skip
def test_a_time_nobody_can_read_loses_no_words(raw: Raw, written: str) -> None:
    kept = draft(raw, received_at=written)
    assert (kept.received_at, kept.extra["received_at"]) == (None, written)
    assert kept.text


def test_an_account_of_another_system_is_an_identity(raw: Raw) -> None:
    assert draft(raw, sender="A00074795").sender == Party(kind="uid", value="A00074795")
    assert draft(raw, sender="王小明").sender == Party(kind="name", value="王小明")


@pytest.mark.parametrize(("sender", "known"), [("8001", 0), ("100123", 1), ({"kind": "uid", "value": "8001"}, 1)])
def test_a_seat_or_a_short_number_is_no_person(sender: object, known: int) -> None:
    """Who enters calls at one seat is not all those who called: they would be one person with one matter."""
    line = json.dumps({"id": "1", "text": "路灯坏了", "sender": sender}).encode()
    made = normalize(raw_of(Input(name="x.jsonl:1", channel="record", data=line), "210100"), Policy()).message
    assert len(made.features.requesters) == known

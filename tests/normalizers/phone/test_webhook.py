"""Records of calls in our own JSON shape and in Kamailio's: what is read, what is forgiven, what is refused."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from normalizers.base import Policy
from normalizers.phone.draft import TRANSCRIPT_HEAD
from normalizers.similarity.requester import requester_hashes
from schemas.codec import decode, encode
from schemas.errors import MalformedError, UnsupportedError
from schemas.records import Message, Party, Recording
from tests.normalizers.phone.raws import TAKEN, said, told, understood
from tests.rows import each_row

KAMAILIO = "application/json; shape=kamailio; platform=sip"


def test_a_whole_record_is_understood() -> None:
    message, call = told(
        {
            "call_id": "20261125-0001", "revision": 3, "direction": "inbound", "caller": "13800138000",
            "caller_name": "李女士", "callee": "12345", "started_at": "2026-11-25T09:00:00+08:00",
            "answered_at": "2026-11-25T09:00:08+08:00", "ended_at": "2026-11-25T09:04:00+08:00",
            "disposition": "answered", "agent": "8001", "subject": "路灯不亮", "note": "中山路12号门口的路灯坏了",
            "transcript": [{"speaker": "citizen", "text": "路灯坏了"}, {"speaker": "agent", "text": "记下了"}],
            "recording": {"reference": "2026/11/25/0001.wav", "bytes": 120684, "state": "complete"},
            "request_kind": "投诉", "category": "城市管理", "place": "中山路12号", "ticket_no": "CC2026112500001",
            "hotline_code": "12319", "queue": "7",
        }
    )  # fmt: skip
    assert message.channel_kind == "phone_http"
    assert message.message_class == "person"
    assert (message.sender and message.sender.value, message.sender and message.sender.name) == (
        "13800138000",
        "李女士",
    )
    assert message.title == "路灯不亮"
    assert message.text == f"中山路12号门口的路灯坏了\n\n{TRANSCRIPT_HEAD}\n市民：路灯坏了\n坐席：记下了"
    assert message.received_at == call.started_at == datetime(2026, 11, 25, 1, tzinfo=UTC)
    assert (call.platform, call.call_id, call.revision, call.agent) == ("cti", "20261125-0001", 3, "8001")
    assert call.recordings == (Recording(reference="2026/11/25/0001.wav", state="complete", size=120684),)
    assert [(file.name, file.dataref) for file in message.attachments] == [("0001.wav", None)]
    assert said(message) == {
        "request_kind": "complaint", "category": "城市管理", "place": "中山路12号",
        "external_ticket_no": "CC2026112500001", "hotline_code": "12319",
    }  # fmt: skip
    assert message.extra == {"queue": "7"}


@each_row("caller", ["anonymous", "Anonymous", "", "<unknown>", "withheld", None])
def test_who_withholds_the_number_is_nobody(caller: str | None) -> None:
    message, _ = told({"call_id": "1", "caller": caller, "note": "路灯坏了"})
    assert message.sender is None
    assert message.features.requesters == ()


def test_who_is_called_back_is_the_citizen() -> None:
    message, call = told(
        {"call_id": "1", "direction": "外呼", "caller": "12345", "callee": "13800138000", "note": "回访"}
    )
    assert call.direction == "outbound"
    assert message.sender is not None
    assert message.sender.value == "13800138000"


@pytest.mark.parametrize(
    "caller", ["8001", "12345", "661234", "02412345", "024-12345", "+86 591 12345", "008659112345"]
)
def test_who_is_called_from_an_extension_is_the_citizen_whatever_the_record_says(caller: str) -> None:
    message, call = told({"call_id": "1", "caller": caller, "callee": "13800138000", "note": "回访，市民满意"})
    assert call.direction == "outbound"
    assert message.sender is not None
    assert message.sender.value == "13800138000"


@each_row(
    ("caller", "callee"),
    [
        ("8001", "12345"), ("8001", "024-31234567"), ("0000", "13800138000"), ("13900139000", "13800138000"),
        ("22412345", "13800138000"), ("024-22412345", "13800138000"),
    ],
)  # fmt: skip
def test_any_other_call_comes_from_its_caller(caller: str, callee: str) -> None:
    message, call = told({"call_id": "1", "caller": caller, "callee": callee, "note": "路灯坏了"})
    assert call.direction == "inbound"
    assert message.sender is not None
    assert message.sender.value == caller


@pytest.mark.parametrize("callee", ["8613800138000", "+86 138-0013-8000", "013800138000"])
def test_who_is_called_back_is_the_citizen_however_the_number_is_written(callee: str) -> None:
    message, call = told({"call_id": "1", "caller": "8001", "callee": callee, "note": "回访，市民满意"})
    assert call.direction == "outbound"
    assert message.features.requesters == requester_hashes((Party(kind="phone", value="13800138000"),), Policy())


def test_two_calls_from_one_extension_are_not_one_persons() -> None:
    message, _ = told({"call_id": "1", "caller": "8001", "callee": "8002", "note": "路灯坏了"})
    assert message.features.requesters == ()


def test_a_record_without_words_is_an_event_and_names_the_line() -> None:
    message, call = told({"call_id": "1", "caller": "13800138000", "callee": "12345", "disposition": "NO ANSWER"})
    assert (message.message_class, message.text, call.disposition) == ("event", "", "no_answer")
    assert said(message) == {"hotline_code": "12345"}


@each_row(
    ("field", "value"),
    [("revision", "x"), ("revision", -1), ("started_at", "soon"), ("started_at", "2999-01-01"), ("disposition", 7),
     ("agent", {"id": 1}), ("recording", [None, ""]), ("transcript", [["a"], 3]), ("request_kind", "谣言")],
)  # fmt: skip
def test_a_field_that_makes_no_sense_costs_no_word(field: str, value: Any) -> None:
    message, _ = told({"call_id": "1", "note": "路灯坏了", field: value})
    assert message.text.startswith("路灯坏了")
    assert message.received_at == TAKEN


def test_what_is_not_understood_stays_beside_the_message() -> None:
    message, _ = told(
        {"call_id": "1", "note": "x", "started_at": "soon", "disposition": "gone", "request_kind": "谣言"}
    )
    assert message.extra == {"started_at": "soon", "disposition": "gone", "request_kind": "谣言"}


@each_row("value", [b"", b"[]", b'{"note": "x"}', b'{"call_id": " "}', b"\xff\xfe", b"<xml/>"])
def test_what_is_no_record_is_malformed(value: bytes) -> None:
    with pytest.raises(MalformedError):
        understood(value, "application/json")


def test_gbk_and_a_byte_order_mark_are_read() -> None:
    text = '{"call_id": "1", "note": "镕基路的路灯坏了"}'
    for value in (text.encode("gb18030"), b"\xef\xbb\xbf" + text.encode()):
        assert told(value)[0].text == "镕基路的路灯坏了"


def test_times_are_read_as_written_by_platforms() -> None:
    moments = (
        "2026-11-25T09:00:00+08:00", "2026-11-25 09:00:00", "2026/11/25 09:00:00", 1795568400, "1795568400000",
        "2026/11/25 9:00", "20261125090000", 202611250900, "2026年11月25日 9时0分",
        "Wed Nov 25 09:00:00 CST 2026",
    )  # fmt: skip
    assert {told({"call_id": "1", "started_at": at})[1].started_at for at in moments} == {
        datetime(2026, 11, 25, 1, tzinfo=UTC)
    }


def test_a_recording_may_be_a_text_or_several() -> None:
    _, call = told({"call_id": "1", "recording": ["a/1.wav", {"reference": "2.wav"}]})
    assert [one.reference for one in call.recordings] == ["a/1.wav", "2.wav"]


def test_a_recordings_path_is_in_no_field_that_masks_leave() -> None:
    message, _ = told({"call_id": "1", "note": "x", "recording": "q/13800138000-12345.wav"})
    assert [file.id for file in message.attachments] == ["1"]


@each_row("unwritable", ["\\u0000", "\\ud83d"])
@each_row("field", ["call_id", "agent", "subject", "note", "transcript", "recording", "queue"])
def test_no_field_of_a_call_keeps_what_json_cannot_write(field: str, unwritable: str) -> None:
    fields = {"call_id": "1", "note": "路灯坏了"} | {field: "a?b"}
    message, call = told(msgspec.json.encode(fields).replace(b"?", unwritable.encode()))
    assert "a\ufffdb" in str(message.extra if field == "queue" else call)
    assert decode(encode(message), Message) == message
    assert b"\\u0000" not in encode(message)


def test_a_platforms_name_keeps_no_nul() -> None:
    _, call = told({"call_id": "1", "note": "a"}, 'application/json; shape=call; platform="c\x00ti"')
    assert "\x00" not in call.platform


@pytest.mark.parametrize(
    ("event", "start", "revision", "disposition"),
    [("start", 0, 1, "answered"), ("end", 1795571559, 2, "answered"), ("failed", 0, 2, "no_answer")],
)
def test_kamailios_events_are_records_of_one_call(event: str, start: int, revision: int, disposition: str) -> None:
    """The shapes are those that Kamailio 5.6 posted of real calls."""
    value = {
        "event": event, "call_id": "1-16806@127.0.0.1", "caller": "13800138000", "callee": "12345",
        "start": start, "time": 1795571561,
    }  # fmt: skip
    message, call = told(value, KAMAILIO)
    assert (call.call_id, call.revision, call.disposition) == ("1-16806@127.0.0.1", revision, disposition)
    assert (message.message_class, message.channel_kind) == ("event", "phone_sip")
    assert message.sender is not None


def test_kamailio_and_a_platform_of_one_name_speak_of_one_call() -> None:
    sip, _ = told(
        {"event": "end", "call_id": "c", "caller": "1", "callee": "2", "start": 0, "time": 0},
        "application/json; shape=kamailio; platform=cti",
    )
    assert sip.features.message_key == told({"call_id": "c", "note": "x"})[0].features.message_key


def test_another_shape_or_type_is_unsupported() -> None:
    for content_type in ("application/json; shape=other", "text/plain", ""):
        with pytest.raises(UnsupportedError):
            understood(b"{}", content_type)
    with pytest.raises(MalformedError):
        understood(b'{"event": "ring", "call_id": "c"}', KAMAILIO)

"""Lines of call files under their headings, in Chinese or in the words of our JSON shape."""

from datetime import UTC, datetime

import pytest

from normalizers.phone import sheet
from schemas.codec import encode
from schemas.errors import MalformedError
from tests.normalizers.phone.raws import SHEET, said, told, understood
from tests.rows import each_row

HEADINGS = "通话标识,来电号码,被叫号码,来电时间,挂机时间,通话结果,坐席工号,诉求类型,诉求内容,录音文件,所属片区"
LINE = (
    '20261125-1,13800138000,12345,2026-11-25 09:00:00,2026-11-25 09:04:00,已接通,8001,投诉,"路灯坏了,\n请修",r/1.wav,东'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_line_is_read_by_its_headings(encoding: str) -> None:
    message, call = told(f"{HEADINGS}\r\n{LINE}".encode(encoding), SHEET)
    assert message.text == "路灯坏了,\n请修"
    assert (call.call_id, call.disposition, call.agent) == ("20261125-1", "answered", "8001")
    assert [one.reference for one in call.recordings] == ["r/1.wav"]
    assert said(message)["request_kind"] == "complaint"
    assert message.extra == {"所属片区": "东"}
    assert message.channel_kind == "phone_file"


def test_a_time_that_nobody_can_read_stays_beside_the_message() -> None:
    message, call = told(f"{HEADINGS}\n{LINE}".replace("2026-11-25 09:00:00", "昨天").encode(), SHEET)
    assert (call.started_at, message.extra["started_at"]) == (None, "昨天")


@pytest.mark.parametrize(
    ("number", "found", "extra"),
    [("GD-2026-0317", "GD-2026-0317", {}), ("李小龙来电", None, {"ticket_no": "李小龙来电"})],
)
def test_the_number_of_another_system_is_told_once(number: str, found: str | None, extra: dict[str, str]) -> None:
    message, _ = told(f"通话标识,备注,工单编号\nc1,x,{number}".encode(), SHEET)
    assert said(message).get("external_ticket_no") == found
    assert message.extra == extra


def test_a_line_of_a_file_and_a_post_speak_of_one_call() -> None:
    by_file = told(b"call_id,note\nc1,x", SHEET)[0]
    assert by_file.features.message_key == told({"call_id": "c1", "transcript": "y"})[0].features.message_key


def test_what_the_connector_found_of_the_recording_is_told() -> None:
    _, call = told(f"{HEADINGS}\n{LINE}".encode(), f"{SHEET}; recording=empty; recording_bytes=44")
    assert [(one.state, one.size) for one in call.recordings] == [("empty", 44)]


@each_row("zone", ["Asia", "Nowhere/Atlantis", "../etc/passwd", "x" * 300, "井盖" * 50, "a\0b"])
def test_what_is_no_time_zone_is_chinas(zone: str) -> None:
    message, _ = told(f"{HEADINGS}\n{LINE}".encode(), f'{SHEET}; zone="{zone}"')
    assert message.received_at == datetime(2026, 11, 25, 1, tzinfo=UTC)


@pytest.mark.parametrize("state", ["\0\0", "lost", ""])
def test_what_is_no_state_of_a_recording_is_not_taken_for_one(state: str) -> None:
    _, call = told(f"{HEADINGS}\n{LINE}".encode(), f"{SHEET}; recording={state}; recording_bytes=44")
    assert [(one.state, one.size) for one in call.recordings] == [(None, None)]


def test_a_nul_in_the_content_type_reaches_no_record() -> None:
    message, _ = told(f"{HEADINGS}\n{LINE}".encode(), f"{SHEET}\0; call=c\0")
    assert b"u0000" not in encode(message)


@each_row("value", [b"", b"call_id", b"call_id,note\n,x", b"a,b\n1,2"])
def test_a_line_that_names_no_call_is_malformed(value: bytes) -> None:
    with pytest.raises(MalformedError):
        understood(value, SHEET)


def test_an_open_quotation_mark_costs_no_word() -> None:
    assert told(b'call_id,note\n1,"x', SHEET)[0].text == "x"


def test_a_nul_and_a_huge_field_are_no_fault_of_the_reader() -> None:
    assert told(b"call_id,note\n1,a\0b", SHEET)[0].text == "ab"
    with pytest.raises(MalformedError):
        understood(b"call_id,note\n1," + b"x" * (1 << 20) + b"x", SHEET)


def test_of_rows_without_end_no_more_are_read_than_a_record_has() -> None:
    assert len(sheet.lines(b"1,2\n" * 10)) == sheet.MOST_LINES
    with pytest.raises(MalformedError):
        understood(b"call_id,note\n" + b"1,2\n" * 10, SHEET)

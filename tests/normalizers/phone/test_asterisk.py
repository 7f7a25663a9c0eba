"""Asterisk's events and lines: the frames are real ones, the faults those of channels that people met."""

from datetime import UTC, datetime

import pytest
from panoramisk.message import Message as Theirs

from normalizers.phone import ami, cdr, sheet
from schemas.errors import MalformedError, UnsupportedError
from tests.normalizers.phone import frames
from tests.normalizers.phone.raws import AMI, MASTER, TAKEN, told, understood
from tests.rows import each_row

CALL = "1795646348.0"
STARTED = datetime(2026, 11, 25, 14, 39, 8, tzinfo=UTC)
ALL = (frames.CHAN_START, frames.LINKEDID_END, frames.USER_EVENT, frames.CDR, frames.HANGUP)


@each_row("frame", ALL)
def test_every_event_of_a_call_is_a_record_of_it_without_words(frame: bytes) -> None:
    message, call = told(frame, AMI)
    assert (call.platform, call.call_id) == ("pbx", CALL)
    assert (message.message_class, message.channel_kind) == ("event", "phone_asterisk")
    assert message.sender is not None
    assert message.sender.value == "13800138000"


def test_times_are_in_asterisks_zone() -> None:
    _, call = told(frames.CDR, AMI)
    assert (call.started_at, call.disposition) == (STARTED, "answered")
    at_greenwich = frames.LINE.replace(b"22:39", b"14:39")
    assert told(at_greenwich, MASTER)[1].started_at == STARTED


def test_the_event_and_the_line_are_the_same_record_of_one_call() -> None:
    by_event, by_line = told(frames.CDR, AMI)[1], told(frames.LINE, MASTER.replace("UTC", '"Asia/Shanghai"'))[1]
    assert by_event == by_line
    numbered = frames.CDR + b"\r\nLinkedID: 1795646348.0\r\nSequence: 0"
    row = cdr.of_fields(_fields(frames.LINE))
    assert cdr.key(ami.as_row(ami.parse(numbered))) == cdr.key(row) == "1795646348.0-0"
    del row["sequence"]
    assert cdr.key(ami.as_row(ami.parse(frames.CDR))) == cdr.key(row)


def _fields(line: bytes) -> list[str]:
    (fields,) = sheet.lines(line)
    return fields


def test_a_user_event_brings_the_agents_words() -> None:
    said = "Note: 中山路12号的路灯坏了\\n请尽快\r\nAgent: 8001\r\nRecording: m/1.wav\r\nrequest_kind: 投诉\r\nQueue: 7"
    frame = frames.USER_EVENT + b"\r\n" + said.encode()
    message, call = told(frame, AMI)
    assert message.text == "中山路12号的路灯坏了\n请尽快"
    assert (message.message_class, call.agent) == ("person", "8001")
    assert [one.reference for one in call.recordings] == ["m/1.wav"]
    assert message.extra == {"event": "UserEvent HotlineCall", "queue": "7"}


def test_what_a_user_event_says_of_the_matter_is_told_once_and_none_of_it_is_lost() -> None:
    matter = "\r\nplace: 中山路12号\r\nticket_no: GD-2026-0317\r\ncategory: 请找李小龙。\r\nrequest_kind: 其他的"
    message, _ = told(frames.USER_EVENT + matter.encode(), AMI)
    found = {one.kind: one.value for one in message.findings if one.source == "channel"}
    assert found == {"place": "中山路12号", "external_ticket_no": "GD-2026-0317", "hotline_code": "12345"}
    left = {"category": "请找李小龙。", "request_kind": "其他的"}
    assert message.extra == {"event": "UserEvent HotlineCall", **left}


@each_row(
    ("old", "new", "sender", "name"),
    [
        (b'"" <13800138000>', b'"M\xfcller" <13800138000>', "13800138000", "Müller"),
        (b"Source: 13800138000", b"Source: anonymous", None, None),
        (b'CallerID: "" <13800138000>', 'CallerID: "李雷" <13800138000>'.encode(), "13800138000", "李雷"),
        (b"Source: 13800138000", b"Source: 138\x0000138000", "13800138000", None),
    ],
)
def test_callers_names_and_withheld_numbers(old: bytes, new: bytes, sender: str | None, name: str | None) -> None:
    message, _ = told(frames.CDR.replace(old, new), AMI)
    assert (message.sender.value if message.sender else None) == sender
    assert (message.sender.name if message.sender else None) == name


def test_legs_queues_and_transfers_are_one_call() -> None:
    leg = frames.CDR.replace(b"UniqueID: 1795646348.0", b"UniqueID: 1795646350.2\r\nLinkedID: 1795646348.0")
    assert told(leg, AMI)[0].features.message_key == told(frames.CDR, AMI)[0].features.message_key
    known = told(frames.CDR.replace(b"348.0", b"350.2"), f"{AMI}; call={CALL}")[0]
    assert known.features.message_key == told(frames.CDR, AMI)[0].features.message_key


def test_a_clock_that_stepped_into_the_future_is_not_believed() -> None:
    message, call = told(frames.CDR.replace(b"2026-11-25", b"2027-11-25"), AMI)
    assert call.started_at is None
    assert message.received_at == TAKEN


def test_a_truncated_event_is_malformed_or_says_what_is_left() -> None:
    for end in range(len(frames.CDR)):
        assert "13800138000" not in _refusal(frames.CDR[:end])


def _refusal(frame: bytes) -> str:
    try:
        understood(frame, AMI)
    except (MalformedError, UnsupportedError) as error:
        return str(error)
    return ""


@each_row(
    "line",
    [
        b",".join(frames.LINE.split(b",")[:14]),
        frames.LINE[:-40],
        frames.LINE.replace(b'"13800138000"', b'"13800138000'),
        frames.LINE.replace(b'"13800138000"', b"13800138000,"),
        b'"a","b"',
        frames.LINE.replace(b"1795646348.0", b""),
    ],
)
def test_a_line_that_is_cut_off_or_lost_a_quotation_mark_names_no_call(line: bytes) -> None:
    with pytest.raises(MalformedError):
        understood(line, MASTER)


def test_quotes_line_breaks_and_nuls_in_a_callers_name_are_read() -> None:
    line = frames.LINE.replace(b'""""" <13800138000>"', '"""李 ""雷""\n二"" <13800138000>"'.encode() + b"\0")
    message, _ = told(line, MASTER)
    assert message.sender is not None
    assert message.sender.name == '李 "雷"\n二'


@each_row("frame", ALL)
def test_panoramisk_reads_the_same_headers(frame: bytes) -> None:
    theirs = Theirs.from_line(frame.decode())
    assert theirs is not None
    ours = ami.parse(frame)
    assert {name.lower(): value for name, value in theirs.items() if name != "content"} == dict(ours)


def test_an_event_that_tells_of_no_call_is_unsupported() -> None:
    with pytest.raises(UnsupportedError):
        understood(b"Event: PeerStatus\r\nPeer: x", AMI)
    with pytest.raises(MalformedError):
        understood(b"Event: Hangup\r\nChannel: x", AMI)

"""A clock that is wrong, at a gateway, a platform or a mail server, makes no emergency old news."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.pipeline import normalize, understood
from schemas import ids
from schemas.codec import Position
from schemas.records import RawMessage, raw_message
from schemas.topics import BACKFILL
from tests.rows import each_row

TAKEN = datetime(2026, 11, 24, 1, 12, 5, tzinfo=UTC)
SLOW = TAKEN - timedelta(days=2)
FIRE = "我家着火了，三楼有人被困"
WECHAT = f"<xml><FromUserName>o1</FromUserName><CreateTime>{int(SLOW.timestamp())}</CreateTime><MsgType>text</MsgType><MsgId>1</MsgId><Content>{FIRE}</Content></xml>"  # noqa: E501 - one line of XML

TWILIO = urlencode({"MessageSid": "1", "From": "13800000000", "To": "12345", "Body": FIRE})
FORM = "application/x-www-form-urlencoded; provider=twilio"


def raw(channel: str, kind: str, value: str, content_type: str = "text/xml", at: datetime = SLOW) -> RawMessage:
    return raw_message(
        channel=channel, channel_kind=kind, account="city", jurisdiction="210100", identifier="1",
        value=value.encode(), content_type=content_type, time=at, recorded=TAKEN, sender="13800000000",
    )  # fmt: skip


def is_stale(one: RawMessage) -> bool:
    found = normalize(one, Policy()).message.emergency
    assert found is not None
    return found.stale


@each_row(
    ("channel", "kind", "value", "content_type"),
    [
        ("wechat", "wechat_mp", WECHAT, "text/xml"),
        ("wechat", "wecom", WECHAT, "text/xml"),
        *(("sms", kind, TWILIO, FORM) for kind in ("sms_http", "sms_smpp", "sms_cmpp")),
    ],
)
def test_what_is_pushed_was_written_when_it_came(channel: str, kind: str, value: str, content_type: str) -> None:
    pushed = raw(channel, kind, value, content_type)
    message = normalize(pushed, Policy()).message
    assert message.emergency is not None
    assert not message.emergency.stale
    assert message.received_at == SLOW, "what the platform says stays"
    joined = understood(message, FIRE, Policy()).emergency
    assert joined is not None
    assert not joined.stale


def test_what_is_imported_is_as_old_as_it_says() -> None:
    imported = replace(raw("sms", "sms_http", TWILIO, FORM), backfill=True, position=Position(BACKFILL, 0, 1))
    assert is_stale(imported)
    message = normalize(imported, Policy()).message
    joined = understood(message, FIRE, Policy()).emergency
    assert joined is not None
    assert joined.stale
    assert is_stale(raw("wechat", "wecom_kf", WECHAT.replace("FromUserName", "external_userid")))


def mail(date: datetime | None = None, *received: datetime) -> RawMessage:
    hops = "".join(f"Received: from a.example.cn by b.example.cn; {format_datetime(at)}\r\n" for at in received)
    dated = f"Date: {format_datetime(date)}\r\n" if date else ""
    return raw(
        "mailbox", "mailbox", f"{hops}From: a@example.cn\r\n{dated}Subject: 求助\r\n\r\n{FIRE}", "message/rfc822"
    )


MINUTE = timedelta(minutes=1)


@each_row(
    ("letter", "stale"),
    [
        (mail(TAKEN - MINUTE), False),
        (mail(SLOW, SLOW, TAKEN - MINUTE), False),
        (mail(None, TAKEN - MINUTE, SLOW), False),
        (mail(), True),
        (mail(SLOW, SLOW, SLOW - MINUTE), True),
        (mail(TAKEN + timedelta(days=30), SLOW), True),
    ],
    ids=["the program", "a server", "no date", "no other clock", "all are old", "a date that is yet to come"],
)
def test_a_mail_is_old_when_every_clock_on_its_way_says_so(letter: RawMessage, stale: bool) -> None:
    assert is_stale(letter) is stale


@each_row("odd", ["x", "Mon, 99 Nov 2026 99:99:99", "Tue, 1 Jan 9999 00:00:00 -2359", "(" * 5000, ";"])
def test_a_date_that_nobody_can_read_is_none(odd: str) -> None:
    value = f"Received: x; {odd}\r\nDate: {odd}\r\nFrom: a@example.cn\r\nSubject: 求助\r\n\r\n{FIRE}"
    assert is_stale(raw("mailbox", "mailbox", value, "message/rfc822"))


CALL = f'{{"call_id": "1", "started_at": "{SLOW.isoformat()}", "note": "{FIRE}"}}'
KF = f'{{"msgtype": "text", "origin": 3, "send_time": {int(SLOW.timestamp())}, "text": {{"content": "{FIRE}"}}}}'


@pytest.mark.parametrize("form", ["%Y/%-m/%-d %-H:%M", "%Y%m%d%H%M%S"])
def test_a_call_of_a_delivered_file_is_as_old_as_its_file_says_however_that_is_written(form: str) -> None:
    began = SLOW.astimezone(ids.SHANGHAI).strftime(form)
    value = f"call_id,started_at,note\n1,{began},{FIRE}"
    assert is_stale(raw("phone", "phone_file", value, "text/csv; shape=calls", at=TAKEN))


@each_row(
    ("channel", "kind", "value", "content_type"),
    [
        ("phone", "phone_http", CALL, "application/json; shape=call"),
        ("phone", "phone_file", f"call_id,started_at,note\n1,{SLOW.isoformat()},{FIRE}", "text/csv; shape=calls"),
        ("weibo", "weibo_mention", f'{{"idstr": "1", "text": "{FIRE}"}}', "application/json"),
        ("wechat", "wecom_kf", KF, "application/vnd.wecom.kf+json"),
    ],
)
def test_what_was_not_there_when_we_looked_is_new(channel: str, kind: str, value: str, content_type: str) -> None:
    fetched = raw(channel, kind, value, content_type)
    assert is_stale(fetched)
    looked = replace(fetched, envelope=replace(fetched.envelope, notbefore=TAKEN - MINUTE))
    assert not is_stale(looked)
    assert normalize(looked, Policy()).message.received_at == SLOW, "what the platform says stays"
    long_ago = replace(fetched, envelope=replace(fetched.envelope, notbefore=TAKEN - timedelta(days=3)))
    assert is_stale(long_ago)

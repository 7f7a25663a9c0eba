"""Callbacks of the gateways, as their documents show them."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from normalizers.base import Draft, Policy
from normalizers.sms import normalize, web
from schemas.errors import MalformedError
from tests.normalizers.sms.raws import raw_of
from tests.rows import each_row

ALIYUN = {
    "phone_number": "13900001234",
    "content": "中山路路灯坏了",
    "send_time": "2026-11-24 11:12:13",
    "dest_code": "12345",
    "sequence_id": 1234567890,
    "sign_name": "某市",
}
TENCENT = {
    "extend": "12345",
    "mobile": "13900001234",
    "nationcode": "86",
    "sign": "某市",
    "text": "井盖丢失",
    "time": 1795482723,
}


def read(body: bytes, provider: str, options: str = "", sender: str | None = None) -> Draft:
    return normalize(raw_of(body, f"application/json; provider={provider}{options}", sender=sender), Policy())


@pytest.mark.parametrize("sequence", [1234567890, "1234567890"], ids=["number", "string"])
def test_aliyun(sequence: int | str) -> None:
    draft = read(json.dumps(ALIYUN | {"sequence_id": sequence}).encode(), "aliyun")
    assert draft.text == "中山路路灯坏了"
    assert draft.received_at == datetime(2026, 11, 24, 3, 12, 13, tzinfo=UTC)
    assert [draft.sender and draft.sender.value, draft.recipients[0].value] == ["13900001234", "12345"]
    assert draft.extra == {"sign_name": "某市"}


def test_a_report_of_aliyun_is_an_event() -> None:
    told = {"phone_number": "13900001234", "success": True, "err_code": "DELIVRD", "biz_id": "1"}
    draft = read(json.dumps(told).encode(), "aliyun")
    assert (draft.message_class, draft.extra["success"]) == ("event", "true")


def test_tencent() -> None:
    draft = read(json.dumps(TENCENT).encode(), "tencent")
    assert (draft.text, draft.sender and draft.sender.value) == ("井盖丢失", "+8613900001234")
    assert draft.received_at == datetime.fromtimestamp(1795482723, UTC)


def test_a_report_of_tencent_is_an_event() -> None:
    told = {
        "user_receive_time": "2026-11-25 16:29:00", "nationcode": "86", "mobile": "13900001234", "sid": "8:abc",
        "report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "用户短信接收成功",
    }  # fmt: skip
    draft = read(json.dumps(told).encode(), "tencent")
    assert (draft.message_class, draft.text, draft.extra["sid"]) == ("event", "", "8:abc")
    assert read(json.dumps(told | {"text": "井盖丢失"}).encode(), "tencent").message_class == "person"


def test_a_body_in_gbk_is_read() -> None:
    body = json.dumps(TENCENT, ensure_ascii=False).encode("gbk")
    assert read(body, "tencent").text == "井盖丢失"


def test_twilio_with_a_picture() -> None:
    fields = {
        "MessageSid": "SM1", "From": "+8613900001234", "To": "+12345", "Body": "路灯坏了💡", "NumMedia": "1",
        "MediaUrl0": "https://media/1", "MediaContentType0": "image/jpeg", "FromCity": "SHENYANG", "SmsSid": "SM1",
    }  # fmt: skip
    draft = read(urlencode(fields).encode(), "twilio")
    assert (draft.text, draft.sender and draft.sender.value) == ("路灯坏了💡", "+8613900001234")
    assert [(file.media_id, file.media_type) for file in draft.files] == [("https://media/1", "image/jpeg")]
    assert draft.extra == {"FromCity": "SHENYANG"}


def test_a_status_of_twilio_is_an_event() -> None:
    draft = read(urlencode({"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+86139"}).encode(), "twilio")
    assert draft.message_class == "event"


@each_row(
    ("charset", "body"),
    [
        ("utf-8", "路灯坏了".encode()),
        ("UTF-16BE", "路灯坏了".encode("utf-16-be")),
        ("", "路灯坏了".encode("gb18030")),
        ("", "路灯坏了".encode()),
        ("8-BIT", "路灯坏了".encode()),
    ],
)
def test_kannel_names_the_charset_or_nothing(charset: str, body: bytes) -> None:
    draft = read(body, "kannel", f"; charset={charset}; to=12345", sender="+8613800138000")
    assert draft.text == "路灯坏了"
    assert draft.sender is not None
    assert (draft.sender.value, draft.recipients[0].value) == ("+8613800138000", "12345")


def test_a_piece_that_kannel_did_not_join_is_a_part_with_its_bytes() -> None:
    cut = ("字" * 66 + "💡!").encode("utf-16-be")[134:]
    draft = read(cut, "kannel", "; charset=UTF-16BE; to=12345; udh=050003070202", sender="+8613800138000")
    assert draft.part is not None
    assert (draft.part.reference, draft.part.total, draft.part.number) == ("8-7", 2, 2)
    assert (draft.part.format, draft.part.bytes) == ("ucs2", cut)
    assert read(b"x", "kannel", "; udh=0605041582").part is None
    assert read(b"x", "kannel", "; udh=nonsense").part is None


@each_row(
    ("provider", "body"),
    [
        ("aliyun", b"[]"),
        ("aliyun", b"{"),
        ("tencent", b""),
        ("twilio", b"Body=x"),
        ("nobody", b"{}"),
        ("aliyun", b'{"a":"\\ud800"'),
    ],
)
def test_what_is_no_callback_is_malformed(provider: str, body: bytes) -> None:
    with pytest.raises(MalformedError):
        read(body, provider)


def test_a_time_may_be_written_otherwise() -> None:
    at = datetime(2026, 11, 24, 3, 12, 13, tzinfo=UTC)
    for time in ("20261124111213", "2026/11/24 11:12:13", "2026-11-24T03:12:13Z"):
        assert read(json.dumps(ALIYUN | {"send_time": time}).encode(), "aliyun").received_at == at
    for unix in (1795489933, "1795489933", 1795489933000):
        assert read(json.dumps(TENCENT | {"time": unix}).encode(), "tencent").received_at == at


@each_row("time", ["", "yesterday", 10**30, -1, None, 1.5, [], "2026-02-31 00:00:00", "9" * 5000])
def test_a_senseless_time_leaves_the_transports(time: object) -> None:
    assert read(json.dumps(TENCENT | {"time": time}).encode(), "tencent").received_at is None
    assert read(json.dumps(ALIYUN | {"send_time": time}).encode(), "aliyun").received_at is None


@each_row("year", [1970, 1992, 2027, 2099])
def test_a_time_of_a_wrong_clock_leaves_the_transports(year: int) -> None:
    """From a time in seventy years no deadline would ever be missed."""
    there = datetime(year, 11, 25, 11, 12, 13, tzinfo=UTC)
    draft = read(json.dumps(ALIYUN | {"send_time": f"{there:%Y-%m-%d %H:%M:%S}"}).encode(), "aliyun")
    assert draft.received_at is None
    assert read(json.dumps(TENCENT | {"time": int(there.timestamp())}).encode(), "tencent").received_at is None


def test_wrong_types_do_no_harm() -> None:
    draft = read(json.dumps({"phone_number": [1], "content": {"a": 1}, "sequence_id": None}).encode(), "aliyun")
    assert draft.text == '{"a": 1}'


def test_an_id_of_twenty_digits_keeps_each_of_them() -> None:
    numbers = ("18446744073709551616", "18446744073709551617")
    body = '{{"phone_number":"1","content":"x","sequence_id":{}}}'
    assert [web.read("aliyun", body.format(one).encode(), {}).identifier for one in numbers] == list(numbers)


def test_half_an_emoji_in_json_costs_no_other_word() -> None:
    """As a dead letter it would not be screened: gateways cut texts where their number of characters is full."""
    assert read('{"phone_number":"1","content":"着火了\\ud83d"}'.encode(), "aliyun").text == "着火了\ufffd"

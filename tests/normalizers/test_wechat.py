"""WeChat callbacks: every kind gives a draft, no XML trick gets anywhere."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from normalizers import wechat
from normalizers.base import Draft, Policy
from normalizers.parse import xml as reading
from normalizers.pipeline import normalize
from schemas.errors import MalformedError, RecordError, UnsupportedError
from schemas.records import Party, RawMessage
from tests.rows import each_row

Raw = Callable[..., RawMessage]
EVENTS = ("subscribe", "unsubscribe", "SCAN", "LOCATION", "CLICK", "VIEW", "kf_msg_or_event", "never_heard_of")


def xml(kind: str, **fields: str) -> bytes:
    body = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
    head = "<ToUserName>gh_1</ToUserName><FromUserName>oUser</FromUserName><CreateTime>1408090651</CreateTime>"
    return f"<xml>{head}<MsgType><![CDATA[{kind}]]></MsgType>{body}<MsgId>7</MsgId></xml>".encode()


def draft(raw: Raw, value: bytes) -> Draft:
    return wechat.normalize(raw(value, "wechat"), Policy())


def test_text_is_kept_as_written(raw: Raw) -> None:
    made = draft(raw, xml("text", Content="  井盖 坏了\n\n"))
    assert made.text == "  井盖 坏了\n\n"
    assert made.sender == Party(kind="openid", value="oUser")
    assert made.channel_kind == "wechat_mp"
    assert made.message_class == "person"
    assert made.received_at == datetime(2014, 8, 15, 8, 17, 31, tzinfo=UTC)


def test_agent_id_means_wecom(raw: Raw) -> None:
    made = draft(raw, xml("text", Content="x", AgentID="1000002"))
    assert (made.channel_kind, made.extra["AgentID"]) == ("wecom", "1000002")


@each_row(
    ("time", "expected"),
    [
        ("1408090651", datetime(2014, 8, 15, 8, 17, 31, tzinfo=UTC)),
        ("1408090651250", datetime(2014, 8, 15, 8, 17, 31, 250_000, tzinfo=UTC)),
        ("", None),
        ("soon", None),
        ("٣", None),
        ("0", None),
        ("1", None),
        ("99999999999", None),
        ("9" * 14, None),
        ("9" * 15, None),
        ("9" * 400, None),
    ],
)
def test_create_time_is_seconds_or_milliseconds(raw: Raw, time: str, expected: datetime | None) -> None:
    assert draft(raw, xml("text").replace(b"1408090651", time.encode())).received_at == expected


@each_row(
    ("value", "media_type"),
    [
        (xml("image", MediaId="m1", PicUrl="http://p"), "image/*"),
        (xml("voice", MediaId="m1", Format="amr", Recognition="路灯坏了"), "audio/amr"),
        (xml("voice", MediaId="m1", Format="odd"), "audio/*"),
        (xml("video", MediaId="m1", ThumbMediaId="t1"), "video/*"),
        (xml("shortvideo", MediaId="m1"), "video/*"),
        (xml("file", MediaId="m1", Title="合同.pdf"), "application/octet-stream"),
        (b"<xml><MsgType>image</MsgType><Image><MediaId> m1 </MediaId></Image></xml>", "image/*"),
    ],
)
def test_media_stay_to_be_fetched(raw: Raw, value: bytes, media_type: str) -> None:
    (file,) = draft(raw, value).files
    assert (file.media_id, file.media_type, file.data) == ("m1", media_type, None)


def test_a_voice_says_what_wechat_heard(raw: Raw) -> None:
    assert draft(raw, xml("voice", MediaId="m", Recognition="路灯坏了")).text == "路灯坏了"


def test_a_location_is_text_place_and_point(raw: Raw) -> None:
    made = draft(raw, xml("location", Location_X="23.1", Location_Y="113.3", Label="幸福路12号"))
    assert made.text == "幸福路12号"
    assert [(finding.kind, finding.value, finding.source) for finding in made.findings] == [
        ("place", "幸福路12号", "channel"),
        ("coordinates", "113.3,23.1,gcj02", "channel"),
    ]
    assert (made.extra["Location_X"], made.extra["Location_Y"]) == ("23.1", "113.3")
    (point,) = draft(raw, xml("location", Location_X="23.1", Location_Y="113.3", Label="")).findings
    assert point.kind == "coordinates"


@each_row("point", [("", ""), ("0", "0"), ("91", "1"), ("nan", "1"), ("1", "inf"), ("1e9", "1"), ("北", "1")])
def test_coordinates_that_cannot_be_are_none(raw: Raw, point: tuple[str, str]) -> None:
    made = draft(raw, xml("location", Location_X=point[0], Location_Y=point[1], Label="幸福路"))
    assert [finding.kind for finding in made.findings] == ["place"]


def test_a_link_is_title_description_and_address(raw: Raw) -> None:
    made = draft(raw, xml("link", Title="曝光", Description="黑作坊", Url="https://x.cn/1"))
    assert (made.title, made.text) == ("曝光", "黑作坊\nhttps://x.cn/1")


def test_a_mini_program_page_is_its_title(raw: Raw) -> None:
    made = draft(raw, xml("miniprogrampage", Title="随手拍", PagePath="pages/1", AppId="wx1"))
    assert (made.title, made.extra["PagePath"]) == ("随手拍", "pages/1")


@each_row("event", EVENTS)
def test_events_are_nobodys_words(raw: Raw, event: str) -> None:
    made = draft(raw, xml("event", Event=event, EventKey="k", Content="x"))
    assert (made.message_class, made.text, made.extra["Event"], made.extra["EventKey"]) == ("event", "", event, "k")


def test_unknown_kinds_keep_their_words(raw: Raw) -> None:
    made = draft(raw, xml("hologram", Content="救命", Beam="blue"))
    assert (made.message_class, made.text) == ("unsupported", "救命")
    assert (made.extra["MsgType"], made.extra["Beam"]) == ("hologram", "blue")


def test_repeated_tags_lose_nothing(raw: Raw) -> None:
    made = draft(raw, b"<xml><MsgType>text</MsgType><Content>a</Content><Content>b</Content><Content>a</Content></xml>")
    assert (made.text, made.extra["Content#2"]) == ("a", "b")


@pytest.mark.parametrize("content", ["", "<Content></Content>", "<Content/>"])
def test_empty_content_is_an_empty_text(raw: Raw, content: str) -> None:
    assert draft(raw, f"<xml><MsgType>text</MsgType>{content}</xml>".encode()).text == ""


@each_row(
    "value",
    [
        '<?xml version="1.0" encoding="GBK"?><xml><MsgType>text</MsgType><Content>联通井盖</Content></xml>'.encode(
            "gbk"
        ),
        "<xml><MsgType>text</MsgType><Content>联通井盖</Content></xml>".encode("gb18030"),
        "\ufeff<xml><MsgType>text</MsgType><Content>联通井盖</Content></xml>".encode(),
        '<?xml version="1.0" encoding="utf-16"?><xml><MsgType>text</MsgType><Content>联通井盖</Content></xml>'.encode(
            "utf-16"
        ),
        b"\n <xml><MsgType>text</MsgType><Content>" + "联\x08通&#8;井\x00盖".encode() + b"</Content></xml>",
    ],
    ids=["declared", "undeclared", "bom", "utf16", "controls"],
)
def test_encodings_and_control_characters_are_borne(raw: Raw, value: bytes) -> None:
    assert draft(raw, value).text == "联通井盖"


BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><xml><MsgType>text</MsgType><Content>&b;</Content></xml>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;</Content></xml>'


@each_row(
    "value",
    [
        BOMB,
        OUTSIDE,
        b'<!DOCTYPE xml SYSTEM "http://x/y.dtd"><xml/>',
        b'{"MsgType":"text"',
        b'{"a":' * 20 + b"1" + b"}" * 20,
        b'{"a":' * 100_000,
        b"<html><MsgType/></html>",
        b"",
        b"<xml>",
        b"<xml/>",
        b"<xml></xml><xml></xml>",
        b"<xml>" * 100_000,
        b"<xml><a>&b;</a></xml>",
        b"\xff\xff\xff",
    ],
    ids=lambda value: repr(value[:30]),
)
def test_what_is_no_callback_is_malformed(raw: Raw, value: bytes) -> None:
    with pytest.raises(MalformedError):
        draft(raw, value)


def test_an_encrypted_body_says_who_must_decrypt_it(raw: Raw) -> None:
    with pytest.raises(UnsupportedError, match="decrypted body"):
        draft(raw, b"<xml><ToUserName>gh_1</ToUserName><Encrypt>c2VjcmV0</Encrypt></xml>")


def test_compatible_mode_does_not_keep_the_ciphertext(raw: Raw) -> None:
    assert "Encrypt" not in draft(raw, xml("text", Content="x", Encrypt="c2VjcmV0")).extra


def test_errors_quote_nothing_of_the_body(raw: Raw) -> None:
    with pytest.raises(RecordError) as caught:
        draft(raw, "<xml><Content>李雷13912345678</Kontent></xml>".encode())
    assert "李雷" not in str(caught.value)


def test_all_real_callbacks_give_a_draft(raw: Raw, data: Path) -> None:
    lines = (data / "wechat" / "messages_xml.jsonl").read_text("utf-8").splitlines()
    for row in map(json.loads, lines):
        made = draft(raw, row["xml"].encode())
        assert (made.message_class == "event") is (row["MsgType"].strip() == "event")
        assert made.sender is not None
    assert len(lines) == 95


@each_row("time", ["0", "1", "9" * 15, "99999999999"])
def test_an_absurd_create_time_makes_no_emergency_stale(raw: Raw, time: str) -> None:
    value = xml("text", Content="三楼着火了，有人被困").replace(b"1408090651", time.encode())
    message = normalize(raw(value, "wechat"), Policy()).message
    assert message.received_at == message.ingested_at
    assert message.emergency is not None
    assert not message.emergency.stale
    assert message.extra["CreateTime"] == time


@each_row(
    ("written", "text"),
    [
        ("三楼着火了，快来人".encode() + b"\xed\xa0\xbd", "三楼着火了，快来人"),
        ("三楼着火了，快来人".encode() + b"\xf0\x9f", "三楼着火了，快来人"),
        ("三楼着火了，快来人&#55357;&#xDE00;".encode(), "三楼着火了，快来人"),
        ("三楼着火了，快来人".encode("gb18030"), "三楼着火了，快来人"),
    ],
)
def test_half_an_emoji_costs_no_other_word(written: bytes, text: str) -> None:
    """Read as GB18030, which takes any bytes, it would say something else, and as a dead letter nothing."""
    for body in (written, b"<![CDATA[%s]]>" % written):
        if b"&#" in body and b"CDATA" in body:
            continue
        found = reading.fields(b"<xml><Content>%s</Content><MsgType>text</MsgType></xml>" % body, "xml")
        assert found["Content"].rstrip("\ufffd") == text
        assert found["MsgType"] == "text"

"""小程序 callbacks in JSON, 微信客服 messages as they are pulled, and the records of fetched files."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.http import callback
from normalizers import wechat
from normalizers.base import Draft, Policy
from normalizers.parse import json as crowd
from normalizers.pipeline import normalize
from normalizers.wechat import kf as customer
from schemas.errors import MalformedError
from schemas.records import Message, Party, RawMessage, media, raw_message
from schemas.records.media import Media
from tests.rows import each_row

TAKEN = datetime(2026, 11, 24, 1, 12, 5, tzinfo=UTC)
SENT = datetime(2026, 11, 24, 1, 12, 3, tzinfo=UTC)


def raw(value: bytes, content_type: str = "application/json", kind: str = "wechat_mini") -> RawMessage:
    return raw_message(
        channel="wechat",
        channel_kind=kind,
        account="city",
        jurisdiction="210100",
        identifier="1",
        value=value,
        content_type=content_type,
        time=TAKEN,
        recorded=TAKEN,
    )


def mini(**fields: Any) -> bytes:
    known = {"ToUserName": "gh_1", "FromUserName": "o-mini", "CreateTime": int(SENT.timestamp())}
    return json.dumps({**known, **fields}, ensure_ascii=False).encode()


def kf(kind: str, origin: int = 3, **body: Any) -> Draft:
    element = {
        "msgid": "4tMLKf", "open_kfid": "wkAJ2", "external_userid": "wmAJ2", "send_time": int(SENT.timestamp()),
        "origin": origin, "msgtype": kind, kind: body,
    }  # fmt: skip
    value = json.dumps(element, ensure_ascii=False).encode()
    return wechat.normalize(raw(value, customer.CONTENT_TYPE, "wecom_kf"), Policy())


def message(value: bytes) -> Message:
    return normalize(raw(value), Policy()).message


def test_a_mini_programme_text_in_json_is_the_same_as_in_xml() -> None:
    made = message(mini(MsgType="text", Content="  井盖\n坏了 ", MsgId=9007199254740993))
    assert (made.text, made.channel_kind, made.message_class) == ("  井盖\n坏了 ", "wechat_mini", "person")
    assert made.sender == Party(kind="openid", value="o-mini")
    assert made.received_at == SENT


def test_half_an_emoji_costs_no_other_word() -> None:
    """As a dead letter it would not be screened."""
    body = mini(MsgType="text", Content="三楼着火了，快来人X", MsgId=1).replace(b"X", rb"\ud83d")
    made = message(body)
    assert made.text == "三楼着火了，快来人\ufffd"
    assert made.emergency
    named = callback.read(body, TAKEN)
    assert (named.sender, named.time, named.is_words) == ("o-mini", SENT, True)
    beside = b'{"ToUserName":"gh_1","Content":"\\ud83d","Encrypt":"Y2lwaGVy"}'
    assert callback.encrypted(beside) == "Y2lwaGVy"


def test_a_mini_programme_picture_and_card() -> None:
    (file,) = message(mini(MsgType="image", PicUrl="http://p", MediaId="m1", MsgId=2)).attachments
    assert (file.id, file.media_type, file.dataref) == ("m1", "image/*", None)
    card = message(mini(MsgType="miniprogrampage", Title="随手拍", PagePath="p/1", ThumbMediaId="t", MsgId=3))
    assert (card.title, card.extra["PagePath"]) == ("随手拍", "p/1")


def test_a_mini_programme_event_is_nobodys_words() -> None:
    made = message(mini(MsgType="event", Event="user_enter_tempsession", SessionFrom="首页"))
    assert (made.message_class, made.text, made.extra["SessionFrom"]) == ("event", "", "首页")


def test_json_nests_lists_and_keeps_every_digit() -> None:
    made = message(mini(MsgType="x", Items=[{"a": 1}, {"a": True}, None, 9007199254740993]))
    told = {name: value for name, value in made.extra.items() if name.startswith("Items")}
    assert told == {"Items.1.a": "1", "Items.2.a": "true", "Items.4": "9007199254740993"}


def test_a_customer_text() -> None:
    made = kf("text", content="小区停水了\n")
    assert (made.text, made.channel_kind, made.message_class) == ("小区停水了\n", "wecom_kf", "person")
    assert made.sender == Party(kind="openid", value="wmAJ2")
    assert made.received_at == SENT
    assert made.extra["open_kfid"] == "wkAJ2"


@each_row(
    ("kind", "media_type"),
    [("image", "image/*"), ("voice", "audio/amr"), ("video", "video/*"), ("file", "application/octet-stream")],
)
def test_customer_media_stay_to_be_fetched(kind: str, media_type: str) -> None:
    (file,) = kf(kind, media_id="m1").files
    assert (file.media_id, file.media_type, file.is_awaited) == ("m1", media_type, True)


def test_a_customer_location_is_place_and_point() -> None:
    made = kf("location", latitude=41.805699, longitude=123.431472, name="市政府", address="中山路12号")
    assert made.text == "中山路12号 市政府"
    assert [(one.kind, one.value) for one in made.findings] == [
        ("place", "中山路12号 市政府"),
        ("coordinates", "123.431472,41.805699,gcj02"),
    ]


def test_links_cards_and_forwarded_records_keep_their_words() -> None:
    link = kf("link", title="曝光", desc="黑作坊", url="https://x.example/1")
    assert (link.title, link.text) == ("曝光", "黑作坊\nhttps://x.example/1")
    assert kf("miniprogram", title="随手拍", appid="wx1").title == "随手拍"
    others = [
        {"sender_name": "甲", "msgtype": "text", "msg_content": '{"text":{"content":"解放路88号着火了，有人被困"}}'},
        {"sender_name": "乙", "msgtype": "image", "msg_content": '{"image":{"media_id":"m"}}'},
        {"content": "别人的话"},
    ]
    forwarded = kf("merged_msg", title="聊天记录", item=others)
    told = "解放路88号着火了，有人被困\n别人的话"
    assert (forwarded.title, forwarded.text) == ("聊天记录", told), "whoever forwards a cry for help means it"
    video = kf("channels", sub_type=1, nickname="张三", title="幸福路12号的井盖坏了", desc="没人管")
    assert (video.message_class, video.title, video.text) == ("unsupported", "幸福路12号的井盖坏了", "没人管")
    other = kf("hologram", beam="blue")
    assert (other.message_class, other.extra["hologram.beam"]) == ("unsupported", "blue")


@pytest.mark.parametrize(("kind", "origin"), [("event", 4), ("text", 5), ("text", 4)])
def test_what_the_platform_and_our_staff_say_is_nobodys_message(kind: str, origin: int) -> None:
    made = kf(kind, origin, content="着火了吗？")
    assert (made.message_class, made.text, made.sender) == ("event", "", None)
    assert made.extra["origin"] == str(origin)


@each_row("value", [b"{}", b"[]", b"{", b"\xff", b'{"msgtype":""}'])
def test_what_is_no_customer_message_is_malformed(value: bytes) -> None:
    with pytest.raises(MalformedError):
        wechat.normalize(raw(value, customer.CONTENT_TYPE), Policy())


@each_row("time", ["soon", "", "-1", "0", "99999999999", 1e400])
def test_a_send_time_that_makes_no_sense_is_left_out(time: object) -> None:
    value = json.dumps({"msgtype": "text", "origin": 3, "send_time": time if time != 1e400 else "x"}).encode()
    assert wechat.normalize(raw(value, customer.CONTENT_TYPE), Policy()).received_at is None


def test_a_fetched_file_must_lie_in_the_folder_of_its_message() -> None:
    told = Media(message_id="abc", media_id="m", dataref="210100/other/1", sha256="1", size=1)
    with pytest.raises(MalformedError):
        wechat.normalize(raw(msgspec.json.encode(told), media.CONTENT_TYPE), Policy())
    with pytest.raises(MalformedError):
        wechat.normalize(raw(b"{}", media.CONTENT_TYPE), Policy())


@pytest.mark.parametrize(
    "value",
    [{"Kept": [0] * crowd.MOST_MARKS}, {"b" * (crowd.MAX_PATH + 1): {"c": "d", "e": "f"}}],
    ids=["marks", "a name before each field"],
)
def test_json_that_holds_more_than_any_callback_is_malformed(value: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="more than"):
        normalize(raw(mini(MsgType="text", Content="路灯坏了", **value)), Policy())

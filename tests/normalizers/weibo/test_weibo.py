"""Weibo's forms of times, ids, texts and threads; and every real answer of the platform that we have."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.weibo.times import moment
from schemas.codec import encode
from schemas.errors import MalformedError, RecordError, UnsupportedError
from schemas.records import Message, RawMessage
from tests.rows import each_row
from tests.tickets.said import decided, ticket_of
from tickets.masking.mask import mask_ticket

NOW = datetime(2026, 11, 24, 1, 12, 5, tzinfo=UTC)
POST = {
    "idstr": "5100000000000116",
    "text": "路灯坏了",
    "user": {"id": 7},
    "created_at": "Tue Nov 24 09:10:20 +0800 2026",
}

Raw = Callable[..., RawMessage]


def understood(raw: Raw, item: dict[str, Any] | bytes, identifier: str = "1") -> Message:
    value = item if isinstance(item, bytes) else json.dumps(item, ensure_ascii=False).encode()
    return normalize(raw(value, "weibo", identifier=identifier), Policy()).message


# Times


@each_row(
    ("written", "expected"),
    [
        ("Tue May 31 17:46:55 +0800 2011", datetime(2011, 5, 31, 9, 46, 55, tzinfo=UTC)),
        ("Tue May 31 17:46:55 -0330 2011", datetime(2011, 5, 31, 21, 16, 55, tzinfo=UTC)),
        ("May 31 17:46:55 +08:00 2011", datetime(2011, 5, 31, 9, 46, 55, tzinfo=UTC)),
        ("2026-11-24T09:00:00+08:00", datetime(2026, 11, 24, 1, tzinfo=UTC)),
        ("2026-11-24 09:00:00", datetime(2026, 11, 24, 1, tzinfo=UTC)),
        ("1795482000", datetime(2026, 11, 24, 1, 0, tzinfo=UTC)),
        ("1795482000123", datetime(2026, 11, 24, 1, 0, 0, 123000, tzinfo=UTC)),
        ("刚刚", NOW),
        ("5分钟前", NOW - timedelta(minutes=5)),
        ("2小时前", NOW - timedelta(hours=2)),
        ("今天 08:30", datetime(2026, 11, 24, 0, 30, tzinfo=UTC)),
        ("昨天 23:59", datetime(2026, 11, 23, 15, 59, tzinfo=UTC)),
        ("11-20", datetime(2026, 11, 19, 16, tzinfo=UTC)),
        ("12-31 10:05", datetime(2025, 12, 31, 2, 5, tzinfo=UTC)),
        ("2018-4-19", datetime(2018, 4, 18, 16, tzinfo=UTC)),
        ("Sun Feb 07 06:28:15 +0800 2038", None),
        ("Mon Jul 16 18:09:20 +0800 1999", None),
        ("周二 十一月 24 10:00:00 +0800 2026", None),
        ("Tue Foo 31 17:46:55 +0800 2011", None),
        ("Tue Feb 31 17:46:55 +0800 2011", None),
        ("13-45", None),
        ("", None),
    ],
)
def test_created_at_is_read_in_all_its_forms(written: str, expected: datetime | None) -> None:
    assert moment(written, NOW) == expected


def test_a_time_that_nobody_can_read_is_kept_beside_the_time_of_the_transport(raw: Raw) -> None:
    message = understood(raw, POST | {"created_at": "周二 十一月 24 10:00:00 +0800 2026"})
    assert (message.received_at, message.extra["created_at"]) == (NOW, "周二 十一月 24 10:00:00 +0800 2026")


# Ids


@each_row(
    ("ids", "expected"),
    [
        ({"id": 9223372036854775807}, "9223372036854775807"),
        ({"id": 9007199254740992, "idstr": "9007199254740993"}, "9007199254740993"),
        ({"id": "5100000000000116"}, "5100000000000116"),
        ({"id": 5100000000000116.0}, "5100000000000116"),
        ({"id": 9.223372036854776e18}, ""),
        ({"id": True}, ""),
        ({"mid": "5100000000000116"}, "5100000000000116"),
    ],
)
def test_an_id_keeps_every_digit_or_is_none(raw: Raw, ids: dict[str, Any], expected: str) -> None:
    message = understood(raw, {"text": "路灯坏了", "user": {"id": 7}} | ids)
    assert message.extra.get("id", "") == expected
    assert message.thread.message_id_header == (f"weibo:status:{expected}/7" if expected else None)


# Texts


@each_row(
    ("text", "expected"),
    [
        ("路灯坏了[心][doge] \u200b", "路灯坏了[心][doge]"),
        ("路灯坏了\u200b\u200b\n", "路灯坏了"),
        ("  路灯坏了  \n", "  路灯坏了  \n"),
        ("路\u200b灯\u200d坏了", "路\u200b灯\u200d坏了"),
        ("路灯坏了...全文： http://m.weibo.cn/1/2 \u200b", "路灯坏了"),
        ("路灯坏了 \u200b​...展开全文c", "路灯坏了"),
        ("请看全文", "请看全文"),
        ("💡" * 10_000, "💡" * 10_000),
        ("\u200b", ""),
    ],
)
def test_the_platform_s_ends_go_and_the_citizen_s_words_stay(raw: Raw, text: str, expected: str) -> None:
    assert understood(raw, POST | {"text": text}).text == expected


def test_a_text_is_marked_as_cut_until_the_whole_of_it_came(raw: Raw) -> None:
    cut = POST | {"text": "暖气不热…全文", "isLongText": True}
    assert understood(raw, cut).extra["cut"] == "true"
    assert "cut" not in understood(raw, cut | {"longText": {"longTextContent": "暖气不热四天了"}}).extra
    assert understood(raw, POST | {"text": "没有结尾", "truncated": True}).extra["cut"] == "true"


# What is malformed


@each_row("value", [b"[1]", b"42", b'{"users":[]}', b'{"screen_name":"x","status":{"text":"x"}}'])
def test_what_is_no_message_says_so(raw: Raw, value: bytes) -> None:
    with pytest.raises(UnsupportedError):
        understood(raw, value)


@each_row("value", [b"", b"hello=1", b"\xff\xfe\x80\x81\x00", b"[" * 100_000])
def test_what_cannot_be_read_says_so(raw: Raw, value: bytes) -> None:
    with pytest.raises(MalformedError):
        understood(raw, value)


@each_row(
    "odd",
    [
        {"user": None},
        {"user": "7"},
        {"user": {"id": None, "screen_name": None}},
        {"geo": {"coordinates": ["a", None]}},
        {"geo": {"coordinates": [0, 0]}},
        {"pic_urls": {"0": {"thumbnail_pic": "http://[bad"}}},
        {"pic_urls": [None, 3, {}]},
        {"pics": {"a": {"url": "http://x/orj360/1.png", "large": {"url": "http://x/large/1.png"}}}},
        {"annotations": [{"place": {"title": None}}, None]},
        {"retweeted_status": None},
        {"longText": "{broken"},
        {"source": None},
    ],
    ids=json.dumps,
)
def test_odd_shapes_lose_no_words(raw: Raw, odd: dict[str, Any]) -> None:
    assert understood(raw, POST | odd).text == "路灯坏了"


def test_a_push_in_gbk_with_a_raw_line_break_is_read(raw: Raw) -> None:
    value = '{"type":"text","sender_id":7,"text":"王喆\n说","data":{}}'.encode("gbk")
    assert understood(raw, value).text == "王喆\n说"


def test_a_push_as_a_form_is_read(raw: Raw) -> None:
    value = b"type=position&sender_id=7&text=%E6%88%91%E5%9C%A8%E8%BF%99&data=%7B%22latitude%22%3A%2241.8%22%7D"
    message = understood(raw, value)
    assert (message.text, message.extra["Location_X"]) == ("我在这", "41.8")


# Places


@pytest.mark.parametrize(
    ("annotations", "place"),
    [
        ([], []),
        ([{"place": {"title": "人民广场"}}], [("place", "人民广场")]),
        ([{"place": {"title": "41.8057,123.4315"}}], []),
    ],
)
def test_a_point_is_coordinates_and_no_words(raw: Raw, annotations: list[Any], place: list[tuple[str, str]]) -> None:
    message = understood(raw, POST | {"geo": {"coordinates": [41.8057, 123.4315]}, "annotations": annotations})
    said = [(finding.kind, finding.value) for finding in message.findings if finding.source == "channel"]
    assert said == [*place, ("coordinates", "123.4315,41.8057,gcj02")]
    assert (message.extra["Location_X"], message.extra["Location_Y"]) == ("41.8057", "123.4315")


@pytest.mark.parametrize(
    "item",
    [
        POST | {"geo": {"coordinates": [41.8057, 123.4315]}},
        {
            "type": "position",
            "sender_id": 7,
            "text": "路灯坏了",
            "data": {"latitude": "41.8057", "longitude": "123.4315"},
        },
    ],
)
def test_analysts_see_no_point(raw: Raw, item: dict[str, Any]) -> None:
    desk, (decision,) = decided([understood(raw, item)])
    ticket = ticket_of(desk, decision)
    assert ticket.location is not None
    assert (ticket.location.longitude, ticket.location.latitude, ticket.location.datum) == (123.4315, 41.8057, "gcj02")
    assert b"41.8057" not in encode(mask_ticket(ticket))


# Threads


def under(status: str, uid: int, identifier: str, text: str) -> dict[str, Any]:
    return {"idstr": identifier, "text": text, "user": {"id": uid}, "status": {"idstr": status, "text": "公告"}}


def test_one_person_s_comments_under_one_status_are_one_ticket_and_nobody_else_s(raw: Raw) -> None:
    messages = [
        understood(raw, under("51", 7, "601", "中山路十二号的路灯坏了"), "a"),
        understood(raw, under("51", 8, "602", "我们这里停水三天"), "b"),
        understood(raw, under("51", 7, "603", "怎么还没有人来"), "c"),
        understood(raw, under("52", 7, "604", "学校食堂的饭菜不新鲜"), "d"),
    ]
    _, decisions = decided(messages)
    assert [each.relation for each in decisions] == ["new", "new", "follow_up", "new"]
    assert decisions[2].tickets[0].ticket_id == decisions[0].tickets[0].ticket_id


def test_a_mention_that_is_pushed_and_fetched_is_one_ticket(raw: Raw) -> None:
    pushed = {"type": "mention", "sender_id": 7, "text": "路灯坏", "data": {"subtype": "status", "key": POST["idstr"]}}
    _, decisions = decided([understood(raw, pushed, "a"), understood(raw, POST, "b")])
    assert [each.relation for each in decisions] == ["new", "follow_up"]


SHOWN = POST | {
    "text": "@沈阳12345 快看看这个",
    "retweeted_status": {
        "idstr": "41",
        "text": "解放路88号居民楼着火了，有人被困",
        "user": {"id": 3, "screen_name": "路人"},
        "pic_urls": [{"thumbnail_pic": "http://wx1.sinaimg.cn/thumbnail/fire.jpg"}],
    },
}


@pytest.mark.parametrize("words", ["@沈阳12345 快看看这个", "转发微博"])
def test_what_somebody_passes_on_is_one_ticket_however_often_it_comes_and_screened_as_theirs(
    raw: Raw, words: str
) -> None:
    pushed = {"type": "mention", "sender_id": 7, "text": words, "data": {"subtype": "status", "key": POST["idstr"]}}
    fetched = understood(raw, SHOWN | {"text": words}, "b")
    _, decisions = decided([understood(raw, pushed, "a"), fetched])
    assert [each.relation for each in decisions] == ["new", "follow_up"]
    _, decisions = decided([fetched, understood(raw, pushed, "a")])
    assert [each.relation for each in decisions] == ["new", "follow_up"]
    assert fetched.emergency is not None
    assert fetched.emergency.level == "critical"


LIFT, CARS = "河边小区的电梯停了三天", "河边小学门口天天堵车"


def passed_on(number: int, words: str) -> dict[str, Any]:
    return {**POST, "idstr": f"70{number}", "text": "@沈阳12345 看看这个", "retweeted_status": original(number, words)}


def also_here(number: int, words: str) -> dict[str, Any]:
    return under("", 7, f"60{number}", "我们小区也是这样，没人管") | {"status": original(number, words)}


def original(number: int, words: str) -> dict[str, Any]:
    return {"idstr": f"5{number}", "text": words, "user": {"id": 3, "screen_name": "路人"}}


@pytest.mark.parametrize("said", [passed_on, also_here])
def test_the_same_words_about_two_things_that_are_shown_are_two_matters(
    raw: Raw, said: Callable[[int, str], dict[str, Any]]
) -> None:
    """As a repeat the second would not even be written into the ticket of the first."""
    messages = [understood(raw, said(number, words), str(number)) for number, words in enumerate((LIFT, CARS, LIFT))]
    _, (first, other, again) = decided(messages)
    assert (other.relation, again.relation) == ("new", "same_person_same_matter")
    assert again.tickets[0].ticket_id == first.tickets[0].ticket_id


def test_a_comment_that_shows_us_something_is_one_ticket_however_often_it_comes(raw: Raw) -> None:
    pushed = {"type": "mention", "sender_id": 7, "text": "@我们 看", "data": {"subtype": "comment", "key": "601"}}
    shown = under("51", 7, "601", "@沈阳12345 快看") | {"pic_urls": [{"thumbnail_pic": "http://wx1.sinaimg.cn/1.jpg"}]}
    _, decisions = decided([understood(raw, pushed, "a"), understood(raw, shown, "b")])
    assert [each.relation for each in decisions] == ["new", "follow_up"]


@pytest.mark.parametrize("text", ["@沈阳12345 快看", "学校食堂的饭菜不新鲜"])
def test_a_comment_that_is_fetched_before_its_push_comes_is_one_ticket(raw: Raw, text: str) -> None:
    pushed = {"type": "mention", "sender_id": 7, "text": "@我们 看", "data": {"subtype": "comment", "key": "601"}}
    fetched = understood(raw, under("51", 7, "601", text), "b")
    _, decisions = decided([fetched, understood(raw, pushed, "a")])
    assert [each.relation for each in decisions] == ["new", "follow_up"]
    assert decisions[0].tickets[0].ticket_id == decisions[1].tickets[0].ticket_id
    for other in (pushed | {"sender_id": 8}, pushed | {"data": {"subtype": "comment", "key": "602"}}):
        _, decisions = decided([fetched, understood(raw, other, "c")])
        assert [each.relation for each in decisions] == ["new", "new"]


def test_a_later_comment_of_a_ticket_that_is_fetched_before_its_push_comes_is_in_it(raw: Raw) -> None:
    pushed = {"type": "mention", "sender_id": 7, "text": "@我们 看", "data": {"subtype": "comment", "key": "603"}}
    first, later = under("51", 7, "601", "中山路十二号的路灯坏了"), under("51", 7, "603", "怎么还没有人来")
    messages = [understood(raw, each, name) for each, name in ((first, "a"), (later, "b"), (pushed, "c"))]
    _, decisions = decided(messages)
    assert [each.relation for each in decisions] == ["new", "follow_up", "follow_up"]


PICTURE = {"pic_urls": [{"thumbnail_pic": "http://wx1.sinaimg.cn/thumbnail/lamp.jpg"}]}


@each_row("data", [{"subtype": "comment"}, {"subtype": "comment", "key": ""}, {}])
@each_row("pushed_first", [True, False])
def test_a_comment_with_a_picture_whose_push_has_no_key_is_one_ticket(
    raw: Raw, data: dict[str, str], pushed_first: bool
) -> None:
    mention = {"type": "mention", "text": "@我们 看", "data": data, "sender_id": 7, "created_at": POST["created_at"]}
    at = {"created_at": POST["created_at"]}
    fetched = under("51", 7, "601", "学校食堂不新鲜 图片评论") | PICTURE | at
    both = [understood(raw, mention, "a"), understood(raw, fetched, "b")]
    _, decisions = decided(both if pushed_first else both[::-1])
    assert [each.relation for each in decisions] == ["new", "follow_up"]
    others = [
        fetched | {"user": {"id": 8}},
        fetched | {"idstr": "602", "created_at": "Tue Nov 24 09:10:21 +0800 2026"},
        under("52", 7, "603", "地铁站扶梯停运") | at,
    ]
    for other in others:
        _, decisions = decided([both[0], understood(raw, other, "c")])
        assert [each.relation for each in decisions] == ["new", "new"]


DIRECT = {"sender_id": 7, "created_at": POST["created_at"]}


@pytest.mark.parametrize(
    "pushed",
    [
        {"type": "text", "text": "路灯坏了"},
        {"type": "image", "text": "发了一张图片", "data": {"tovfid": "1"}},
        b"<xml><MsgType>text</MsgType><FromUserName>7</FromUserName><CreateTime>1795482620</CreateTime>"
        b"<Content>a</Content></xml>",
    ],
)
def test_a_direct_message_that_is_pushed_and_fetched_is_one_ticket(raw: Raw, pushed: dict[str, Any] | bytes) -> None:
    fetched = DIRECT | {"idstr": "9", "recipient_id": 1, "text": "分享图片 http://t.cn/a", "sender": {"id": 7}}
    first = understood(raw, pushed if isinstance(pushed, bytes) else DIRECT | pushed, "a")
    later = understood(raw, fetched | {"created_at": "Tue Nov 24 09:10:21 +0800 2026", "text": "学校食堂不新鲜"}, "c")
    _, decisions = decided([first, understood(raw, fetched, "b"), later])
    assert [each.relation for each in decisions] == ["new", "follow_up", "new"]


@pytest.mark.parametrize(
    ("text", "message_class"),
    [
        ("抱歉，此微博已被作者删除", "event"),
        ("抱歉，此微博已被作者删除。查看帮助：http://t.cn/Rfd3rQV", "event"),
        ("抱歉，此微博已被作者删除。为什么删我的？解放路88号着火了，有人被困", "person"),
    ],
)
def test_only_the_platform_s_own_words_say_that_a_status_is_gone(raw: Raw, text: str, message_class: str) -> None:
    message = understood(raw, POST | {"text": text})
    assert message.message_class == message_class
    assert (message.emergency is not None) == ("着火" in text)


def test_two_status_that_one_person_passes_on_without_a_word_stay_two_tickets(raw: Raw) -> None:
    made = [
        POST | {"idstr": number, "text": "转发微博", "retweeted_status": {"text": words, "user": {"id": 3}}}
        for number, words in (("61", "中山路十二号的路灯坏了"), ("62", "第三小学门口的井盖不见了"))
    ]
    _, decisions = decided([understood(raw, item, str(number)) for number, item in enumerate(made)])
    assert [each.relation for each in decisions] == ["new", "new"]


# Real answers


def items_of(answer: Any) -> list[Any]:
    lists = [answer.get(name) for name in ("statuses", "comments", "users")] if isinstance(answer, dict) else []
    return next((found for found in lists if found), [answer])


def test_every_real_answer_is_understood_or_says_why_not(raw: Raw, data: Path) -> None:
    files = sorted((data / "weibo").glob("*.json"))
    if not files:
        pytest.skip("no real answers of Weibo here")
    kinds: dict[str, int] = {}
    for file in files:
        for item in items_of(json.loads(file.read_bytes())):
            try:
                message = understood(raw, item)
            except RecordError as error:
                kinds[error.code] = kinds.get(error.code, 0) + 1
                continue
            kinds[message.channel_kind] = kinds.get(message.channel_kind, 0) + 1
            assert message.text == "" or message.text.strip("\u200b ")
            assert not message.text.endswith("\u200b")
            assert message.sender is not None
            assert message.sender.value == str(item["user"]["id"])
            assert message.received_at < NOW
            shown = item.get("pic_urls") or item.get("retweeted_status", {}).get("pic_urls") or []
            assert len(message.attachments) == len(shown)
    assert kinds == {"weibo_comment": 10, "weibo_mention": 21, "unsupported": 7}

"""An emergency is handed over with the whole text; only machines' messages are not."""

import json
from collections.abc import Callable

from msgspec import structs

from normalizers.base import Policy
from normalizers.handover import handover
from normalizers.pipeline import normalize
from schemas.codec import decode, encode
from schemas.records import Handover, Message, RawMessage
from tests.rows import each_row


def message(raw: Callable[..., RawMessage], text: str = "我家着火了，快来", **fields: object) -> Message:
    return normalize(raw(json.dumps({"id": "1", "text": text, **fields}).encode()), Policy()).message


def test_it_holds_all_that_the_desk_needs(raw: Callable[..., RawMessage]) -> None:
    source = message(raw, title="救命", place="幸福路12号", sender="13912345678")
    made = handover(source)
    assert made is not None
    assert made.handover_id == made.message_id == source.message_id
    assert (made.level, made.text, made.location) == ("critical", "救命\n我家着火了，快来", "幸福路12号")
    assert [made.text[a:b] for a, b in made.spans] == ["救命", "着火"]
    assert made.sender == source.sender
    assert decode(encode(made), Handover) == made


def test_what_stands_beside_the_text_is_handed_over_below_it(raw: Callable[..., RawMessage]) -> None:
    mail = "Subject: x\n\n您好\n2026年11月24日 10:00 张三 写道：\n三楼着火了，有人被困\n"
    made = handover(normalize(raw(mail.encode(), "mailbox"), Policy()).message)
    assert made is not None
    assert made.text == "x\n您好\n\n2026年11月24日 10:00 张三 写道：\n三楼着火了，有人被困"


def test_a_point_without_words_is_handed_over(raw: Callable[..., RawMessage]) -> None:
    post = {"id": 7, "text": "着火了，快来", "user": {"id": 7}, "geo": {"coordinates": [41.8057, 123.4315]}}
    made = handover(normalize(raw(json.dumps(post).encode(), "weibo"), Policy()).message)
    assert made is not None
    assert made.location == "123.4315,41.8057,gcj02"


def test_ordinary_messages_hand_nothing_over(raw: Callable[..., RawMessage]) -> None:
    assert handover(message(raw, "路灯不亮")) is None


def test_mentioned_emergencies_are_handed_over_as_such(raw: Callable[..., RawMessage]) -> None:
    made = handover(message(raw, "去年我们楼起火，消防车进不来"))
    assert made is not None
    assert made.level == "mentioned"


def test_old_ones_are_marked(raw: Callable[..., RawMessage]) -> None:
    made = handover(message(raw, received_at="2020-01-01T00:00:00Z"))
    assert made is not None
    assert made.stale


MACHINES = ("auto_reply", "bounce", "event")


@each_row("kind", ["person", "list", "calendar", "unsupported", "unheard_of", *MACHINES])
def test_only_machines_are_exempt(raw: Callable[..., RawMessage], kind: str) -> None:
    made = handover(structs.replace(message(raw), message_class=kind))
    assert (made is None) is (kind in MACHINES)

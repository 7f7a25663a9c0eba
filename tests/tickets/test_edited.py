"""A status that its author edited: what it says now is added to the ticket that it opened, and stands in no other."""

import json
from datetime import UTC, datetime

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import Message, raw_message
from tests.tickets.build import START
from tests.tickets.said import CITY, decided, ticket_of


def status(text: str, name: str, edits: int, uid: int = 7, identifier: int = 5100) -> Message:
    item = {"id": identifier, "text": text, "user": {"id": uid, "screen_name": "市民"}, "edit_count": edits}
    item["created_at"] = "Wed Nov 25 10:00:00 +0800 2026"
    if edits:
        item["edit_at"] = "Fri Nov 27 10:00:00 +0800 2026"
    raw = raw_message(
        channel="weibo", channel_kind="weibo_mention", account="city", jurisdiction=CITY, identifier=name,
        value=json.dumps(item, ensure_ascii=False).encode(), content_type="application/json",
        time=START, recorded=datetime(2026, 11, 28, tzinfo=UTC),
    )  # fmt: skip
    return normalize(raw, Policy()).message


def test_what_an_edited_status_says_is_added_to_its_ticket() -> None:
    first = status("@沈阳12345 幸福路9号的路灯坏了", "status:5100", 0)
    edited = status("@沈阳12345 文化路20号的井盖丢了，昨晚有人掉下去", "status:5100:edit1", 1)
    desk, (_, decision) = decided([first, edited])
    ticket = ticket_of(desk, decision)
    assert ticket.message_count == 2
    assert "幸福路9号" in ticket.text
    assert "文化路20号" in ticket.text


def test_an_edited_status_whose_first_words_never_came_opens_a_ticket() -> None:
    other = status("@沈阳12345 幸福路9号的路灯坏了", "status:5099", 0, identifier=5099)
    edited = status("@沈阳12345 文化路20号的井盖丢了", "status:5100:edit2", 2)
    desk, decisions = decided([other, edited])
    assert [ticket_of(desk, one).message_count for one in decisions] == [1, 1]


def test_what_an_edited_status_says_was_written_when_it_was_edited() -> None:
    assert status("路灯坏了", "status:5100", 0).received_at == datetime(2026, 11, 25, 2, tzinfo=UTC)
    assert status("路灯坏了", "status:5100:edit1", 1).received_at == datetime(2026, 11, 27, 2, tzinfo=UTC)

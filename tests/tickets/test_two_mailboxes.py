"""One mail to two of our mailboxes: two messages, each with its way in, and one ticket."""

import hashlib
from datetime import timedelta

from normalizers import Policy, normalize
from schemas.records import Message, raw_message
from tests.tickets.build import START
from tests.tickets.said import CITY, decided

MAIL = (
    "From: wang@example.cn\r\nTo: mayor@city.gov.cn, letters@city.gov.cn\r\nMessage-ID: <{id}@example.cn>\r\n"
    "Subject: 路灯坏了\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
)


def taken(account: str, number: int, received: str, text: str = "中山路12号门口的路灯坏了三天，请派人来修") -> Message:
    value = (f"Delivered-To: {received}\r\n" + MAIL.format(id="lamp-1", text=text)).encode()
    at = START + timedelta(minutes=number)
    raw = raw_message(
        channel="mailbox", channel_kind="mailbox", account=account, jurisdiction=CITY,
        identifier=hashlib.sha256(value).hexdigest(), value=value, content_type="message/rfc822", time=at, recorded=at,
        sender="wang@example.cn",
    )  # fmt: skip
    return normalize(raw, Policy()).message


def test_the_second_way_in_is_filed_in_the_same_ticket() -> None:
    first, second = taken("mayor", 1, "mayor@city.gov.cn"), taken("letters", 2, "letters@city.gov.cn")
    assert first.message_id != second.message_id
    desk, decisions = decided([first, second])
    assert [len(decision.tickets) for decision in decisions] == [1, 1]
    assert decisions[0].tickets[0].ticket_id == decisions[1].tickets[0].ticket_id
    ticket = desk.ticket(decisions[0].tickets[0].ticket_id)
    assert ticket.message_count == 2
    assert (first.account, second.account) == ("mayor", "letters")

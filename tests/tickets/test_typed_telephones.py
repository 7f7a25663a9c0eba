"""A form's answer tells nobody whose telephone they type what this one asked before, nor what they ask later."""

import pytest
from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.parse import ticket_tokens
from schemas import ids
from schemas.records import Message, Party
from tests.rows import each_row
from tests.tickets.said import decided, said, ticket_of

CITIZEN = "13900000001"
REPORT = "举报兴达化工厂夜里偷排废水，请查处"
SECRET = "兴达化工厂夜里排废水，味道很大，请替我保密，不要告诉厂里是我说的"
PLAIN = "中山路十二号的路灯坏了三天，没有人修"


def by(channel: str, number: int, text: str) -> Message:
    """Return what came by a channel's own door."""
    made = said(number, "", text, sender=CITIZEN, channel=channel)
    return replace(made, source=ids.source_of(channel, "city"))


@each_row("text", [REPORT, SECRET, PLAIN])
@each_row("first", ["web", "phone", "sms"])
def test_what_a_form_brings_has_a_ticket_of_its_own(text: str, first: str) -> None:
    """Else who types the telephones of all his people, with one and the same complaint, learns which of them had it."""
    desk, (one, two) = decided([by(first, 1, text), by("web", 2, text)])
    ticket = ticket_of(desk, two)
    assert (ticket.first_message_id, ticket.message_count) == (two.input.message_id, 1)
    assert ("same_person_same_matter", one.tickets[0].ticket_id) in [(p.relation, p.target) for p in ticket.proposals]
    assert desk.ticket(one.tickets[0].ticket_id).message_count == 1


@each_row("text", [REPORT, SECRET, PLAIN])
@each_row("again", ["phone", "sms"])
def test_nobody_elses_words_come_into_the_ticket_that_a_form_opened(text: str, again: str) -> None:
    """Who typed the telephone has that ticket's number and code, and would see that its owner spoke."""
    desk, (one, two) = decided([by("web", 1, text), by(again, 2, text)])
    ticket = ticket_of(desk, two)
    assert (ticket.first_message_id, ticket.message_count) == (two.input.message_id, 1)
    assert ("same_person_same_matter", one.tickets[0].ticket_id) in [(p.relation, p.target) for p in ticket.proposals]
    assert desk.ticket(one.tickets[0].ticket_id).message_count == 1


def test_both_are_seen_together_where_strangers_words_would_be() -> None:
    desk, (one, two) = decided([by("sms", 1, PLAIN), by("web", 2, PLAIN)])
    assert two.relation == "same_matter_other_person"
    assert ticket_of(desk, two).cluster_id == one.tickets[0].ticket_id


@pytest.mark.parametrize("text", [REPORT, PLAIN])
def test_so_it_does_for_its_official_number(text: str) -> None:
    before, (one,) = decided([by("sms", 1, text)])
    number = ticket_of(before, one).ticket_no
    desk, (one, two) = decided([by("sms", 1, text), by("web", 2, f"关于{number}，有进展吗")])
    assert two.tickets[0].ticket_id != one.tickets[0].ticket_id
    assert [(p.relation, p.target) for p in ticket_of(desk, two).proposals] == [("follow_up", one.tickets[0].ticket_id)]


def test_who_was_told_the_number_asks_by_it_from_the_telephone_that_was_typed() -> None:
    before, (one,) = decided([by("web", 1, PLAIN)])
    number = ticket_of(before, one).ticket_no
    _, (one, two) = decided([by("web", 1, PLAIN), by("sms", 2, f"关于{number}，有进展吗")])
    assert (two.method, two.tickets[0].ticket_id) == ("number_of_owner", one.tickets[0].ticket_id)


@pytest.mark.parametrize("again", ["sms", "phone"])
def test_who_is_known_by_the_channel_is_heard_once(again: str) -> None:
    _, (one, two) = decided([by("sms", 1, REPORT), by(again, 2, REPORT)])
    assert two.tickets[0].ticket_id == one.tickets[0].ticket_id


def test_the_user_of_an_app_is_heard_once() -> None:
    """The app says who is logged in."""
    user = Party(kind="uid", value="app:17")
    made = [replace(by("web", n, PLAIN), sender=user) for n in (1, 2)]
    _, (one, two) = decided(made)
    assert two.tickets[0].ticket_id == one.tickets[0].ticket_id


def test_an_imported_form_is_heard_once() -> None:
    """Nobody waits for its answer."""
    _, (one, two) = decided([said(n, "", REPORT, sender=CITIZEN, channel="web") for n in (1, 2)])
    assert two.tickets[0].ticket_id == one.tickets[0].ticket_id


def test_whoever_has_the_query_code_adds_to_the_report() -> None:
    first = by("sms", 1, REPORT)
    token = ticket_tokens.make(f"210100-{first.message_id[:20]}", Policy())
    _, (one, two) = decided([first, by("web", 2, f"今晚又在排 {token}")])
    assert (two.method, two.tickets[0].ticket_id) == ("token_same_person", one.tickets[0].ticket_id)

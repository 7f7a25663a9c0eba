"""One text that hundreds send: each household is heard in a ticket of its own, all are one incident, none is slow."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from schemas.records import Message
from tests.tickets.build import START
from tests.tickets.said import decided, said, take, ticket_of
from tickets.desk import Desk
from tickets.likeness import Question
from tickets.sketch import Sketch

TEXT = "锦绣华庭二期停暖气五天了，物业说锅炉坏了没有钱修，老人孩子都冻病了，请市里派人来看一看"
HOUSEHOLDS, ONE = 300, "13811112222"
CHANNELS = ("record", "sms", "wechat", "weibo", "web", "mailbox", "phone")


def within_an_hour(number: int, text: str = TEXT, sender: str = "") -> Message:
    at = START + timedelta(seconds=12 * number)
    return replace(said(number, "", text, sender=sender), received_at=at, ingested_at=at)


def over_a_week(number: int) -> Message:
    at = START + timedelta(minutes=33 * number)
    message = said(number, "", TEXT, channel=CHANNELS[number % len(CHANNELS)])
    return replace(message, received_at=at, ingested_at=at)


def with_its_room(number: int) -> Message:
    return within_an_hour(number, f"{TEXT}。我家住{number // 60 + 1}-{number // 10 % 6 + 1}-{number % 10 + 1}01")


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how many tickets are compared with a message."""
    counted: Counter[str] = Counter()
    judge = Question.judge

    def counting(self: Question, other: Sketch) -> tuple[float, str, tuple[float, ...]] | None:
        counted["judged"] += 1
        return judge(self, other)

    monkeypatch.setattr(Question, "judge", counting)
    return counted


def clusters(desk: Desk) -> set[str]:
    return {desk.ticket(ticket_id).cluster_id for ticket_id in desk.state.tickets}


@pytest.mark.parametrize("letter", [within_an_hour, over_a_week])
def test_each_household_has_its_own_ticket_and_all_are_one_incident(
    letter: Callable[[int], Message], comparisons: Counter[str]
) -> None:
    desk, _ = decided([])
    work = []
    for number in range(HOUSEHOLDS):
        comparisons.clear()
        (decision,) = take(desk, [letter(number)])
        assert decision.relation == ("same_matter_other_person" if number else "new")
        assert ticket_of(desk, decision).message_count == 1
        work.append(comparisons["judged"])
    assert len(desk.state.tickets) == HOUSEHOLDS
    assert len(clusters(desk)) == 1
    assert max(work[150:]) <= max(work[50:150]) <= desk.state.policy.near.max_candidates + desk.state.policy.near.newest


def test_where_each_writes_its_own_room_below_all_are_heard_and_put_beside_each_other_for_a_clerk() -> None:
    """A form that is filled in may tell of as many things as there are forms: a clerk says whether it is one."""
    desk, decisions = decided([with_its_room(number) for number in range(60)])
    tickets = [ticket_of(desk, decision) for decision in decisions]
    assert len({ticket.ticket_id for ticket in tickets}) == 60
    assert all(ticket.proposals or ticket.edges for ticket in tickets[1:])


def test_one_household_that_sends_it_thirty_times_has_one_ticket_in_which_all_are(comparisons: Counter[str]) -> None:
    desk, _ = decided([within_an_hour(number) for number in range(40)])
    own = [within_an_hour(100 + number, sender=ONE) for number in range(30)]
    first, *more = take(desk, own)
    assert first.relation == "same_matter_other_person"
    assert {decision.relation for decision in more} == {"same_person_same_matter"}
    ticket = ticket_of(desk, first)
    assert {ticket_of(desk, decision).ticket_id for decision in more} == {ticket.ticket_id}
    assert (ticket.message_count, ticket.text) == (30, TEXT)
    assert set(desk.state.tickets[ticket.ticket_id].messages) == {one.message_id for one in own}
    assert len(clusters(desk)) == 1

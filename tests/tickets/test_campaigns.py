"""One text that hundreds send: each household is heard in a ticket of its own, all are one incident, none is slow."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from schemas.records import Message
from tests.tickets.build import START
from tests.tickets.said import decided, said, take, ticket_of
from tickets.dedupe.similarity import Question
from tickets.dedupe.sketch import Sketch
from tickets.processor import Desk

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


HOMES = ("。我家住{}-{}-{}", "。本人家住锦绣华庭{}号楼{}单元{}室", "。我是{}栋{}单元{}的业主", "\n{}号楼{}单元{}室")


@pytest.mark.parametrize("home", HOMES)
def test_where_each_writes_its_own_room_below_each_is_heard_and_all_are_one_incident(home: str) -> None:
    rooms = [(number // 60 + 1, number // 10 % 6 + 1, f"{number % 10 + 1}01") for number in range(HOUSEHOLDS)]
    letters = [within_an_hour(number, TEXT + home.format(*rooms[number])) for number in range(0, HOUSEHOLDS, 5)]
    desk, decisions = decided(letters)
    assert len({ticket_of(desk, decision).ticket_id for decision in decisions}) == len(letters)
    assert len(clusters(desk)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "锦绣华庭楼上装修噪音太大，每天从早吵到晚，孩子没法写作业，请市里派人来管一管",
        "锦绣华庭我家卫生间漏水到下面，物业一直拖着不管，天天来闹，请市里派人来看一看",
        "我家停电三天了，物业不管，请派人来修",
    ],
)
def test_what_happens_in_a_flat_is_another_matter_in_each(text: str) -> None:
    desk, _ = decided([within_an_hour(number, f"{text}。我家住{number}-2-501") for number in (1, 3, 5)])
    assert len(clusters(desk)) == 3


def test_so_is_what_a_room_is_complained_of_for() -> None:
    text = "锦绣华庭二期违法搭建很多，物业说管不了，消防通道都堵死了，请市里派人来看一看。封了通道的是{}号楼{}"
    desk, _ = decided([within_an_hour(number, text.format(number, number * 100 + 1)) for number in (3, 5)])
    assert len(clusters(desk)) == 2


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

"""Every word of a message that is filed in a ticket stands in its ticket, unless a redaction or an erasure took it.

A property over random sequences of call records, messages of other channels, orders of clerks and moves. Seeds are
fixed here; `make soak` takes others.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from normalizers.phone.draft import TRANSCRIPT_HEAD
from normalizers.text.fold import fold
from schemas.records import Command, Message, event
from tests.tickets.pieces import parts_of
from tests.tickets.records_of_calls import CITY, LAMP, START, Calls
from tests.tickets.said import said
from tickets.policy import TicketPolicy
from tickets.reducers import fold as fold_events

WORDS = (
    LAMP,
    f"{LAMP}，请尽快处理",
    f"{LAMP}！",
    "中山路12号门口的路灯坏了",
    "楼下烧烤摊油烟扰民，整夜不散",
    "来电人反映泰山路小区停水",
    "咨询敬老卡如何办理",
    "已办结",
    "谢谢",
    "还没解决",
)
PEOPLE = ("13800138000", "13900139000", "13700137000")
DAYS = ("2026-11-25T09:00:00+08:00", "2026-11-25T21:00:00+08:00", "2026-11-26T09:00:00+08:00")

CALL = st.fixed_dictionaries(
    {"call_id": st.sampled_from("ab"), "revision": st.integers(0, 2)},
    optional={
        "caller": st.sampled_from((*PEOPLE, "anonymous", "8001")),
        "subject": st.sampled_from(("路灯不亮", "停水")),
        "note": st.sampled_from(WORDS),
        "transcript": st.sampled_from(("市民：什么时候能修好", f"市民：{LAMP}", "市民：谢谢")),
        "ticket_no": st.sampled_from(("CC1", "CC2")),
        "recording": st.sampled_from(("1.wav", "2.wav")),
        "started_at": st.sampled_from(DAYS),
    },
)
LETTER = st.fixed_dictionaries(
    {"text": st.sampled_from(WORDS), "sender": st.sampled_from(PEOPLE)},
    optional={"title": st.sampled_from(("路灯不亮", "Re: 停水", "来信" * 60)), "thread_id": st.sampled_from("xy")},
)
SMS = st.tuples(st.sampled_from(WORDS), st.sampled_from(PEOPLE), st.sampled_from((20, 40)), st.randoms())
ORDER = st.tuples(
    st.sampled_from(("move", "move to", "merge", "unmerge", "part", "close", "redact", "forget")),
    st.integers(0, 50),
    st.integers(0, 50),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), CALL),
        st.tuples(st.just("call"), CALL),
        st.tuples(st.just("letter"), LETTER),
        st.tuples(st.just("sms"), SMS),
        st.tuples(st.just("order"), ORDER),
        st.tuples(st.just("pause"), st.sampled_from((1, 60, 900, 4000))),
    ),
    max_size=14,
)


class Hall:
    """A desk that hears of everything; `minutes` go by."""

    def __init__(self) -> None:
        self.calls = Calls()
        self.minutes = 0.0

    def play(self, steps: list[tuple[str, Any]]) -> None:
        for kind, what in steps:
            self.minutes += what if kind == "pause" else 1
            if kind == "call":
                self.calls.tell(self.minutes, **what)
            elif kind == "letter":
                self._now(said(len(self.calls.input) + 1, what.get("title", ""), **_without_title(what)))
            elif kind == "sms":
                text, sender, size, chance = what
                parts = parts_of(text, size, sender=sender, reference=len(self.calls.input) % 250, minutes=self.minutes)
                for part in chance.sample(parts, len(parts)):
                    self._now(part)
            elif kind == "order":
                self._order(*what)

    def _now(self, message: Message) -> None:
        at = START + timedelta(minutes=self.minutes)
        self.calls.take(replace(message, ingested_at=at, received_at=at))

    def _order(self, what: str, one: int, other: int) -> None:
        """Order something of the tickets and messages that there are; a refusal changes nothing."""
        tickets = list(self.calls.state.tickets)
        if not tickets:
            return
        ticket, second = (self.calls.state.tickets[tickets[number % len(tickets)]] for number in (one, other))
        filed = list(ticket.messages)
        message_id = filed[other % len(filed)] if filed else ""
        orders: dict[str, list[tuple[str, dict[str, Any]]]] = {
            "move": [("move", {"message_id": message_id, "to": None})],
            "move to": [("move", {"message_id": message_id, "to": second.ticket_id})],
            "part": [("unmerge", {"message_id": message_id})],
            "merge": [("merge", {"into": second.ticket_id})],
            "unmerge": [("unmerge", {"ticket_id": second.ticket_id})],
            "close": [
                ("set_status", {"status": stage}) for stage in ("registered", "answered", "resolved", "archived")
            ],
            "redact": [("redact", {"fields": ["text"]})],
            "forget": [("forget", {})],
        }
        for kind, args in orders[what]:
            self.calls.order(
                Command(
                    command_id=f"c{len(self.calls.input)}",
                    jurisdiction=CITY,
                    ticket_id=ticket.ticket_id,
                    kind=kind,
                    author="clerk/7",
                    at=START + timedelta(minutes=self.minutes),
                    reason="test",
                    args=args,
                )
            )

    def missing(self) -> Iterator[tuple[str, str, str]]:
        """Yield the tickets whose text lacks words of their messages, and what it says instead."""
        messages = {one.message_id: one for one in self.calls.messages}
        changes = [change for decision in self.calls.events for change in decision.changes]
        taken = {one.ticket_id for one in changes if isinstance(one, event.Erased | event.Redacted)}
        for ticket_id, held in self.calls.state.tickets.items():
            ticket = self.calls.desk.ticket(ticket_id)
            shown = _letters(f"{ticket.title}\n{ticket.text}")
            if ticket_id in taken:
                continue
            for words in (words for one in held.messages for words in _words(messages[one])):
                if _letters(words) not in shown:
                    yield ticket_id, words, ticket.text


def _without_title(told: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in told.items() if name != "title"}


def _words(message: Message) -> Iterator[str]:
    yield from re.split(rf"\n\n|{TRANSCRIPT_HEAD}\n|〔……〕", message.text)
    yield re.sub(r"^(Re: )", "", message.title or "")


def _letters(text: str) -> str:
    """Return what a text says without its signs: one that is equal but for them is a repeat."""
    return re.sub(r"[\W_]+", "", fold(text))


def check(steps: list[tuple[str, Any]]) -> None:
    hall = Hall()
    hall.play(steps)
    assert list(hall.missing()) == []
    links = [one for ticket in hall.calls.state.tickets.values() for one in ticket.messages]
    assert len(links) == len(set(links))
    folded = fold_events(hall.calls.events, TicketPolicy())
    assert folded.tickets == hall.calls.state.tickets
    assert (folded.calls.dump(), folded.threads.dump()) == (
        hall.calls.state.calls.dump(),
        hall.calls.state.threads.dump(),
    )


@given(STEPS)
@settings(max_examples=120, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_word_that_is_filed_stands_in_its_ticket(steps: list[tuple[str, Any]]) -> None:
    check(steps)


@pytest.mark.soak
@given(STEPS)
@settings(max_examples=5_000, derandomize=False, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_word_that_is_filed_stands_in_its_ticket_by_other_seeds(steps: list[tuple[str, Any]]) -> None:
    check(steps)

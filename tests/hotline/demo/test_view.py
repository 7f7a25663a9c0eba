"""The live picture fits its terminal, whatever comes: a taller one would scroll and flicker."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from hotline.cli import demo as cli
from hotline.dev.demo import view
from hotline.dev.demo.ledger import Ledger
from hotline.dev.demo.play import Result
from normalizers.base import DEMO_KEY, DEMO_KEY_ID, Policy
from normalizers.handover import handover
from normalizers.pipeline import normalize
from schemas import enums, topics
from schemas.codec import Position, encode
from schemas.records import Message, raw_message
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.records_out import link_of
from tickets.search import Hit
from tickets.state.state import State

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
LONG = "三楼着火了，有老人下不来，快来人！" * 20


def message(number: int, text: str) -> Message:
    raw = raw_message(
        channel="record", channel_kind="web", account="a", jurisdiction="210100", identifier=str(number),
        value=encode({"id": str(number), "text": f"{number} {text}"}), content_type="application/json",
        time=NOW, recorded=NOW + timedelta(seconds=number),
    )  # fmt: skip
    return normalize(raw, Policy(requester_keys={DEMO_KEY_ID: DEMO_KEY})).message


def ledger(count: int) -> Ledger:
    """So many tickets, each of them a long emergency."""
    found, desk = Ledger(), Desk(State(TicketPolicy()))
    for number in range(count):
        one = message(number, LONG)
        decision = desk.take(one, Position(topics.MESSAGE, 0, number))
        assert decision is not None
        link, told = link_of(decision), handover(one)
        assert link is not None
        assert link.ticket_id is not None
        assert told is not None
        found.links[one.message_id] = link
        found.tickets[link.ticket_id] = desk.ticket(link.ticket_id)
        found.handovers[told.handover_id] = told
    return found


def drawn(picture: RenderableType, width: int, height: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, height=height, force_terminal=True, color_system=None).print(picture)
    return out.getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 50), (100, 40), (140, 45), (200, 60)])
@pytest.mark.parametrize("tickets", [0, 1, 30])
@pytest.mark.parametrize("sent", [0, 1, 30])
def test_the_picture_fits_the_terminal(width: int, height: int, tickets: int, sent: int) -> None:
    notes = [
        f"📧 市长信箱  第{number}封 · letter {number}, and what is worth seeing about it" for number in range(sent)
    ]
    lines = drawn(view.stage(ledger(tickets), notes, height, width), width, height)
    assert len(lines) < height, "the cursor stands on a line of its own"
    assert max(map(cell_len, lines)) <= width


def test_every_relation_that_gives_a_ticket_has_its_words() -> None:
    by_commands = {"no_ticket", "moved", "command"}
    assert view.RELATIONS.keys() == enums.RELATIONS.keys() - by_commands


def test_a_ticket_number_is_never_cut() -> None:
    found = ledger(3)
    picture = "\n".join(drawn(view.stage(found, [], 24, 80), 80, 24))
    assert all(ticket.ticket_no in picture for ticket in found.tickets.values())


@pytest.mark.parametrize("width", [80, 140])
def test_a_match_is_seen_however_far_into_the_text_it_stands(width: int) -> None:
    snippet = "很长的开头" * 30 + "中山路12号" + "后面" * 30
    start = snippet.index("中山路")
    hit = Hit(
        ticket_id="t", ticket_no="210100-20261125-000001-9", status="received", channel="mailbox", received_at=NOW,
        snippet=snippet, marks=((start, start + 6),),
    )  # fmt: skip
    result = Result(totals=Ledger().totals(), indexed=0, hits={"中山路12号": [hit], "没有": []})
    lines = drawn(view.summary(result), width, 24)
    assert sum("210100-20261125-000001-9" in line and line.count("中山路") == 2 for line in lines) == 1


def test_the_sums_decide_the_verdict() -> None:
    result = Result(totals=Ledger().totals(), indexed=0, hits={})
    assert result.complete
    assert "✔" in "\n".join(drawn(view.summary(result), 100, 40))
    unequal = Result(totals=Ledger().totals(), indexed=1, hits={})
    assert "✘" in "\n".join(drawn(view.summary(unequal), 100, 40))


class StillPlay:
    """A performance of which nothing is seen but its ledger."""

    def __init__(self) -> None:
        self.ledger = ledger(1)

    def perform(self, tick: Callable[[str], None]) -> str:
        tick("one mail")
        return "over"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_follows_the_picture_begins_a_line(*, terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, height=40, force_terminal=terminal, color_system=None)
    assert cli._shown(StillPlay(), console, {"kafka": "4", "elasticsearch": "9"}) == "over"
    console.print("next")
    assert "next" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).splitlines()

"""The turn of the year: in China it comes eight hours before the one of the archive's months, which are UTC."""

from datetime import UTC, datetime, timedelta

from schemas.envelope import Envelope
from schemas.ids import SHANGHAI
from schemas.records import Event, Message
from sinks.elastic.bulk import month_of
from tests.rows import each_row
from tests.tickets.build import START, message, position
from tickets.model import ticket_state as held
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import fold
from tickets.state.state import State

POLICY = TicketPolicy()
CHINAS = datetime(2027, 1, 1, tzinfo=SHANGHAI)
"""The new year in China: the last day of December, four in the afternoon, by UTC."""

ARCHIVES = datetime(2027, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(time: datetime, number: int, text: str = "中山路12号门口的路灯坏了三天", **details: str) -> Message:
    return message(number, text, minutes=(time - START) / timedelta(minutes=1), **details)


def took(*messages: Message) -> tuple[Desk, list[Event]]:
    desk = Desk(State(POLICY))
    decisions = [desk.take(one, position(offset)) for offset, one in enumerate(messages)]
    return desk, [one for one in decisions if one is not None]


def matters() -> list[Message]:
    """Two matters of other people before each turn of the year, and two after it."""
    times = [turn + side for turn in (CHINAS, ARCHIVES) for side in (-SECOND, timedelta())]
    words = ("楼上漏水", "工地夜间施工扰民", "公交车不按站停靠", "小区停电两天")
    return [
        at(time, number, text, sender=f"1380013800{number}")
        for number, (time, text) in enumerate(zip(times, words, strict=True))
    ]


def test_numbers_begin_anew_with_the_year_of_china() -> None:
    desk, decisions = took(*matters())
    numbers = [desk.ticket(one.tickets[0].ticket_id).ticket_no.rsplit("-", 1)[0] for one in decisions]
    assert numbers == [
        "210100-20261231-000001",
        "210100-20270101-000001",
        "210100-20270101-000002",
        "210100-20270101-000003",
    ]


def test_who_reads_the_decisions_again_numbers_the_next_as_who_made_them() -> None:
    """As after a restart in the night, and as `hotline replay` does."""
    *before, last = matters()
    desk, decisions = took(*before)
    again = Desk(fold(decisions, POLICY))
    assert again.take(last, position(3)) == desk.take(last, position(3))


@each_row("turn", [CHINAS, ARCHIVES], ids=["China's", "the archive's"])
@each_row("side", [-SECOND, timedelta(), SECOND])
def test_the_month_that_a_ticket_notes_is_the_one_in_which_the_sink_put_the_message(
    turn: datetime, side: timedelta
) -> None:
    """By it the eraser finds the document, and so does a rebuild of that month."""
    time = turn + side
    written = Envelope(id="1", source="/hotline/mailbox/mayor", type="t", time=time, recordedtime=time).headers()
    assert held.month_of(time) == month_of(dict(written))
    assert held.month_of(time) == ("2027-01" if time >= ARCHIVES else "2026-12")


def test_a_citizen_who_writes_again_in_the_new_year_has_the_ticket_of_the_old_one() -> None:
    first = at(CHINAS - timedelta(hours=3), 1)
    desk, decisions = took(first, at(CHINAS + timedelta(hours=30), 2, "还没有人来修", answers=("210100-1",)))
    assert [one.relation for one in decisions] == ["new", "follow_up"]
    ticket = desk.ticket(decisions[0].tickets[0].ticket_id)
    assert (ticket.message_count, ticket.ticket_no[7:15]) == (2, "20261231")

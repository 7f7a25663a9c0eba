"""Deadlines of tickets: begun with them, begun again, chosen anew, and never over a clerk's word."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from schemas.codec import encode
from schemas.records import Message, Ticket, event
from schemas.records.ticket import Deadline
from tests.rows import each_row
from tests.tickets.build import START, message
from tests.tickets.commands.orders import Office, refusal
from tests.tickets.test_pauses import Counter, policy
from tickets.policy import TicketPolicy
from tickets.reducers import fold
from tickets.state.state import State

DONE = ("registered", "answered", "resolved")
POLICY = TicketPolicy()


def taken(*codes: str, city: str = "370100", channel: str = "mailbox", received: datetime = START) -> Message:
    made = message(0, jurisdiction=city, codes=codes, channel=channel)
    return replace(made, received_at=received, ingested_at=max(received, START))


class Hall(Office):
    """An office of one city, with a clock of its own; an order is an hour after the one before."""

    def __init__(self, *messages: Message) -> None:
        super().__init__(messages)
        self.city, self.now = messages[0].jurisdiction, messages[0].ingested_at

    def give(self, order: str, ticket: str, /, **fields: object) -> str | None:
        self.now += timedelta(hours=1)
        return refusal(self.order(order, ticket, city=self.city, at=self.now, **fields))

    def adds(self, *codes: str, minutes: float) -> None:
        """Take one more message of the person who opened the first ticket, as an answer to it."""
        answer = message(
            self._next(), f"补充{minutes}", jurisdiction=self.city, codes=codes, minutes=minutes,
            answers=(f"{self.city}-0",),
        )  # fmt: skip
        self.take(answer)
        self.now = answer.ingested_at

    def log_gives_the_same(self) -> bool:
        again: State = fold(self.decisions, POLICY)
        return all(encode(ticket) == encode(self.desk.state.tickets[name]) for name, ticket in again.tickets.items())


def at_office(*messages: Message) -> tuple[Hall, str]:
    hall = Hall(*messages)
    return hall, hall.tickets[0]


def dues(ticket: Ticket) -> dict[str, tuple[str, str]]:
    assert isinstance(ticket.deadlines, Sequence)
    return {one.clock: (one.policy_id, one.due_at.astimezone(UTC).strftime("%m-%d %H:%M")) for one in ticket.deadlines}


def of(ticket: Ticket, clock: str = "resolve") -> Deadline:
    assert isinstance(ticket.deadlines, Sequence)
    return next(one for one in ticket.deadlines if one.clock == clock)


@each_row(
    ("codes", "city", "expected"),
    [
        ((), "210100", {"accept": ("national.accept.mailbox", "11-26 01:00")}),
        (
            ("request_kind.complaint",),
            "440100",
            {
                "accept": ("guangdong.accept.mailbox", "11-26 01:00"),
                "resolve": ("guangdong.resolve.complaint", "12-15 15:59"),
            },
        ),
        *(
            (
                codes,
                "440100",
                {
                    "accept": ("guangdong.accept.mailbox", "11-26 01:00"),
                    "resolve": ("guangdong.resolve.unknown", "11-26 15:59"),
                },
            )
            for codes in ((), ("request_kind.unknown",), ("request_kind.other",))
        ),
        (("request_kind.praise",), "440100", {"accept": ("guangdong.accept.mailbox", "11-26 01:00")}),
        (
            ("emergency.fire", "emergency_level.critical"),
            "110000",
            {"accept": ("beijing.accept", "11-25 03:00"), "resolve": ("beijing.resolve.danger", "11-25 03:00")},
        ),
        (
            ("category.construction.utilities",),
            "110000",
            {"accept": ("beijing.accept", "11-25 03:00"), "resolve": ("beijing.resolve.utilities", "11-26 01:00")},
        ),
        (
            ("emergency.fire", "emergency_level.mentioned"),
            "110000",
            {"accept": ("beijing.accept", "11-25 03:00"), "resolve": ("beijing.resolve", "12-02 15:59")},
        ),
    ],
)
def test_a_ticket_begins_with_the_limits_of_its_place(
    codes: tuple[str, ...], city: str, expected: dict[str, tuple[str, str]]
) -> None:
    hall, ticket = at_office(taken(*codes, city=city))
    assert dues(hall.ticket(ticket)) == expected


def test_limits_count_from_when_the_citizen_wrote_not_from_when_we_could_read_it() -> None:
    hall, ticket = at_office(taken(received=START - timedelta(hours=20)))
    assert dues(hall.ticket(ticket))["accept"] == ("shandong.accept.mailbox", "11-25 05:00")


def test_a_message_from_the_future_starts_no_clock_there() -> None:
    early = replace(taken(), received_at=START + timedelta(days=9))
    hall, ticket = at_office(early)
    assert dues(hall.ticket(ticket))["accept"] == ("shandong.accept.mailbox", "11-26 01:00")


def test_a_reopened_ticket_is_to_be_resolved_anew_and_accepted_no_second_time() -> None:
    hall, ticket = at_office(taken())
    before = dues(hall.ticket(ticket))
    for stage in DONE:
        assert hall.give("set_status", ticket, status=stage) is None
    hall.now = START + timedelta(days=20)
    assert hall.give("set_status", ticket, status="reopened") is None
    after = hall.ticket(ticket)
    assert dues(after)["accept"] == before["accept"]
    assert dues(after)["resolve"] == ("shandong.resolve", "12-22 15:59")
    assert of(after).extended_from is None


def test_what_a_clerk_set_is_not_begun_anew() -> None:
    hall, ticket = at_office(taken())
    by_hand = START + timedelta(days=3)
    hall.give("set_deadline", ticket, clock="resolve", due_at=by_hand.isoformat())
    for stage in (*DONE, "reopened"):
        hall.give("set_status", ticket, status=stage)
    hall.give("reclassify", ticket, kind="praise")
    assert of(hall.ticket(ticket)).due_at == by_hand


def closed(hall: Hall, ticket: str) -> None:
    for stage in DONE:
        assert hall.give("set_status", ticket, status=stage) is None


def test_a_time_by_hand_that_has_passed_gives_way_when_a_ticket_is_reopened() -> None:
    hall, ticket = at_office(taken())
    hall.give("set_deadline", ticket, clock="resolve", due_at=(START + timedelta(days=3)).isoformat())
    closed(hall, ticket)
    hall.adds(minutes=20 * 24 * 60)
    assert hall.ticket(ticket).status == "reopened"
    assert dues(hall.ticket(ticket))["resolve"] == ("shandong.resolve", "12-22 15:59")
    assert of(hall.ticket(ticket)).extended_from is None
    assert hall.desk.state.tickets[ticket].by_clerk == ()
    assert hall.log_gives_the_same()


def test_a_time_by_hand_that_has_passed_ends_where_no_limit_takes_its_place() -> None:
    hall, ticket = at_office(taken(city="210100"))
    hall.give("set_deadline", ticket, clock="resolve", due_at=(START + timedelta(days=3)).isoformat())
    closed(hall, ticket)
    hall.adds(minutes=20 * 24 * 60)
    assert dues(hall.ticket(ticket)).keys() == {"accept"}
    assert hall.log_gives_the_same()


def test_a_limit_that_a_clerk_chose_starts_again_with_a_reopening_and_is_still_the_clerk_s() -> None:
    hall, ticket = at_office(taken(city="110000"))
    hall.give("set_deadline", ticket, clock="resolve", policy_id="beijing.resolve.complex")
    closed(hall, ticket)
    hall.adds(minutes=20 * 24 * 60)
    assert dues(hall.ticket(ticket))["resolve"] == ("beijing.resolve.complex", "12-30 15:59")
    hall.give("reclassify", ticket, category="construction.utilities")
    assert dues(hall.ticket(ticket))["resolve"][0] == "beijing.resolve.complex"
    assert hall.log_gives_the_same()


def test_a_danger_that_reopens_a_ticket_hastens_what_took_the_place_of_a_time_by_hand() -> None:
    hall, ticket = at_office(taken(city="110000"))
    hall.give("set_deadline", ticket, clock="resolve", due_at=(START + timedelta(days=3)).isoformat())
    closed(hall, ticket)
    hall.adds("emergency.fire", "emergency_level.critical", minutes=20 * 24 * 60)
    assert dues(hall.ticket(ticket))["resolve"] == ("beijing.resolve.danger", "12-15 03:00")


def test_a_reopened_ticket_counts_from_when_the_citizen_wrote_but_not_from_before_it_was_closed() -> None:
    """Written on the eve of 国庆 a minute before midnight, taken in after it."""
    opened = datetime(2026, 9, 28, 1, tzinfo=UTC)
    for closing, written, due in (
        ("2026-09-29T01:00Z", "2026-09-30T15:59Z", "10-08 15:59"),
        ("2026-10-01T01:00Z", "2026-09-30T15:59Z", "10-09 15:59"),
    ):
        first = replace(taken("request_kind.consultation", city="440100"), received_at=opened, ingested_at=opened)
        hall, ticket = at_office(first)
        for minutes, stage in enumerate(DONE):
            at = datetime.fromisoformat(closing) + timedelta(minutes=minutes - 2)
            assert refusal(hall.order("set_status", ticket, city="440100", at=at, status=stage)) is None
        late = message(9, "还是没有答复", jurisdiction="440100", answers=("440100-0",))
        received, ingested = datetime.fromisoformat(written), datetime(2026, 10, 1, 2, tzinfo=UTC)
        hall.take(replace(late, received_at=received, ingested_at=ingested))
        assert hall.ticket(ticket).status == "reopened"
        assert dues(hall.ticket(ticket))["resolve"] == ("guangdong.resolve.consultation", due)


def test_a_limit_that_a_clerk_chooses_counts_from_the_receipt_and_after_a_reopening_from_that() -> None:
    hall, ticket = at_office(taken(city="440100", received=START - timedelta(days=2)))
    hall.give("set_deadline", ticket, clock="resolve", policy_id="guangdong.resolve.help")
    assert dues(hall.ticket(ticket))["resolve"] == ("guangdong.resolve.help", "12-04 15:59")
    hall, ticket = at_office(taken(city="440100"))
    closed(hall, ticket)
    hall.adds(minutes=60 * 24 * 60)
    hall.give("set_deadline", ticket, clock="resolve", policy_id="guangdong.resolve.help")
    assert dues(hall.ticket(ticket))["resolve"] == ("guangdong.resolve.help", "02-05 15:59")


def test_an_office_may_give_back_for_as_long_after_it_got_the_ticket_as_any_other() -> None:
    hall, ticket = at_office(taken())
    hall.give("set_status", ticket, status="registered")
    hall.now = START + timedelta(days=5)
    assert hall.give("dispatch", ticket, organizer="a") is None
    hall.give("set_status", ticket, status="signed")
    assert hall.give("set_deadline", ticket, clock="return", policy_id="shandong.return") is None
    assert dues(hall.ticket(ticket))["return"] == ("shandong.return", "12-02 15:59")
    hall.give("return_dispatch", ticket, reason_code="not_responsible")
    hall.now = START + timedelta(days=9)
    assert hall.give("dispatch", ticket, organizer="b") is None
    assert dues(hall.ticket(ticket))["return"] == ("shandong.return", "12-08 15:59")
    assert of(hall.ticket(ticket), "return").extended_from is None
    assert hall.log_gives_the_same()


@pytest.mark.parametrize("policy_id", ["shandong.resolve", "beijing.resolve"])
def test_a_limit_of_another_place_is_refused(policy_id: str) -> None:
    hall, ticket = at_office(taken(city="440100"))
    assert hall.give("set_deadline", ticket, clock="resolve", policy_id=policy_id) == "arguments"


@pytest.mark.parametrize("policy_id", ["beijing.resolve.complex", "shandong.accept"])
def test_a_limit_of_another_place_or_clock_is_no_basis_of_a_time_by_hand(policy_id: str) -> None:
    """Else a ticket of Jinan that is reopened had Beijing's fifteen days."""
    hall, ticket = at_office(taken())
    order = {"clock": "resolve", "due_at": (START + timedelta(days=2)).isoformat()}
    assert hall.give("set_deadline", ticket, **order, policy_id=policy_id) == "arguments"
    for basis in ("shandong.resolve", "jinan-2026-7"):
        assert hall.give("set_deadline", ticket, **order, policy_id=basis) is None
        assert dues(hall.ticket(ticket))["resolve"] == (basis, "11-27 01:00")


@each_row("policy_id", ["zhangwei", "Zhang.Wei", "02487654321", "87654321", "somebody"])
def test_a_basis_of_a_time_by_hand_is_one_of_our_limits_or_a_number_and_nobody_s_name(policy_id: str) -> None:
    """It stands in masked tickets, and for years in the event log."""
    hall, ticket = at_office(taken())
    order = {"clock": "resolve", "due_at": (START + timedelta(days=2)).isoformat()}
    assert hall.give("set_deadline", ticket, **order, policy_id=policy_id) == "arguments"


def test_a_limit_that_was_not_in_force_is_refused() -> None:
    hall, ticket = at_office(taken(city="440100", received=datetime(2022, 8, 30, tzinfo=UTC)))
    assert hall.give("set_deadline", ticket, clock="resolve", policy_id="guangdong.resolve.help") == "arguments"


def test_a_kind_that_a_clerk_gives_chooses_the_limit_from_the_first_day() -> None:
    hall, ticket = at_office(taken("request_kind.complaint", city="440100"))
    hall.now = START + timedelta(days=5)
    hall.give("reclassify", ticket, kind="consultation")
    assert dues(hall.ticket(ticket))["resolve"] == ("guangdong.resolve.consultation", "11-26 15:59")
    assert dues(hall.ticket(ticket))["accept"][0] == "guangdong.accept.mailbox"


@pytest.mark.parametrize("codes", [("request_kind.help_request",), ()])
def test_a_kind_that_is_given_after_a_reopening_counts_from_it(codes: tuple[str, ...]) -> None:
    hall, ticket = at_office(taken(*codes, city="440100"))
    for stage in DONE:
        hall.give("set_status", ticket, status=stage)
    hall.now = START + timedelta(days=60)
    hall.give("set_status", ticket, status="reopened")
    hall.now += timedelta(days=1)
    hall.give("reclassify", ticket, kind="complaint")
    assert dues(hall.ticket(ticket))["resolve"] == ("guangdong.resolve.complaint", "02-12 15:59")
    assert dues(hall.ticket(ticket))["accept"] == ("guangdong.accept.mailbox", "11-26 01:00")


def test_a_kind_without_a_limit_ends_the_clock_of_the_kind_before() -> None:
    hall, ticket = at_office(taken("request_kind.consultation", city="440100"))
    hall.give("reclassify", ticket, kind="praise")
    assert dues(hall.ticket(ticket)) == {"accept": ("guangdong.accept.mailbox", "11-26 01:00")}
    assert list(hall.desk.state.tickets[ticket].clocks) == ["accept"]
    hall.give("reclassify", ticket, kind="consultation")
    assert dues(hall.ticket(ticket))["resolve"] == ("guangdong.resolve.consultation", "11-26 15:59")
    assert hall.log_gives_the_same()


def test_a_kind_without_a_limit_leaves_what_a_clerk_set() -> None:
    hall, ticket = at_office(taken("request_kind.consultation", city="440100"))
    hall.give("set_deadline", ticket, clock="resolve", due_at=(START + timedelta(days=9)).isoformat())
    hall.give("reclassify", ticket, kind="praise")
    assert dues(hall.ticket(ticket))["resolve"] == ("clerk", "12-04 01:00")


def test_a_danger_that_is_told_later_hastens_the_clock() -> None:
    hall, ticket = at_office(taken("category.construction.utilities", city="110000"))
    hall.adds("emergency.utility_danger", "emergency_level.critical", minutes=60)
    assert dues(hall.ticket(ticket))["resolve"] == ("beijing.resolve.danger", "11-25 04:00")
    assert dues(hall.ticket(ticket))["accept"] == ("beijing.accept", "11-25 03:00")
    hall.adds("emergency.fire", "emergency_level.critical", minutes=120)
    assert dues(hall.ticket(ticket))["resolve"] == ("beijing.resolve.danger", "11-25 04:00")
    assert hall.log_gives_the_same()


def test_a_danger_in_the_message_that_reopens_a_ticket_counts_from_it() -> None:
    hall, ticket = at_office(taken("category.construction.utilities", city="110000"))
    for stage in DONE:
        hall.give("set_status", ticket, status=stage)
    hall.adds("emergency.utility_danger", "emergency_level.critical", minutes=20 * 24 * 60)
    assert hall.ticket(ticket).status == "reopened"
    assert dues(hall.ticket(ticket))["resolve"] == ("beijing.resolve.danger", "12-15 03:00")


def test_what_was_of_no_kind_keeps_its_limit_until_a_clerk_says_the_kind() -> None:
    hall, ticket = at_office(taken(city="440100"))
    hall.adds("request_kind.complaint", minutes=24 * 60)
    assert hall.ticket(ticket).message_count == 2
    assert dues(hall.ticket(ticket))["resolve"] == ("guangdong.resolve.unknown", "11-26 15:59")
    assert hall.give("reclassify", ticket, kind="complaint") is None
    assert dues(hall.ticket(ticket))["resolve"] == ("guangdong.resolve.complaint", "12-15 15:59")
    assert hall.give("reclassify", ticket, kind="unknown") is None
    assert dues(hall.ticket(ticket))["resolve"] == ("guangdong.resolve.unknown", "11-26 15:59")
    assert hall.give("reclassify", ticket, kind="praise") is None
    assert "resolve" not in dues(hall.ticket(ticket))
    assert hall.log_gives_the_same()


def test_a_kind_that_a_later_message_tells_starts_the_clock_that_waited_for_it() -> None:
    counter = Counter(policy(kinds=["complaint"], amount=15))
    assert counter.desk.ticket(counter.number).deadlines is UNSET
    answer = message(
        1, "还有", jurisdiction="990100", codes=("request_kind.complaint",), answers=("990100-0",), minutes=0
    )
    later = datetime(2026, 11, 3, 1, tzinfo=UTC)
    counter.take(replace(answer, received_at=later, ingested_at=later))
    assert counter.due() == "11-24 23:59"


def test_what_a_message_tells_grants_no_time_and_moves_no_time_by_hand() -> None:
    hall, ticket = at_office(taken("emergency.fire", "emergency_level.critical", city="110000"))
    hall.adds("category.construction.utilities", minutes=60)
    assert dues(hall.ticket(ticket))["resolve"] == ("beijing.resolve.danger", "11-25 03:00")
    hall, ticket = at_office(taken(city="110000"))
    by_hand = START + timedelta(days=3)
    hall.give("set_deadline", ticket, clock="resolve", due_at=by_hand.isoformat())
    hall.adds("emergency.fire", "emergency_level.critical", minutes=60)
    assert of(hall.ticket(ticket)).due_at == by_hand


def test_a_message_that_a_clerk_moves_hastens_the_clock_of_its_new_ticket() -> None:
    hall, ticket = at_office(taken(city="110000"))
    hall.adds("emergency.fire", "emergency_level.critical", minutes=60)
    grave = hall.input[-1]
    assert isinstance(grave, Message)
    own = message(9, "水管一直漏水", sender="13700137000", jurisdiction="110000")
    other = hall.take(own).tickets[0].ticket_id
    assert dues(hall.ticket(other))["resolve"][0] == "beijing.resolve"
    assert hall.give("move", ticket, message_id=grave.message_id, to=other) is None
    assert dues(hall.ticket(other))["resolve"] == ("beijing.resolve.danger", "11-25 04:00")


TOLD = st.sampled_from(
    [
        ("request_kind.consultation",),
        ("request_kind.complaint", "category.construction.utilities"),
        ("category.construction.utilities",),
        ("emergency.fire", "emergency_level.critical"),
        (),
    ]
)


@given(st.sampled_from(["110000", "440100", "370100"]), st.lists(TOLD, min_size=1, max_size=5))
@settings(max_examples=60)
def test_whatever_is_told_no_clock_gets_later_and_the_log_gives_the_same(
    city: str, said: list[tuple[str, ...]]
) -> None:
    hall, ticket = at_office(taken(*said[0], city=city))
    for number, codes in enumerate(said[1:], 1):
        before = hall.ticket(ticket).deadlines
        assert isinstance(before, Sequence)
        hall.adds(*codes, minutes=number * 60)
        after = hall.ticket(ticket)
        assert all(of(after, one.clock).due_at <= one.due_at for one in before)
    assert hall.log_gives_the_same()


def test_an_extension_is_granted_as_far_as_the_limit_allows() -> None:
    hall, ticket = at_office(taken())
    before = of(hall.ticket(ticket)).due_at
    assert hall.give("set_deadline", ticket, clock="resolve", extend=10) is None
    after = of(hall.ticket(ticket))
    assert (after.extended_from, after.due_at.date().isoformat()) == (before, "2026-12-16")
    assert hall.give("set_deadline", ticket, clock="resolve", extend=1) == "too_long"


@pytest.mark.parametrize("order", [{"extend": 2}, {"due_at": (START + timedelta(days=9)).isoformat()}])
def test_more_time_that_has_passed_is_none(order: dict[str, object]) -> None:
    """It ran out after 5 working days; who asks in time, or for a time to come, gets it."""
    hall, ticket = at_office(taken())
    hall.now = START + timedelta(days=30)
    before = hall.ticket(ticket)
    assert hall.give("set_deadline", ticket, clock="resolve", **order) == "too_late"
    assert hall.ticket(ticket) == before
    assert hall.give("set_deadline", ticket, clock="resolve", due_at=(hall.now + timedelta(days=3)).isoformat()) is None
    hall, ticket = at_office(taken())
    assert hall.give("set_deadline", ticket, clock="resolve", **order) is None


@pytest.mark.parametrize("order", [{"extend": 10}, {"due_at": (START + timedelta(days=99)).isoformat()}])
def test_what_was_closed_too_late_is_not_in_time_afterwards(order: dict[str, object]) -> None:
    hall, ticket = at_office(taken())
    hall.now = START + timedelta(days=12)
    for stage in DONE:
        assert hall.give("set_status", ticket, status=stage) is None
    before = hall.ticket(ticket)
    assert before.closed_at is not None
    assert before.closed_at > of(before).due_at
    assert hall.give("set_deadline", ticket, clock="resolve", **order) == "no_deadline"
    assert hall.ticket(ticket) == before


def test_a_longer_limit_is_chosen_while_it_helps() -> None:
    order = {"clock": "resolve", "policy_id": "beijing.resolve.complex"}
    for days, code in ((14, None), (15, "too_late")):
        hall, ticket = at_office(taken(city="110000"))
        hall.now = START + timedelta(days=days, hours=14)
        assert hall.give("set_deadline", ticket, **order) == code
    hall, ticket = at_office(taken(city="110000"))
    for stage in DONE:
        hall.give("set_status", ticket, status=stage)
    assert hall.give("set_deadline", ticket, **order) == "no_deadline"


def test_an_extension_outlasts_a_new_reckoning_and_is_no_clerk_s_own_time() -> None:
    hall, ticket = at_office(taken())
    before = of(hall.ticket(ticket)).due_at
    hall.give("set_deadline", ticket, clock="resolve", extend=3)
    hall.give("set_deadline", ticket, clock="resolve", extend=2)
    assert dues(hall.ticket(ticket))["resolve"] == ("shandong.resolve", "12-09 15:59")
    assert hall.give("set_deadline", ticket, clock="resolve", recompute=True) is None
    after = of(hall.ticket(ticket))
    assert dues(hall.ticket(ticket))["resolve"] == ("shandong.resolve", "12-09 15:59")
    assert after.extended_from is not None
    assert before < after.extended_from < after.due_at
    assert hall.give("set_deadline", ticket, clock="resolve", extend=6) == "too_long"
    assert hall.desk.state.tickets[ticket].clocks["resolve"].extension == 5
    assert hall.desk.state.tickets[ticket].by_clerk == ()


def test_a_reopened_ticket_has_the_limit_without_its_extension() -> None:
    hall, ticket = at_office(taken())
    hall.give("set_deadline", ticket, clock="resolve", extend=5)
    for stage in DONE:
        hall.give("set_status", ticket, status=stage)
    hall.now = START + timedelta(days=20)
    hall.give("set_status", ticket, status="reopened")
    assert dues(hall.ticket(ticket))["resolve"] == ("shandong.resolve", "12-22 15:59")
    assert of(hall.ticket(ticket)).extended_from is None
    assert hall.desk.state.tickets[ticket].clocks["resolve"].extension == 0


def test_an_extension_of_an_older_log_is_still_a_time_by_hand() -> None:
    hall, ticket = at_office(taken())
    extended = hall.order("set_deadline", ticket, clock="resolve", extend=5, city=hall.city)
    (change,) = extended.changes
    assert isinstance(change, event.DeadlineSet)
    older = replace(extended, changes=(replace(change, extension=0),))
    assert fold([hall.decisions[0], older], POLICY).tickets[ticket].by_clerk == ("deadline.resolve",)


def test_a_clerk_chooses_another_limit_by_its_name() -> None:
    hall, ticket = at_office(taken(city="110000"))
    hall.now = START + timedelta(days=1)
    order = {"clock": "resolve", "policy_id": "beijing.resolve.complex"}
    assert hall.give("set_deadline", ticket, **order) is None
    assert dues(hall.ticket(ticket))["resolve"] == ("beijing.resolve.complex", "12-10 15:59")


@each_row(
    ("arguments", "code"),
    [
        ({"clock": "resolve"}, "arguments"),
        ({"clock": "resolve", "extend": 1, "recompute": True}, "arguments"),
        ({"clock": "resolve", "policy_id": "moon"}, "arguments"),
        ({"clock": "sign", "policy_id": "shandong.resolve"}, "arguments"),
        ({"clock": "sign", "extend": 1}, "no_deadline"),
        ({"clock": "resolve", "extend": 0}, "too_long"),
    ],
)
def test_an_order_that_makes_no_deadline_is_refused(arguments: dict[str, object], code: str) -> None:
    hall, ticket = at_office(taken())
    before = hall.ticket(ticket)
    assert hall.give("set_deadline", ticket, **arguments) == code
    assert hall.ticket(ticket) == before


def test_a_grown_calendar_is_reckoned_with_by_command_and_is_no_clerks_word() -> None:
    late = datetime(2026, 12, 29, 1, tzinfo=UTC)
    hall, ticket = at_office(taken(received=late))
    assert of(hall.ticket(ticket)).provisional
    hall.now = late + timedelta(days=1)
    assert hall.give("set_deadline", ticket, clock="resolve", recompute=True) is None
    assert "deadline.resolve" not in hall.desk.state.tickets[ticket].by_clerk


def test_the_log_alone_knows_every_clock() -> None:
    hall, ticket = at_office(taken("request_kind.complaint", city="440100"))
    hall.give("set_deadline", ticket, clock="sign", due_at=START.isoformat())
    hall.give("reclassify", ticket, kind="report", category="construction.housing")
    again: State = fold(hall.decisions, POLICY)
    assert encode(again.tickets[ticket]) == encode(hall.desk.state.tickets[ticket])

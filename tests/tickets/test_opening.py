"""What follows for a new ticket is remembered by the codes of its message: of each the same, under its own name."""

from msgspec.structs import replace

from schemas.records import event
from tests.rows import each_row
from tests.tickets.build import CITY, message
from tests.tickets.said import decided
from tickets.opening import only_opened
from tickets.policy import TicketPolicy
from tickets.routing.directory import directories

OPENED = event.Opened(ticket_id="t", ticket_no="n", day="20261125", sequence=1, message_id="m")
FILED = event.MessageFiled(ticket_id="t", message_id="m")
MOVED = event.Moved(message_id="m", from_ticket_id="s", to_ticket_id="t", link_version=2)
CODES = ("request_kind.report", "confidentiality.report", "minor.subject", "minor_harmed.told", "emergency.fire")


@each_row(
    ("changes", "expected"),
    [
        ((), None),
        ((OPENED,), None),
        ((FILED,), None),
        ((FILED, OPENED), None),
        ((OPENED, FILED), "t"),
        ((OPENED, FILED, event.EdgeAdded(ticket_id="t", other_id="s", kind="cluster", score=1.0)), "t"),
        ((OPENED, FILED, event.Reopened(ticket_id="t")), None),
        ((OPENED, FILED, event.StatusSet(ticket_id="t", status="screened")), None),
        ((OPENED, MOVED), None),
    ],
)
def test_a_decision_only_opens_a_ticket_when_it_does_nothing_else_to_one(
    changes: event.Changes, expected: str | None
) -> None:
    assert only_opened(changes) == expected


def test_two_tickets_with_the_same_codes_are_each_told_what_follows_for_it() -> None:
    texts = "中山路12号门口的路灯坏了三天", "学校食堂的饭菜里有虫子"
    made = [message(number, text, sender=f"1380000000{number}", codes=CODES) for number, text in enumerate(texts)]
    _, (first, second) = decided(made)
    assert first.tickets[0].ticket_id != second.tickets[0].ticket_id
    kinds = {type(change) for change in first.changes}
    assert kinds > {event.Opened, event.MessageFiled, event.HandedOver, event.ConfidentialitySet, event.MinorFlagged}
    assert kinds > {event.DispatchProposed, event.DeadlineSet}
    for decision in (first, second):
        assert {getattr(change, "ticket_id", None) for change in decision.changes} == {decision.tickets[0].ticket_id}
    others = {event.Opened, event.MessageFiled, event.HandedOver, event.DeadlineSet}
    alike = [
        [replace(one, ticket_id="") for one in made.changes if type(one) not in others] for made in (first, second)
    ]
    assert alike[0] == alike[1] != []


def test_the_same_codes_in_another_city_follow_its_own_directory() -> None:
    one, other = (
        {
            "id": office,
            "name": office,
            "version": "1",
            "adcodes": [city],
            "offices": {office: office},
            "rules": [],
            "fallback": [office],
        }
        for office, city in (("a", CITY), ("b", "110000"))
    )
    policy = TicketPolicy(directories=directories({"one": one, "other": other}))
    cities = (CITY, "110000", "310000", CITY)
    _, decisions = decided([message(at, codes=CODES, jurisdiction=city) for at, city in enumerate(cities)], policy)
    offices = [
        [change.organizer for change in decision.changes if isinstance(change, event.DispatchProposed)]
        for decision in decisions
    ]
    assert offices[:3] == [["a"], ["b"], []]

"""Whatever is ordered in whatever sequence: versions, edges, clusters and the fold stay right."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.codec import decode
from schemas.records import Ticket
from schemas.records.event import Erased
from tests.tickets.build import CITY, message
from tests.tickets.commands.orders import POLICY, Office
from tickets.commands import COMMANDS
from tickets.lifecycle import STATUSES
from tickets.reducers import fold
from tickets.state.state import State

TICKETS = 5
INDEX = st.integers(0, TICKETS - 1)

ORDERS = st.one_of(
    st.tuples(st.just("set_status"), INDEX, st.fixed_dictionaries({"status": st.sampled_from(sorted(STATUSES))})),
    st.tuples(st.just("merge"), INDEX, st.fixed_dictionaries({"into": INDEX})),
    st.tuples(st.just("unmerge"), INDEX, st.fixed_dictionaries({"ticket_id": INDEX})),
    st.tuples(st.just("reclassify"), INDEX, st.just({"kind": "praise"})),
    st.tuples(st.just("dispatch"), INDEX, st.just({"organizer": "a"})),
    st.tuples(st.just("message"), INDEX, st.just({})),
    st.tuples(st.just("move"), INDEX, st.fixed_dictionaries({"to": INDEX})),
    st.tuples(st.just("move"), INDEX, st.just({})),
    st.tuples(st.just("redact"), INDEX, st.just({"fields": ["text"]})),
    st.tuples(st.just("forget"), INDEX, st.just({})),
)


def taken(orders: list[tuple[str, int, dict[str, Any]]]) -> tuple[Office, dict[str, list[Ticket]]]:
    """Return the office after the orders, and every snapshot it wrote, by ticket."""
    office, written = Office(), dict[str, list[Ticket]]()
    names: list[str] = []

    def note() -> None:
        for record in office.desk.flush():
            if record.topic == "hotline.ticket.v1":
                ticket = decode(record.value, Ticket)
                written.setdefault(ticket.ticket_id, []).append(ticket)

    for number in range(TICKETS):
        names.append(office.take(message(number, f"第{number}件", sender=f"1380013800{number}")).tickets[0].ticket_id)
        note()
    for count, (kind, at, args) in enumerate(orders, 100):
        if kind == "message":
            office.take(message(count, f"补充{count}", sender=f"1380013800{at}", answers=(f"{CITY}-{at}",)))
        else:
            given = {key: names[value] if isinstance(value, int) else value for key, value in args.items()}
            if kind == "move":
                given["message_id"] = [*office.desk.state.tickets[names[at]].messages][-1]
            office.order(kind, names[at], **given)
        note()
    return office, written


@given(st.lists(ORDERS, max_size=25))
@settings(max_examples=120)
def test_any_sequence_of_orders_keeps_the_tickets_whole(orders: list[tuple[str, int, dict[str, Any]]]) -> None:
    office, written = taken(orders)
    state = office.desk.state
    newest = {ticket_id: versions[-1] for ticket_id, versions in written.items()}
    for ticket_id, versions in written.items():
        assert [one.version for one in versions] == list(range(1, len(versions) + 1))
        assert state.tickets[ticket_id].version == versions[-1].version
        assert state.tickets[ticket_id].status == versions[-1].status
        assert (versions[-1].closed_at is None) == (state.tickets[ticket_id].closed_at is None)
        assert versions[-1].edges == state.tickets[ticket_id].edges
    for ticket_id, ticket in newest.items():
        for edge in ticket.edges:
            assert ticket_id in {one.ticket_id for one in newest[edge.ticket_id].edges}
        assert ticket.cluster_id == min(reachable(newest, ticket_id), key=list(written).index)
    for ticket_id in {
        change.ticket_id for one in office.decisions for change in one.changes if isinstance(change, Erased)
    }:
        assert newest[ticket_id].erased
        assert newest[ticket_id].text == newest[ticket_id].search_text == ""
        assert not state.tickets[ticket_id].requesters
    filed = [one for ticket in state.tickets.values() for one in ticket.messages]
    assert len(filed) == len(set(filed)) == sum(ticket.message_count for ticket in newest.values())
    rebuilt = fold(office.decisions, POLICY)
    assert replace(rebuilt.dump(), bodies={}) == replace(state.dump(), bodies={})
    restored = State(POLICY, state.dump())
    assert restored.dump() == state.dump()
    for one in (rebuilt, restored):
        assert [*map(one.clusters.of, written)] == [*map(state.clusters.of, written)]
        assert [list(one.clusters.members(name)) for name in written] == [
            list(state.clusters.members(name)) for name in written
        ]


def reachable(tickets: dict[str, Ticket], start: str) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        more = {edge.ticket_id for edge in tickets[waiting.pop()].edges} - found
        found |= more
        waiting += more
    return found


def test_every_kind_of_order_is_known() -> None:
    from schemas.records.command import KINDS

    assert set(COMMANDS) == set(KINDS)

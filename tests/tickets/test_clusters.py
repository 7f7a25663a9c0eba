"""Clusters are the connected components of the edges, and every ticket that one changes is written again."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import decode
from schemas.records import Event, InputRef, Ticket, event
from tests.tickets.build import CITY, START, message, position
from tickets.dedupe import clusters
from tickets.dedupe.clusters import CONNECTING, ClusterIndex
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import apply
from tickets.state.state import State

POLICY = TicketPolicy()
NAMES = "abcdefgh"

PAIRS = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] != pair[1])


def added(one: str, other: str, kind: str = "cluster") -> event.EdgeAdded:
    return event.EdgeAdded(ticket_id=one, other_id=other, kind=kind, score=0.9)


def removed(one: str, other: str, kind: str = "cluster") -> event.EdgeRemoved:
    return event.EdgeRemoved(ticket_id=one, other_id=other, kind=kind)


def components(edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return each name's oldest reachable name, the slow way."""
    oldest = {name: name for name in NAMES}
    for _ in NAMES:
        for one, other in edges:
            oldest[one] = oldest[other] = min(oldest[one], oldest[other])
    return oldest


def all_of(found: ClusterIndex) -> dict[str, str]:
    return {name: found.of(name) for name in NAMES}


@given(st.lists(PAIRS, max_size=30))
@settings(max_examples=200)
def test_a_cluster_is_a_connected_component_named_by_its_oldest(toggled: list[tuple[str, str]]) -> None:
    found, edges = ClusterIndex(NAMES.index), set[tuple[str, str]]()
    for pair in toggled:
        change = removed(*pair) if pair in edges else added(*pair)
        before, told = all_of(found), found.after((change,))
        assert all_of(found) == before
        edges ^= {pair}
        found.apply(change)
        assert all_of(found) == components(edges) == before | told
        assert all(told[name] != before[name] for name in told)
        for name in NAMES:
            assert list(found.members(found.of(name))) == [one for one in NAMES if found.of(one) == found.of(name)]


@given(st.lists(PAIRS, unique=True, max_size=12), st.data())
@settings(max_examples=100)
def test_several_changes_at_once_are_told_as_they_are_folded(
    before: list[tuple[str, str]], data: st.DataObject
) -> None:
    found = ClusterIndex(NAMES.index)
    for pair in before:
        found.apply(added(*pair))
    gone = data.draw(st.lists(st.sampled_from(before), unique=True)) if before else []
    come = data.draw(st.lists(PAIRS.filter(lambda pair: pair not in before), unique=True, max_size=4))
    changes = [*(removed(*pair) for pair in gone), *(added(*pair) for pair in come)]
    wanted = all_of(found) | found.after(changes)
    for change in changes:
        found.apply(change)
    assert all_of(found) == wanted


def test_an_edge_that_only_points_makes_no_cluster() -> None:
    found = ClusterIndex(NAMES.index)
    found.apply(added("a", "b", "related"))
    assert found.of("b") == "b"
    assert "related" not in CONNECTING


def desk_of(count: int) -> tuple[Desk, list[str]]:
    desk = Desk(State(POLICY))
    taken = [desk.take(message(n, f"第{n}件", sender=f"1380000000{n}"), position(n)) for n in range(count)]
    desk.flush()
    return desk, [one.tickets[0].ticket_id for one in taken if one]


def decision(desk: Desk, *changes: event.AnyChange, days: float = 0.5) -> Event:
    at = START + timedelta(days=days)
    return Event(
        event_id=f"command:{desk.state.inputs.last_offset('t', 0) + 1}",
        jurisdiction=CITY,
        tickets=clusters.versions(desk.state.clusters, desk.state.tickets.version_of, (), changes),
        at=at,
        input=InputRef(command_id="c", topic="t", partition=0, offset=desk.state.inputs.last_offset("t", 0) + 1),
        relation="command",
        policy_version="1",
        changes=changes,
    )


def test_every_ticket_whose_cluster_changes_gets_a_version_and_no_other() -> None:
    desk, (a, b, c, _) = desk_of(4)
    apply(desk.state, decision(desk, added(c, b)))
    joined = decision(desk, added(b, a))
    assert [one.ticket_id for one in joined.tickets] == [b, c]
    apply(desk.state, joined)
    assert {desk.state.clusters.of(one) for one in (a, b, c)} == {a}
    parted = decision(desk, removed(b, a))
    assert {one.ticket_id for one in parted.tickets} == {b, c}
    apply(desk.state, parted)
    assert [desk.state.clusters.of(one) for one in (a, b, c)] == [a, b, b]
    assert [desk.state.tickets[one].version for one in (a, b, c)] == [1, 3, 4]


def test_an_edge_twice_is_one_edge() -> None:
    desk, (a, b) = desk_of(2)
    for change in (added(b, a), added(b, a), removed(b, a)):
        apply(desk.state, decision(desk, change))
    assert desk.state.clusters.of(b) == b
    assert desk.state.tickets[b].edges == ()


def closed(desk: Desk, ticket_id: str, days: float) -> None:
    apply(desk.state, decision(desk, event.StatusSet(ticket_id=ticket_id, status="archived"), days=days))


def test_a_cluster_leaves_the_memory_as_a_whole() -> None:
    desk, (a, b, c) = desk_of(3)
    apply(desk.state, decision(desk, added(b, a)))
    closed(desk, a, days=1)
    closed(desk, b, days=50)
    closed(desk, c, days=95)
    assert set(desk.state.tickets) == {a, b, c}
    apply(desk.state, decision(desk, days=141))
    assert set(desk.state.tickets) == {c}
    assert desk.state.clusters.of(b) == b


def test_what_stayed_for_its_cluster_leaves_when_it_is_parted() -> None:
    desk, (a, b) = desk_of(2)
    apply(desk.state, decision(desk, added(b, a)))
    closed(desk, a, days=1)
    apply(desk.state, decision(desk, days=100))
    assert a in desk.state.tickets
    apply(desk.state, decision(desk, removed(b, a), days=101))
    assert set(desk.state.tickets) == {b}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_restored_state_has_the_same_clusters(seed: int) -> None:
    desk, tickets = desk_of(6)
    for one, other in [(5, 2), (2, seed), (4, 3)]:
        apply(desk.state, decision(desk, added(tickets[one], tickets[other])))
    again = State(POLICY, desk.state.dump())
    assert [again.clusters.of(one) for one in tickets] == [desk.state.clusters.of(one) for one in tickets]
    assert again.dump() == desk.state.dump()


def snapshots(desk: Desk) -> Iterator[Ticket]:
    return (decode(one.value, Ticket) for one in desk.flush() if one.topic == "hotline.ticket.v1")


def test_snapshots_show_edges_and_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, (a, b, c) = desk_of(3)
    apply(desk.state, decision(desk, added(c, b)))
    joined = decision(desk, added(b, a))
    monkeypatch.setattr("tickets.processor.decide", lambda *_: joined)
    desk.take(message(9), position(9))
    written = {ticket.ticket_id: ticket for ticket in snapshots(desk)}
    assert set(written) == {b, c}
    assert {ticket.cluster_id for ticket in written.values()} == {a}
    assert {ticket.cluster_no for ticket in written.values()} == {desk.state.tickets[a].ticket_no}
    assert [edge.ticket_id for edge in written[b].edges] == [a]
    assert [edge.ticket_id for edge in written[c].edges] == [b]
    assert [written[b].version, written[c].version] == [2, 3]

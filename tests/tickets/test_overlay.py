"""What is decided on an overlay leaves the state as it was, and comes out as it does below."""

import heapq
from collections import defaultdict
from contextlib import suppress
from random import Random

import pytest
from xxhash import xxh3_64_hexdigest

from schemas.codec import Outbound, encode
from schemas.records import Event
from tests.rows import each_row
from tests.tickets.build import position
from tests.tickets.walk.desks import Seat
from tests.tickets.walk.walks import walked
from tickets.model.delta import Delta
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.overlay import OverlayDict, OverlaySet, overlay
from tickets.state.state import State


def digest(state: State) -> str:
    """Return one digest of the whole state: what a checkpoint holds, and what is rebuilt from it."""
    rebuilt = (state.tickets._by_order, state.tickets._by_number, state.threads._predecessors, state.dangling._by_key)
    rest = (state.texts._by, state.clusters._cluster, state.clusters._members, state.clusters._beside)
    closed = sorted(state._closed)
    return xxh3_64_hexdigest(encode(state.dump()) + repr((rebuilt, rest, closed)).encode())


class TornError(Exception):
    """Raised where a decision is half carried out."""


class Rehearsed(Seat):
    """Each decision is made on an overlay first, and sometimes torn there."""

    def _decide(self, offset: int) -> Event | None:
        earlier = self._earlier(offset)
        before, desk = digest(self.desk.state), Desk(overlay(self.desk.state))
        decision = desk.take(self.input[offset], position(offset), earlier)
        written = desk.flush()
        assert digest(self.desk.state) == before
        if Random(f"torn {offset}").random() < 0.3:
            self._tear(offset, before)
        made = self.desk.take(self.input[offset], position(offset), earlier)
        assert made == decision
        self.flush_same(written)
        return made

    def _tear(self, offset: int, before: str) -> None:
        """Let one tear at the desk: what it has changed by then goes with the overlay."""
        desk = Desk(overlay(self.desk.state))
        desk._events = Full()
        with suppress(TornError):  # a repeat changes nothing
            desk.take(self.input[offset], position(offset), self._earlier(offset))
        assert digest(self.desk.state) == before

    def flush_same(self, written: list[Outbound]) -> None:
        mine = self.desk.flush()
        assert mine == written
        self.written += mine


class Full(list[Event]):
    """It takes no event: the state has folded it by then."""

    def append(self, _: Event) -> None:
        raise TornError


@pytest.mark.parametrize("seed", range(6))
def test_an_overlay_leaves_no_trace_and_decides_the_same(seed: int) -> None:
    walk = walked(seed, 60)
    seat = Rehearsed(walk.policy_at, seed, walk.through.kept)
    for one in walk.through.input:
        seat.take(one)
    assert seat.events() == walk.through.events()


@each_row("seed", range(20))
def test_a_dictionary_over_another_is_like_a_copy_of_it(seed: int) -> None:
    chance = Random(seed)
    below = {number: [number] for number in range(8)}
    whole, above = {key: list(value) for key, value in below.items()}, OverlayDict(below)
    for _ in range(60):
        key = chance.randrange(12)
        match chance.randrange(6):
            case 0:
                whole[key], above[key] = [0], [0]
            case 1:
                assert whole.pop(key, None) == above.pop(key, None)
            case 2:
                for one in (whole, above):
                    one.setdefault(key, []).append(key)
            case 3 if whole:
                assert next(iter(whole)) == next(iter(above))
                del whole[next(iter(whole))], above[next(iter(above))]
            case 4:
                assert (key in whole, whole.get(key)) == (key in above, above.get(key))
            case 5 if chance.random() < 0.1:
                whole.clear()
                above.clear()
        assert list(whole.items()) == list(above.items())
        assert (len(whole), list(reversed(whole))) == (len(above), list(reversed(above)))
    assert below == {number: [number] for number in range(8)}


@each_row("seed", range(20))
def test_a_delta_over_a_base_is_like_a_copy_of_it_and_folds_to_it(seed: int) -> None:
    chance = Random(seed)
    base = {number: number for number in range(8)}
    before, whole, delta = base.copy(), base.copy(), Delta(base)
    for step in range(60):
        key = chance.randrange(12)
        match chance.randrange(3):
            case 0:
                whole[key] = delta[key] = step
            case 1:
                assert whole.pop(key, None) == delta.pop(key, None)
            case 2:
                assert (key in whole, whole.get(key), whole.get(key, -1)) == (
                    key in delta,
                    delta.get(key),
                    delta.get(key, -1),
                )
        assert (list(whole.items()), len(whole)) == (list(delta.items()), len(delta))
        assert base == before
    assert [*delta.fold().items()] == [*whole.items()]


def test_a_set_over_another_is_like_a_copy_of_it() -> None:
    below, chance = set(range(8)), Random(1)
    whole, above = set(below), OverlaySet(below)
    for _ in range(200):
        item = chance.randrange(12)
        change = chance.choice(("add", "discard"))
        getattr(whole, change)(item)
        getattr(above, change)(item)
        assert (set(above), len(above), item in above) == (whole, len(whole), item in whole)
    assert below == set(range(8))


def test_a_missing_value_is_made_above() -> None:
    below: defaultdict[str, list[int]] = defaultdict(list)
    OverlayDict(below)["a"].append(1)
    assert below == {}


def test_the_heap_of_closed_tickets_is_a_copy() -> None:
    state = State(TicketPolicy())
    state._closed = [(1, "a")]  # type: ignore[list-item]
    heapq.heappop(overlay(state)._closed)
    assert len(state._closed) == 1

"""The gate of an endpoint, with a clock of our own."""

import asyncio
from typing import Any

import pytest

from schemas.codec import Position
from sinks.webhook.circuit_breaker import SUSPICIOUS, Gate, pause
from sinks.webhook.response import Answer, Outcome
from tests.sinks.webhook.snapshots import subscriber


class Time:
    """Passes when it is slept."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def gate(time: Time) -> Gate:
    return Gate("map", subscriber(), time.clock, time.sleep, lambda: 1.0)


def told(gate: Gate, outcome: Outcome, offset: int = 0, closings: int = 0, **fields: Any) -> None:
    gate.note(Answer(outcome, "x", **fields), "why", Position("t", 0, offset), closings)


async def closings_of(gate: Gate) -> int:
    async with gate.passage() as closings:
        return closings


async def test_a_shut_gate_lets_one_in_at_a_time(gate: Gate) -> None:
    told(gate, Outcome.AWAY)
    inside, most = 0, 0

    async def visit() -> None:
        nonlocal inside, most
        async with gate.passage():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(visit() for _ in range(5)))
    assert most == 1


async def test_an_open_gate_lets_all_in(gate: Gate) -> None:
    async with gate.passage(), gate.passage():
        assert gate.reason is None


async def test_one_outage_seen_by_four_is_one_fault(gate: Gate, time: Time) -> None:
    for offset in range(4):
        told(gate, Outcome.AWAY, offset)
    assert await closings_of(gate) == 1
    assert time.now == 1.0


async def test_each_further_fault_waits_twice_as_long_up_to_five_minutes(gate: Gate, time: Time) -> None:
    waited = []
    for closings in range(12):
        told(gate, Outcome.AWAY, closings=closings)
        before = time.now
        await closings_of(gate)
        waited.append(time.now - before)
    assert waited[:9] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert set(waited[9:]) == {300}


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.REFUSED])
async def test_an_endpoint_that_judges_is_there(gate: Gate, time: Time, outcome: Outcome) -> None:
    told(gate, Outcome.AWAY)
    told(gate, Outcome.AWAY, closings=1)
    told(gate, outcome, closings=2)
    assert gate.reason is None
    told(gate, Outcome.AWAY, closings=2)
    await closings_of(gate)
    assert time.now == 1.0, "the faults of the former outage are forgotten"


def test_only_different_deliveries_in_a_row_make_an_outage(gate: Gate) -> None:
    for _ in range(50):
        told(gate, Outcome.LATER, offset=1)
    assert gate.reason is None
    for offset in range(SUSPICIOUS - 1):
        told(gate, Outcome.LATER, offset)
    told(gate, Outcome.DELIVERED)
    for offset in range(SUSPICIOUS - 1):
        told(gate, Outcome.LATER, offset)
    assert gate.reason is None
    told(gate, Outcome.LATER, SUSPICIOUS)
    assert gate.reason == "why"


def test_jitter_spreads_the_upper_half_of_a_wait() -> None:
    waits = [pause(subscriber(), 3, jitter) for jitter in (0.0, 0.5, 1.0)]
    assert waits == [4.0, 6.0, 8.0]
    assert pause(subscriber(), 10_000, 1.0) == 300.0

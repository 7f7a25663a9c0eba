"""Names: the same content within ten minutes is the same message; what waits to come again keeps its first name."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.sms_smpp.message_id import Arrival, Arrivals, Steps, identifier
from schemas.errors import UnreachableError
from tests.connectors.sms_smpp.fixtures import Outlet

AT = datetime(2026, 11, 24, 1, 10, tzinfo=UTC)


def test_a_step_is_ten_minutes_of_the_clock_in_any_zone() -> None:
    assert identifier(b"x", AT) == identifier(b"x", AT + timedelta(minutes=9, seconds=59))
    assert identifier(b"x", AT) != identifier(b"x", AT + timedelta(minutes=10))
    assert identifier(b"x", AT) == identifier(b"x", AT.astimezone(timezone(timedelta(hours=8))))
    assert identifier(b"x", AT) != identifier(b"y", AT)


def test_a_name_is_for_ever() -> None:
    assert identifier(b"x", AT) == "956f1fcf6a6594f4adb9aa06bb8b181ae084c42604040256d3af65493345c7de"


def test_whoever_knows_the_words_and_tries_all_telephones_does_not_find_the_name() -> None:
    one, other = SecretStr("k" * 16), SecretStr("l" * 16)
    assert len({identifier(b"x", AT, key) for key in (None, one, other)}) == 3
    assert identifier(b"x", AT, one) == identifier(b"x", AT + timedelta(minutes=9), SecretStr("k" * 16))
    assert identifier(b"x", AT, one) != identifier(b"y", AT, one)


def arrived(at: datetime) -> Arrival:
    return Arrival(at, at)


def test_only_what_was_not_acknowledged_is_remembered_and_only_for_a_step() -> None:
    arrivals = Arrivals()
    assert arrivals.first(b"x", AT) is None
    arrivals.unanswered(b"x", arrived(AT))
    later = AT + timedelta(minutes=9)
    assert arrivals.first(b"x", later) == arrived(AT)
    assert arrivals.first(b"y", later) is None
    assert arrivals.first(b"x", AT + timedelta(minutes=10)) is None
    arrivals.answered(b"x")
    assert arrivals.first(b"x", later) is None


def test_the_memory_is_bounded() -> None:
    arrivals = Arrivals(most=2)
    for each in (b"1", b"2", b"3"):
        arrivals.unanswered(each, arrived(AT))
    later = AT + timedelta(minutes=1)
    assert [arrivals.first(each, later) for each in (b"1", b"2", b"3")] == [None, arrived(AT), arrived(AT)]


async def named(steps: Steps, outlet: Outlet, minutes: float) -> datetime:
    return await steps.at(AT + timedelta(minutes=minutes), outlet)


async def test_a_step_is_kept_before_it_names_anything_and_once() -> None:
    steps, outlet = Steps(), Outlet()
    assert await named(steps, outlet, 0) == AT
    assert outlet.kept == {"step": int(AT.timestamp())}
    outlet.kept = {}
    assert await named(steps, outlet, 9.9) == AT
    assert outlet.kept == {}
    assert await named(steps, outlet, 10) == AT + timedelta(minutes=10)
    assert outlet.kept == {"step": int(AT.timestamp()) + 600}


async def test_who_takes_an_account_over_names_in_the_step_of_the_one_before_for_ten_minutes() -> None:
    outlet = Outlet()
    await named(Steps(), outlet, 9)
    second = Steps()
    assert await named(second, outlet, 12) == AT + timedelta(minutes=9)
    assert await named(second, outlet, 21.9) == AT + timedelta(minutes=9)
    assert await named(second, outlet, 22) == AT + timedelta(minutes=22)


async def test_what_was_kept_long_ago_or_is_no_step_is_not_taken_up() -> None:
    outlet = Outlet()
    for kept in ({"step": int(AT.timestamp()) - 70 * 60}, {"step": "x"}, {"step": 10**15}, {"step": -1}, {}):
        outlet.kept = kept
        assert await named(Steps(), outlet, 0) == AT


async def test_a_clock_that_was_set_back_gives_no_step_twice() -> None:
    outlet = Outlet()
    await named(Steps(), outlet, 0)  # 1:10, then an hour back
    second = Steps()
    assert await named(second, outlet, -60) == AT  # what was not acknowledged comes again
    assert await named(second, outlet, -50.1) == AT
    assert await named(second, outlet, -50) == AT + timedelta(minutes=10)
    second.begin()
    assert await named(second, outlet, -41) == AT + timedelta(minutes=10)
    assert await named(second, outlet, -31) == AT + timedelta(minutes=20)
    third = Steps()
    assert await named(third, outlet, 60) == AT + timedelta(minutes=20)  # right again
    assert await named(third, outlet, 70) == AT + timedelta(minutes=70)


async def test_a_connection_made_anew_asks_again_since_somebody_else_may_have_named() -> None:
    steps, outlet = Steps(), Outlet()
    await named(steps, outlet, 0)
    await named(Steps(), outlet, 25)  # another process, which kept a step of its own after ten minutes
    other = Steps()
    await named(other, outlet, 36)
    await named(other, outlet, 47)
    steps.begin()
    assert await named(steps, outlet, 49) == AT + timedelta(minutes=47)


async def test_connections_that_never_hold_do_not_keep_a_step_for_ever() -> None:
    steps, outlet = Steps(), Outlet()
    seen = []
    for minute in range(0, 120, 5):
        steps.begin()
        seen.append(await named(steps, outlet, minute))
    assert len(set(seen)) == 2
    assert max(later - earlier for earlier, later in pairwise(dict.fromkeys(seen))) == timedelta(minutes=70)


async def test_nothing_is_named_by_a_step_that_kafka_does_not_keep() -> None:
    class Away(Outlet):
        async def keep(self, position: Mapping[str, Any]) -> None:
            raise UnreachableError("Kafka is away")

    with pytest.raises(UnreachableError):
        await named(Steps(), Away(), 0)


async def test_messages_that_wait_for_a_step_together_are_refused_together() -> None:
    class Away(Outlet):
        async def keep(self, position: Mapping[str, Any]) -> None:
            await asyncio.sleep(0.2)
            raise UnreachableError("Kafka does not answer")

    steps, outlet, began = Steps(), Away(), time.monotonic()
    refused = await asyncio.gather(*(named(steps, outlet, 0) for _ in range(50)), return_exceptions=True)
    assert {type(each) for each in refused} == {UnreachableError}
    assert time.monotonic() - began < 9  # 50 tries one after the other take 10
    assert await named(steps, Outlet(), 0) - AT < timedelta(minutes=1)

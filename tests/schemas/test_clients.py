"""A client of Kafka that does not begin, answer or end holds nobody up, and its cancellations end nobody else."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from aiokafka.client import AIOKafkaClient, CoordinationType

from broker import aio_client
from broker.aio_client import brought, closed, in_time, running, started
from schemas.errors import FatalError, UnreachableError
from tests.fakes.clients import NOT_ENDING, Client, Hanging, Leaking, let_go


@pytest.fixture(autouse=True)
async def impatient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(aio_client, "START_SECONDS", 0.05)
    yield
    await let_go()


@pytest.mark.parametrize("kind", NOT_ENDING)
async def test_a_client_that_does_not_end_is_left(kind: type[Client]) -> None:
    client = kind()
    assert not await asyncio.wait_for(closed(client.stop, 0.05), 60)


async def test_one_that_ends_is_said_to() -> None:
    assert await closed(Client().stop)


async def test_who_waits_for_a_client_is_still_cancelled_itself() -> None:
    waiting = asyncio.create_task(closed(Hanging().stop, 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_client_that_does_not_begin_is_another_ones_turn() -> None:
    with pytest.raises(UnreachableError):
        await asyncio.wait_for(started(Hanging().stop), 60)


async def test_a_broker_that_names_none_yet_is_asked_again() -> None:
    client = AIOKafkaClient(bootstrap_servers="kafka.invalid:9092")
    with pytest.raises(UnreachableError, match="no broker"):
        await started(partial(client.coordinator_lookup, CoordinationType.TRANSACTION, "assign-0"))


async def test_a_slip_of_ours_is_none_of_the_surroundings() -> None:
    async def slip() -> None:
        raise AssertionError("two and two")

    with pytest.raises(AssertionError, match="two"):
        await started(slip)


async def test_a_cancellation_that_a_client_lets_out_is_a_fault_of_the_surroundings() -> None:
    with pytest.raises(UnreachableError):
        await brought(Leaking().stop(), 60)


async def test_what_a_client_raises_is_raised() -> None:
    with pytest.raises(OSError, match="gone"):
        await brought(NOT_ENDING[-1]().stop(), 60)


async def test_work_that_does_not_end_is_cancelled() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(UnreachableError):
        await brought(work(), 0.05)
    await asyncio.wait_for(ended.wait(), 60)


async def test_only_our_own_patience_makes_the_worker_start_again() -> None:
    with pytest.raises(FatalError, match="must restart"):
        async with in_time(0.05):
            await asyncio.sleep(60)
    with pytest.raises(TimeoutError):
        async with in_time(60):
            raise TimeoutError


async def test_a_client_is_let_go_when_it_did_not_begin() -> None:
    class Late(Client):
        ended = False

        async def start(self) -> None:
            raise OSError("gone")

        async def stop(self) -> None:
            self.ended = True

    client = Late()
    with pytest.raises(OSError, match="gone"):
        async with running(client):
            pass
    assert client.ended

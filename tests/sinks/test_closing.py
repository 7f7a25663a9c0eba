"""A sink that ends is started again, though its Kafka clients do not end; nothing waits for a client that is gone."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

from broker import aio_client
from broker.config import KafkaConnection
from schemas.codec import Position
from schemas.errors import FatalError, UnreachableError
from schemas.records import DeadLetter
from sinks import kafka, runner
from sinks.kafka import Graveyard
from sinks.runner import run_sink
from sinks.settings import SinkSettings
from sinks.webhook import run
from sinks.webhook.run import Webhooks
from tests.fakes.clients import NOT_ENDING, Client, let_go

CONNECTION = KafkaConnection(bootstrap_servers="127.0.0.1:1")


class Faulty:
    """A sink with a fault of ours."""

    name = "faulty"

    async def open(self) -> None:
        raise LookupError

    async def close(self) -> None: ...


@pytest.fixture(autouse=True)
async def impatient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(aio_client, "CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(runner, "LEAVE_SECONDS", 0.05)
    yield
    await let_go()


@pytest.mark.parametrize("kind", NOT_ENDING)
async def test_a_fault_ends_a_sink_though_its_clients_do_not(
    kind: type[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "make_producer", lambda connection: kind())
    monkeypatch.setattr(runner, "make_consumer", lambda connection, group: kind())
    sink: Any = Faulty()
    with pytest.raises(LookupError):
        await asyncio.wait_for(run_sink(sink, [], CONNECTION, SinkSettings(), asyncio.Event()), 60)


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_a_sink_that_finds_no_kafka_leaves_no_client_unclosed() -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    sink: Any = Faulty()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # aiokafka says it in both ways
        with pytest.raises(UnreachableError):
            await asyncio.wait_for(run_sink(sink, [], CONNECTION, SinkSettings(), asyncio.Event()), 60)
        gc.collect()
    assert told == []


class Forgetful:
    """A producer whose task has ended without a word."""

    async def send_and_wait(self, *_: Any, **__: Any) -> None:
        await asyncio.Event().wait()


async def test_a_dead_letter_that_a_client_forgets_ends_the_sink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "STUCK_SECONDS", 0.05)
    producer: Any = Forgetful()
    letter = DeadLetter(
        position=Position("t", 0, 1),
        key=b"",
        value=b"",
        headers=[],
        stage="sink",
        code="schema",
        reason="",
        exception="",
    )
    with pytest.raises(FatalError, match="must restart"):
        await asyncio.wait_for(Graveyard(producer).bury([letter]), 60)


async def test_a_subscriber_whose_client_forgets_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries, stop = [], asyncio.Event()

    async def subscriber(name: str, *_: Any, **__: Any) -> None:
        tries.append(name)
        if len(tries) < 3:
            raise FatalError("the Kafka client neither delivers nor fails: the worker must restart")
        stop.set()

    monkeypatch.setattr(run, "run_subscriber", subscriber)
    monkeypatch.setattr(run, "AGAIN_SECONDS", 0.01)
    settings: Any = {"desk": None}
    await asyncio.wait_for(Webhooks(settings, CONNECTION).run(stop), 60)
    assert len(tries) == 3

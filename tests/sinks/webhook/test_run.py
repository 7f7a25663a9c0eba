"""Subscribers side by side: whatever ends one ends no other."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from broker.config import KafkaConnection
from schemas.errors import UnreachableError
from sinks.runner import Health
from sinks.webhook.run import Webhooks
from tests.sinks.webhook.snapshots import subscriber
from tests.waiting import soon


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who was started, in turn; `odd` fails at its first start, `kafka` always."""
    names: list[str] = []
    faults: Mapping[str, list[Exception]] = {"odd": [OverflowError()], "kafka": [UnreachableError("Kafka is away")]}

    async def run(name: str, settings: Any, connection: Any, stop: asyncio.Event, *more: Any, **others: Any) -> None:
        names.append(name)
        if faults.get(name):
            raise faults[name].pop()
        await stop.wait()

    monkeypatch.setattr("sinks.webhook.run.run_subscriber", run)
    monkeypatch.setattr("sinks.webhook.run.AGAIN_SECONDS", 0.2)
    return names


def made(*names: str) -> Webhooks:
    settings = {name: subscriber("https://map.example.cn") for name in names}
    return Webhooks(settings, KafkaConnection(bootstrap_servers="127.0.0.1:1"))


async def test_a_fault_that_nobody_thought_of_ends_one_subscriber_for_a_while(begun: list[str]) -> None:
    webhooks, stop = made("odd", "well"), asyncio.Event()
    running = asyncio.create_task(webhooks.run(stop))
    assert await soon(webhooks.troubles) == {"odd": "it ended (OverflowError), and begins again"}
    await soon(lambda: begun == ["odd", "well", "odd"])
    stop.set()
    await running


async def test_it_has_begun_when_each_subscriber_is_read_for_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    may_begin, stop = asyncio.Event(), asyncio.Event()

    async def run(name: str, settings: Any, connection: Any, stop: asyncio.Event, ready: Any, **others: Any) -> None:
        if name == "odd":
            raise OverflowError
        await may_begin.wait()
        ready(SimpleNamespace(health=lambda: Health(True, "running")))
        await stop.wait()

    monkeypatch.setattr("sinks.webhook.run.run_subscriber", run)
    webhooks = made("odd", "well")
    assert not webhooks.begun
    running = asyncio.create_task(webhooks.run(stop))
    await soon(webhooks.troubles)
    assert not webhooks.begun
    may_begin.set()
    await soon(lambda: webhooks.begun)
    stop.set()
    await running


async def test_what_is_wrong_with_kafka_is_raised_at_once(begun: list[str]) -> None:
    with pytest.raises(UnreachableError):
        await made("kafka", "well").run(asyncio.Event())

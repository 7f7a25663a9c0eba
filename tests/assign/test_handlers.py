"""What is given back is left alone: Faust calls the handlers of a rebalance in no order, and ours keep one."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from obstore.store import MemoryStore

from broker.config import KafkaConnection
from schemas import topics
from streams import assign
from streams.engine import partition_worker
from streams.engine.app import make_app
from tickets.policy import TicketPolicy

PLACE = TP(topics.MESSAGE, 0)


@pytest.mark.parametrize("signal", ["on_partitions_revoked", "on_before_shutdown"])
async def test_a_lane_has_ended_before_its_city_s_state_is_put_aside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signal: str
) -> None:
    """It would take the city over again, and fence whoever has it next."""
    working, running = list[bool](), asyncio.Event()

    async def handle(self: assign.Assign, tp: TP, chunk: partition_worker.Chunk) -> None:
        working.append(True)
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            working.pop()

    async def leave(self: assign.Assign, partitions: Iterable[int]) -> None:
        assert not working

    made: list[partition_worker.Lanes] = []
    declare = partition_worker.declare

    def declared(*arguments: Any) -> partition_worker.Lanes:
        made.append(declare(*arguments))
        return made[-1]

    monkeypatch.setattr(assign.Assign, "handle", handle)
    monkeypatch.setattr(assign.Assign, "leave", leave)
    monkeypatch.setattr(partition_worker, "declare", declared)
    connection = KafkaConnection(bootstrap_servers="127.0.0.1:9")
    app = make_app("test", connection, tmp_path)
    assign.declare(app, connection, MemoryStore(), TicketPolicy())
    message: Any = SimpleNamespace(tp=PLACE, value=[1])
    made[0].put(SimpleNamespace(message=message))  # type: ignore[arg-type] # an event of Faust
    await running.wait()
    receivers: Any = getattr(app, signal)
    (ours,) = [one for one in receivers.iter_receivers(app) if one.__module__ == assign.__name__]
    await ours(app, *([{PLACE}] if signal == "on_partitions_revoked" else []))
    assert not working

"""What Prometheus sees of a takeover that goes on, and of one that has to be tried again."""

from types import SimpleNamespace
from typing import Any

import pytest
from obstore.store import MemoryStore
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from schemas.errors import UnreachableError
from streams import assign
from tickets.policy import TicketPolicy


def since(partition: int) -> float | None:
    return REGISTRY.get_sample_value("hotline_streams_restoring_since_timestamp_seconds", {"partition": str(partition)})


async def nothing(*_: object) -> None:
    """Do nothing."""


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> tuple[assign.Assign, list[float | None], list[Exception]]:
    """A worker, what was shown at each try of a takeover, and what the next ones raise."""
    seen: list[float | None] = []
    faults: list[Exception] = []

    async def take_over(partition: int, *_: object) -> Any:
        seen.append(since(partition))
        if faults:
            raise faults.pop(0)
        return SimpleNamespace(restored=SimpleNamespace(state=SimpleNamespace(tickets={})), close=nothing)

    monkeypatch.setattr(assign, "take_over", take_over)
    return assign.Assign(KafkaConnection(bootstrap_servers="x:1"), MemoryStore(), TicketPolicy()), seen, faults


async def test_a_takeover_is_shown_from_its_first_try_until_it_is_done(
    shown: tuple[assign.Assign, list[float | None], list[Exception]],
) -> None:
    worker, seen, faults = shown
    faults.append(UnreachableError("the store is away"))
    with pytest.raises(UnreachableError):
        await worker._by_owner(70, nothing)
    assert since(70) is not None, "it is tried again, and somebody waits for it"
    assert worker.restoring == {70}
    await worker._by_owner(70, nothing)
    assert worker.restoring == set()
    assert seen[0] is not None
    assert seen[0] == seen[1]
    assert since(70) is None


async def test_a_partition_that_went_elsewhere_is_restored_by_nobody_here(
    shown: tuple[assign.Assign, list[float | None], list[Exception]],
) -> None:
    worker, _, faults = shown
    faults.append(UnreachableError("the store is away"))
    with pytest.raises(UnreachableError):
        await worker._by_owner(71, nothing)
    await worker.leave([71])
    assert since(71) is None

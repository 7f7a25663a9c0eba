"""What only listens has a journal of its own: one process of a machine has it; none is no reason to hear nothing."""

import asyncio
from pathlib import Path

import pytest

from connectors.health import Health
from connectors.journal import Journal
from connectors.listening import kept, opened
from hotline import probes
from schemas.errors import MisconfiguredError, UnreachableError
from tests.connectors.pushed import Kafka, message

pytestmark = pytest.mark.asyncio


@pytest.fixture
def health() -> Health:
    return Health("pbx", "phone")


async def test_what_kafka_does_not_take_is_safe_at_once_and_comes_when_kafka_does(
    tmp_path: Path, health: Health
) -> None:
    kafka = Kafka()
    kafka.down = True
    async with kept(kafka, Journal(tmp_path, kind="pbx")) as keeping:
        await keeping.publish_async([message("1")], 10)
        assert keeping.journal_bytes
        assert "wait in the journal" in probes.session(health, [keeping])["detail"]
    kafka.down = False
    async with asyncio.timeout(30), kept(kafka, Journal(tmp_path, kind="pbx")) as keeping:  # after a restart
        while keeping.journal_bytes:  # noqa: ASYNC110 - a thread drains it
            await asyncio.sleep(0.01)
    assert [one.envelope.id for one in kafka.held] == ["1"]
    assert probes.session(health, []) == probes.connector(health.report)


async def test_one_process_of_a_machine_has_the_journal_and_another_stands_by(tmp_path: Path, health: Health) -> None:
    first, stop = Journal(tmp_path), asyncio.Event()
    waiting = asyncio.create_task(opened(lambda: Journal(tmp_path), stop, health))
    while health.report.state != "standby":  # noqa: ASYNC110 - a thread looks at the journal
        await asyncio.sleep(0.01)
    first.close()
    second = await waiting
    assert second is not None
    stop.set()
    assert await opened(lambda: Journal(tmp_path), stop, health) is None
    second.close()


@pytest.mark.parametrize("fault", [UnreachableError("full"), MisconfiguredError("read-only")])
async def test_a_disk_that_takes_nothing_is_no_reason_to_hear_nothing(health: Health, fault: Exception) -> None:
    def make() -> Journal:
        raise fault

    assert await opened(make, asyncio.Event(), health) is None

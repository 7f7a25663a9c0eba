"""What only listens has a journal of its own: one process of a machine has it; none is no reason to hear nothing."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import for_broadcast
from connectors.runtime.health import Health
from hotline.runtime import health as probes
from schemas.errors import MisconfiguredError, UnreachableError
from tests.connectors.pushed import Kafka, message
from tests.waiting import soon

pytestmark = pytest.mark.asyncio


@pytest.fixture
def health() -> Health:
    return Health("pbx", "phone")


async def test_what_kafka_does_not_take_is_safe_at_once_and_comes_when_kafka_does(
    tmp_path: Path, health: Health
) -> None:
    kafka = Kafka()
    kafka.down = True
    async with for_broadcast(kafka, lambda: Journal(tmp_path, kind="pbx")) as keeping:
        await keeping.publish_async([message("1")], 10)
        assert keeping.journal_bytes
        assert "wait in the journal" in probes.session(health, [keeping])["detail"]
    kafka.down = False
    async with (
        asyncio.timeout(30),
        for_broadcast(kafka, lambda: Journal(tmp_path, kind="pbx")) as keeping,
    ):  # after a restart
        await soon(lambda: not keeping.journal_bytes)
    assert [one.envelope.id for one in kafka.held] == ["1"]
    assert probes.session(health, []) == probes.connector(health.report)


async def test_another_process_of_the_machine_goes_without_the_journal_until_the_first_one_ends(tmp_path: Path) -> None:
    first, kafka = Journal(tmp_path), Kafka()
    async with asyncio.timeout(30), for_broadcast(kafka, lambda: Journal(tmp_path)) as keeping:
        await keeping.publish_async([message("1")], 10)
        kafka.down = True
        with pytest.raises(UnreachableError):
            await keeping.publish_async([message("2")], 10)
        first.close()
        while not keeping.journal_bytes:
            with suppress(UnreachableError):
                await keeping.publish_async([message("2")], 10)
            await asyncio.sleep(0.01)
    assert [one.envelope.id for one in kafka.held] == ["1"]


@pytest.mark.parametrize("fault", [UnreachableError("full"), MisconfiguredError("read-only")])
async def test_a_disk_that_takes_nothing_is_no_reason_to_hear_nothing(fault: Exception) -> None:
    def make() -> Journal:
        raise fault

    kafka = Kafka()
    async with for_broadcast(kafka, make) as keeping:
        await keeping.publish_async([message("1")], 10)
        assert (len(kafka.held), keeping.journal_bytes, keeping.full) == (1, 0, False)


@pytest.mark.parametrize("fault", [UnreachableError("full"), MisconfiguredError("read-only")])
async def test_a_journal_is_opened_as_soon_as_its_disk_takes_something_again(tmp_path: Path, fault: Exception) -> None:
    faults, kafka = [fault, fault, fault], Kafka()

    def make() -> Journal:
        if faults:
            raise faults.pop()
        return Journal(tmp_path)

    kafka.down = True
    with capture_logs() as logs:
        async with asyncio.timeout(30), for_broadcast(kafka, make) as keeping:
            while not keeping.journal_bytes:
                with suppress(UnreachableError):
                    await keeping.publish_async([message("1")], 10)
                await asyncio.sleep(0.01)
    assert [one["event"] for one in logs].count("goes_without_journal") == 1

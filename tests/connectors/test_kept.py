"""Without a journal what Kafka takes is taken, and a journal is had as soon as it can be."""

import asyncio
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors import metrics
from connectors.publish.disk_buffer import Journal, JournalInUseError
from connectors.publish.durable_publisher import DurablePublisher, opened
from hotline.runtime import health
from schemas.errors import UnauthorizedError, UnreachableError
from schemas.records.raw import INLINE_LIMIT
from tests.alerts.hosts import PRIVATE, cannot_mount
from tests.connectors.pushed import Kafka, message
from tests.peers.presence import require
from tests.waiting import soon


async def begun(
    kafka: Kafka, folder: Path, fsync: Callable[[int], None] = os.fsync
) -> tuple[DurablePublisher, asyncio.Task[None]]:
    kept = await opened(kafka, partial(Journal, folder, fsync=fsync), 0.2)
    return kept, asyncio.create_task(kept.run())


async def ended(kept: DurablePublisher, working: asyncio.Task[None]) -> None:
    working.cancel()
    await asyncio.wait({working})
    await kept.close()


async def test_where_no_journal_can_be_written_kafka_alone_makes_safe_and_nothing_else_is_promised(
    tmp_path: Path,
) -> None:
    in_the_way = tmp_path / "journal"
    in_the_way.write_bytes(b"no folder")
    kafka, before = Kafka(), metrics.JOURNALS_AWAY._value.get()
    with capture_logs() as logs:
        kept, working = await begun(kafka, in_the_way)
        assert metrics.JOURNALS_AWAY._value.get() == before + 1
        assert await kept.publish([message("1")]) == "published"
        kafka.down = True
        with pytest.raises(UnreachableError):
            await kept.publish([message("2")])
        assert "allow our user to write there" in health.lmtp(Door(), kept)["detail"]
        in_the_way.unlink()
        await soon(lambda: kept.fault is None)
        assert await kept.publish([message("3")]) == "journaled"
    assert [one["event"] for one in logs].count("goes_without_journal") == 1
    assert metrics.JOURNALS_AWAY._value.get() == before
    assert health.lmtp(Door(), kept)["detail"].startswith(f"{kept.journal_bytes} bytes wait")
    await ended(kept, working)
    kafka.down = False
    kept, working = await begun(kafka, in_the_way)
    await soon(lambda: not kept.journal_bytes)
    await ended(kept, working)
    assert [one.envelope.id for one in kafka.held] == ["1", "3"]


class Door:
    """One through which nobody came."""

    last_success = None


async def test_what_kafka_refuses_for_good_is_not_now_for_its_sender(tmp_path: Path) -> None:
    class Refusing(Kafka):
        async def publish_async(self, *_: object) -> None:
            raise UnauthorizedError("the password was changed")

    (tmp_path / "journal").write_bytes(b"no folder")
    kept, working = await begun(Refusing(), tmp_path / "journal")
    with pytest.raises(UnreachableError, match="the password was changed"):
        await kept.publish([message("1")])
    await ended(kept, working)


async def test_a_journal_whose_part_for_large_messages_cannot_be_written_is_had_later_and_opened_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "large").write_bytes(b"no folder")
    (tmp_path / "1.journal").write_bytes(b"made by hand")
    kafka = Kafka()
    with capture_logs() as logs:
        kept, working = await begun(kafka, tmp_path)
        await asyncio.sleep(0.3)
        assert kept.fault is not None
        await ended(kept, working)
    assert [one["event"] for one in logs].count("journal_file_foreign") == 1
    kept, working = await begun(kafka, tmp_path)
    (tmp_path / "large").unlink()
    await soon(lambda: kept.fault is None)
    kafka.down = True
    assert await kept.publish([message("1", bytes(INLINE_LIMIT + 1))]) == "journaled"
    await ended(kept, working)


async def test_a_journal_that_another_process_has_is_refused_at_the_start(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    with pytest.raises(JournalInUseError):
        await opened(Kafka(), partial(Journal, tmp_path), 0.2)
    first.close()


async def test_a_journal_whose_disk_fails_is_told_before_kafka_is_away_and_that_it_is_well_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.publish.durable_publisher.PROBE_SECONDS", 0.01)
    failing: list[OSError] = []

    def fsync(descriptor: int) -> None:
        for error in failing:
            raise error
        os.fsync(descriptor)

    (tmp_path / "probe").write_bytes(b"of a process that was killed over it")
    kafka, before = Kafka(), metrics.JOURNALS_AWAY._value.get()
    kept = await opened(kafka, partial(Journal, tmp_path, fsync=fsync), 0.2)
    working = asyncio.create_task(kept.run())
    await soon(lambda: not (tmp_path / "probe").exists())
    assert kept.fault is None
    with capture_logs() as logs:
        failing.append(OSError(errno.EIO, "Input/output error"))
        await soon(lambda: kept.fault is not None)
        assert metrics.JOURNALS_AWAY._value.get() == before + 1
        assert "cannot be written: Input/output error" in health.lmtp(Door(), kept)["detail"]
        assert await kept.publish([message("1")]) == "published"
        failing.clear()
        await soon(lambda: kept.fault is None)
        (tmp_path / "large").rename(tmp_path / "moved away")
        await soon(lambda: kept.fault is not None)
    assert [one["event"] for one in logs].count("goes_without_journal") == 2
    await ended(kept, working)
    assert metrics.JOURNALS_AWAY._value.get() == before


async def test_a_journal_whose_disk_hangs_is_told_and_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.publish.durable_publisher.PROBE_SECONDS", 0.01)
    monkeypatch.setattr("connectors.publish.durable_publisher.HUNG_SECONDS", 0.1)
    answers, asked = threading.Event(), []
    answers.set()

    def fsync(descriptor: int) -> None:
        asked.append(descriptor)
        answers.wait(60)
        os.fsync(descriptor)

    kafka, before = Kafka(), metrics.JOURNALS_AWAY._value.get()
    kept, working = await begun(kafka, tmp_path, fsync)
    await soon(lambda: asked and kept.fault is None)  # the disk of a busy machine may take a tenth of a second
    answers.clear()
    await soon(lambda: kept.fault is not None)
    assert metrics.JOURNALS_AWAY._value.get() == before + 1
    assert "does not respond" in health.lmtp(Door(), kept)["detail"]
    hung = len(asked)
    await asyncio.sleep(0.4)
    assert len(asked) == hung
    assert await kept.publish([message("1")]) == "published"
    answers.set()
    await soon(lambda: kept.fault is None)
    await ended(kept, working)


async def test_a_journal_that_hangs_as_it_is_opened_keeps_nobody_from_kafka_and_is_had_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.publish.durable_publisher.HUNG_SECONDS", 0.1)
    answers, kafka = threading.Event(), Kafka()

    def slow() -> Journal:
        answers.wait(60)
        return Journal(tmp_path)

    async with asyncio.timeout(30):
        kept = await opened(kafka, slow, 0.2)
        working = asyncio.create_task(kept.run())
        assert "does not respond" in str(kept.fault)
        assert await kept.publish([message("1")]) == "published"
        answers.set()
        await soon(lambda: kept.fault is None)
        kafka.down = True
        assert await kept.publish([message("2")]) == "journaled"
        await ended(kept, working)


def test_a_disk_that_becomes_read_only_or_full_is_noticed(tmp_path: Path) -> None:
    require(cannot_mount(tmp_path))
    command = f'mount -t tmpfs -o size=1m tmpfs {tmp_path}; exec "$0" "$@"'
    done = subprocess.run(
        [*PRIVATE, command, sys.executable, "-m", "tests.connectors.probed", str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = f"the journal {tmp_path} cannot be written: "
    full, read_only = (
        "No space left on device",
        "Read-only file system; a unit of systemd writes where its ReadWritePaths= says",
    )
    said = [f"{told}{read_only}", "None", f"{told}{full}", "None", "large lock"]
    assert done.stderr.splitlines() == said

"""Without a journal what Kafka takes is taken, and a journal is had as soon as it can be."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors import metrics
from connectors.journal import Journal, JournalInUseError
from connectors.kept import Kept, opened
from hotline import probes
from schemas.errors import UnauthorizedError, UnreachableError
from schemas.records.raw import INLINE_LIMIT
from tests.connectors.pushed import Kafka, message
from tests.waiting import soon

pytestmark = pytest.mark.asyncio


async def begun(kafka: Kafka, folder: Path) -> tuple[Kept, asyncio.Task[None]]:
    kept = await opened(kafka, partial(Journal, folder), 0.2)
    return kept, asyncio.create_task(kept.run())


async def ended(kept: Kept, working: asyncio.Task[None]) -> None:
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
        assert await kept.keep([message("1")]) == "published"
        kafka.down = True
        with pytest.raises(UnreachableError):
            await kept.keep([message("2")])
        assert "let our user write there" in probes.lmtp(Door(), kept)["detail"]
        in_the_way.unlink()
        await soon(lambda: kept.fault is None)
        assert await kept.keep([message("3")]) == "journaled"
    assert [one["event"] for one in logs].count("goes_without_journal") == 1
    assert metrics.JOURNALS_AWAY._value.get() == before
    assert probes.lmtp(Door(), kept)["detail"].startswith(f"{kept.journal_bytes} bytes wait")
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
        await kept.keep([message("1")])
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
    assert await kept.keep([message("1", bytes(INLINE_LIMIT + 1))]) == "journaled"
    await ended(kept, working)


async def test_a_journal_that_another_process_has_is_refused_at_the_start(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    with pytest.raises(JournalInUseError):
        await opened(Kafka(), partial(Journal, tmp_path), 0.2)
    first.close()

"""Kafka first, else the journal; and back to Kafka in order, without ever answering yes too early."""

import asyncio
import errno
import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import structlog

from connectors.publish import durable_publisher, preview
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.segment import Segment
from schemas.errors import UnauthorizedError, UnreachableError
from schemas.records import RawMessage
from schemas.records.raw import INLINE_LIMIT
from tests.connectors.pushed import message
from tests.waiting import soon


class Broker:
    """A Kafka that answers, hangs or refuses as a test wants it."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.told: list[str] = []
        self.hold = threading.Event()
        """No replay goes on while it is not set."""
        self.hold.set()
        self.error: Exception | None = None
        self.delay = 0.0
        self.trips = self.replays = self.asked = 0
        self.store_error: Exception | None = None

    def publish(self, messages: Sequence[RawMessage]) -> None:
        time.sleep(self.delay)
        self.replays += 1
        self.hold.wait(60)
        self._fail(messages)
        self.held += [each.envelope.id for each in messages]

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        self.asked += 1
        if self.error:
            return list(messages)
        self.told += [each.envelope.id for each in messages]
        return []

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - the publisher's
        self.trips += 1
        await asyncio.sleep(min(self.delay, timeout))
        if self.delay > timeout:
            raise self.error or UnreachableError("slow")
        self._fail(messages)
        self.held += [each.envelope.id for each in messages]

    def _fail(self, messages: Sequence[RawMessage]) -> None:
        if self.error:
            raise self.error
        if self.store_error and any(len(each.value) > INLINE_LIMIT for each in messages):
            raise self.store_error


@asynccontextmanager
async def opened(broker: Broker, folder: Path, **limits: Any) -> AsyncIterator[tuple[DurablePublisher, Journal]]:
    journal = Journal(folder, **limits)
    intake = DurablePublisher.of_journal(broker, journal, publish_timeout_seconds=0.2, retry_seconds=0.01)
    working = asyncio.create_task(intake.run())
    yield intake, journal
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    await intake.close()


def photo(identifier: str) -> RawMessage:
    return message(identifier, bytes(INLINE_LIMIT + 1))


async def back(broker: Broker) -> None:
    """Let Kafka answer again, and hold the backlog; whoever is told of then is told of with all that waits."""
    asked = broker.asked
    await soon(lambda: broker.asked >= asked + 2)
    broker.hold.clear()
    broker.error = None


async def test_kafka_takes_a_message_when_it_answers(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, journal):
        assert await intake.publish([message("1")]) == "published"
        assert broker.held == ["1"]
        assert journal.empty


@pytest.mark.parametrize("error", [UnreachableError("down"), UnauthorizedError("password changed")])
async def test_the_journal_takes_it_when_kafka_refuses_and_kafka_gets_it_later(
    tmp_path: Path, error: Exception
) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, journal):
        broker.error = error
        assert await intake.publish([message("1")]) == "journaled"
        assert not journal.empty
        broker.error = None
        await soon(lambda: journal.empty)
        assert broker.held == ["1"]
        assert await intake.publish([message("2")]) == "published"


async def test_the_drain_outlives_a_fault_that_nobody_thought_of(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, journal):
        broker.error = UnreachableError("down")
        await intake.publish([message("1")])
        with pytest.MonkeyPatch.context() as patch:
            tried: list[object] = []
            patch.setattr(journal, "replay", lambda publish: tried.append(publish) or 1 // 0)
            await soon(lambda: len(tried) >= 2, "the drain did not outlive it")
        broker.error = None
        await soon(lambda: broker.held == ["1"])


async def test_a_hanging_kafka_costs_one_timeout_and_then_nothing(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        broker.delay, broker.error = 0.4, UnreachableError("hangs")
        assert await intake.publish([message("1")]) == "journaled"
        assert await intake.publish([message("2")]) == "journaled"
        assert broker.trips == 1
        broker.delay, broker.error = 0.0, None
        await soon(lambda: broker.held == ["1", "2"])


async def test_nothing_says_yes_when_nothing_holds_the_message(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path, max_bytes=10) as (intake, journal):
        broker.error = UnreachableError("down")
        with pytest.raises(UnreachableError, match="is full"):
            await intake.publish([message("1")])
        assert journal.empty


async def test_turns_stay_in_order_over_an_outage(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, journal):
        for number in range(60):
            broker.error = UnreachableError("down") if 10 <= number < 30 else None
            await intake.publish([message(str(number))])
        await soon(lambda: journal.empty)
        assert broker.held == [str(number) for number in range(60)]


async def test_under_steady_load_the_journal_is_left_behind(tmp_path: Path) -> None:
    outcomes: list[str] = []
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        broker.error = UnreachableError("down")
        await intake.publish([message("first")])
        broker.error, broker.delay = None, 0.01
        numbers = iter(range(10_000))

        async def sender() -> None:
            while "published" not in outcomes:
                outcomes.append(await intake.publish([message(str(next(numbers)))]))

        async with asyncio.timeout(60):
            await asyncio.gather(*(sender() for _ in range(20)))
    assert outcomes[-1] == "published"


async def test_what_an_earlier_process_left_goes_to_kafka_first(tmp_path: Path) -> None:
    earlier = Journal(tmp_path)
    earlier.append([message("left")])
    earlier.close()
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        await intake.publish([message("new")])
        await soon(lambda: broker.held == ["left", "new"])


async def test_what_kafka_does_not_get_before_the_end_stays_on_the_disk(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        broker.error = UnreachableError("down")
        await intake.publish([message("1")])
    later = Journal(tmp_path)
    assert not later.empty
    later.close()


# A backlog, while Kafka answers


async def test_who_writes_behind_a_backlog_is_heard_at_once_and_keeps_the_place(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, journal):
        broker.error = UnreachableError("down")
        for name in ("1", "2"):
            await intake.publish([message(name)])
        broker.hold.clear()
        broker.error = None
        await soon(lambda: broker.replays > 0)
        assert await intake.publish([message("new")]) == "journaled"
        await soon(lambda: "new" in broker.told)
        assert broker.held == []
        broker.hold.set()
        await soon(lambda: journal.empty)
        assert broker.held == ["1", "2", "new"]


async def test_when_kafka_is_back_the_newest_are_heard_first(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        broker.error = UnreachableError("down")
        for number in range(20):
            await intake.publish([message(str(number))])
        await back(broker)
        await soon(lambda: len(broker.told) == 20)
        broker.hold.set()
        await soon(lambda: len(broker.held) == 20)
    assert broker.told[0] == "19"
    assert sorted(broker.told, key=int) == broker.held


async def test_what_an_earlier_process_left_is_heard_before_the_backlog_is_through(tmp_path: Path) -> None:
    earlier = Journal(tmp_path, segment_max_bytes=2_000)
    for number in range(50):
        earlier.append([message(str(number))])
    earlier.close()
    broker = Broker()
    broker.hold.clear()
    async with opened(broker, tmp_path) as (intake, journal):
        await soon(lambda: len(broker.told) == 50)
        assert broker.told[0] == "49"
        broker.hold.set()
        await soon(lambda: journal.empty)
        assert broker.held == [str(number) for number in range(50)]
        await intake.publish([message("50")])
    assert "50" not in broker.told, "what does not wait needs no word before it"


async def test_a_fault_over_what_is_told_ahead_ends_nothing(tmp_path: Path) -> None:
    class Choking(Broker):
        def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
            self.asked += 1
            raise ValueError("not even our error")

    async with opened(broker := Choking(), tmp_path) as (intake, journal):
        broker.error = UnreachableError("down")
        await intake.publish([message("1")])
        await soon(lambda: broker.asked > 0)
        assert await intake.publish([message("2")]) == "journaled"
        broker.error = None
        await soon(lambda: journal.empty)
        assert broker.held == ["1", "2"]


async def test_what_could_not_be_told_is_older_than_what_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Broker):
        answer = threading.Event()

        def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
            left = super().tell(messages)
            if left:
                self.answer.wait(60)
            return left

    monkeypatch.setattr(preview, "MOST_MESSAGES", 2)
    async with opened(broker := Slow(), tmp_path) as (intake, _):
        broker.error = UnreachableError("down")
        await intake.publish([message("1")])
        await soon(lambda: broker.asked == 1)
        for number in (2, 3):
            await intake.publish([message(str(number))])
        broker.answer.set()
        await back(broker)
        await soon(lambda: len(broker.told) >= 2)
        broker.hold.set()
        await soon(lambda: len(broker.held) == 3)
    assert broker.told == ["3", "2"]


async def test_what_waits_to_be_heard_has_an_end_and_the_newest_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MOST_MESSAGES", 3)
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        broker.error = UnreachableError("down")
        for number in range(10):
            await intake.publish([message(str(number))])
        await back(broker)
        await soon(lambda: len(broker.told) >= 3)
        broker.hold.set()
        await soon(lambda: len(broker.held) == 10)
    assert sorted(broker.told) == ["7", "8", "9"]


# A disk that hangs


class Disk:
    """Takes what is written as soon as it answers."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()

    def fsync(self, descriptor: int) -> None:
        """Return when the bytes are safe."""
        self.answers.wait(60)
        os.fsync(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Answer, until a test says otherwise; nobody waits long for it."""
    monkeypatch.setattr(durable_publisher, "DISK_SECONDS", 0.2)
    return Disk()


async def test_a_disk_that_hangs_keeps_nobody_waiting_and_kafka_takes_messages_beside_it(
    tmp_path: Path, disk: Disk
) -> None:
    async with opened(broker := Broker(), tmp_path, fsync=disk.fsync) as (intake, _), asyncio.timeout(30):
        broker.error = UnreachableError("down")
        disk.answers.clear()
        for name in ("1", "2"):
            with pytest.raises(UnreachableError, match="disk does not respond"):
                await intake.publish([message(name)])
        broker.error = None
        assert await intake.publish([message("3")]) == "published"
        disk.answers.set()
        await soon(lambda: broker.held == ["3", "1"])
        broker.error = UnreachableError("down")
        assert await intake.publish([message("4")]) == "journaled"
        broker.error = None
        await soon(lambda: broker.held == ["3", "1", "4"])


async def test_behind_what_a_hanging_disk_has_promised_a_message_is_refused_and_keeps_its_place(
    tmp_path: Path, disk: Disk
) -> None:
    async with opened(broker := Broker(), tmp_path, fsync=disk.fsync) as (intake, _), asyncio.timeout(30):
        broker.error = UnreachableError("down")
        assert await intake.publish([message("1")]) == "journaled"
        disk.answers.clear()
        with pytest.raises(UnreachableError):
            await intake.publish([message("2")])
        broker.error = None
        with pytest.raises(UnreachableError):
            await intake.publish([message("3")])
        disk.answers.set()
        await soon(lambda: broker.held == ["1", "2"])
        assert await intake.publish([message("3")]) == "published"


# A blob store that is away, while Kafka answers


async def test_every_photo_that_waits_for_the_store_is_heard_and_not_only_the_first(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        broker.store_error = UnreachableError("the blob store is full")
        for number in range(3):
            await intake.publish([photo(str(number))])
        await soon(lambda: sorted(broker.told) == ["0", "1", "2"])


async def test_messages_that_need_no_blob_store_pass_a_photo_that_waits_for_it(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, journal):
        broker.store_error = UnreachableError("the blob store is full")
        assert await intake.publish([photo("photo")]) == "journaled"
        assert [await intake.publish([message(name)]) for name in ("1", "2")] == ["published", "published"]
        assert broker.held == ["1", "2"]
        assert journal.empty
        assert intake.journal_bytes > INLINE_LIMIT
        broker.store_error = None
        await soon(lambda: intake.journal_bytes == 0)
        assert broker.held == ["1", "2", "photo"]


async def test_a_request_of_both_kinds_is_kept_as_a_whole(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        broker.store_error = UnreachableError("the blob store is full")
        assert await intake.publish([photo("photo"), message("1")]) == "journaled"
        assert broker.held == ["1"]
        broker.store_error = None
        await soon(lambda: broker.held == ["1", "photo"])


async def test_what_was_journaled_for_kafka_does_not_wait_for_the_blob_store(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, journal):
        broker.error, broker.store_error = UnreachableError("down"), UnreachableError("the blob store is full")
        for one in (message("1"), photo("photo"), message("2")):
            assert await intake.publish([one]) == "journaled"
        broker.error = None
        await soon(lambda: journal.empty)
        assert broker.held == ["1", "2"]


async def test_photos_keep_their_order_over_a_restart(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        broker.store_error = UnreachableError("the blob store is full")
        for number in range(3):
            await intake.publish([photo(str(number))])
    async with opened(later := Broker(), tmp_path) as (intake, _):
        await soon(lambda: intake.journal_bytes == 0)
    assert (broker.held, later.held) == ([], ["0", "1", "2"])


async def test_photos_without_room_turn_nobody_else_away(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path, max_bytes=INLINE_LIMIT + 600) as (intake, _):
        broker.store_error = UnreachableError("the blob store is full")
        await intake.publish([photo("1")])
        with pytest.raises(UnreachableError, match="is full"):
            await intake.publish([photo("2")])
        assert (intake.full, intake.ready) == (True, True)
        broker.error = UnreachableError("down")
        assert await intake.publish([message("small")]) == "journaled"


async def test_messages_that_come_at_once_share_a_trip(tmp_path: Path) -> None:
    trips: list[int] = []

    class Counting(Broker):
        async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - the publisher's
            trips.append(len(messages))
            await super().publish_async(messages, timeout)

    broker = Counting()
    broker.delay = 0.01
    async with opened(broker, tmp_path) as (intake, _):
        await asyncio.gather(*(intake.publish([message(str(number))]) for number in range(100)))
    assert sum(trips) == 100
    assert len(trips) < 5
    assert broker.held == [str(number) for number in range(100)]


async def test_what_spoils_a_batch_spoils_only_its_own_request(tmp_path: Path) -> None:
    class Choking(Broker):
        async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - the publisher's
            if "poison" in [each.envelope.id for each in messages]:
                raise ValueError("not even our error")
            await super().publish_async(messages, timeout)

    async with opened(broker := Choking(), tmp_path) as (intake, _):
        sent = [intake.publish([message(name)]) for name in ("1", "poison", "3")]
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["published", "not even our error", "published"]
    assert broker.held == ["1", "3"]


async def test_a_request_that_nobody_waits_for_any_more_harms_no_other(tmp_path: Path) -> None:
    async with opened(broker := Broker(), tmp_path) as (intake, _):
        broker.delay = 0.02
        gone, other = (asyncio.create_task(intake.publish([message(name)])) for name in ("gone", "other"))
        await asyncio.sleep(0)
        gone.cancel()
        assert await other == "published"


async def test_what_keeps_the_journal_is_told_once_and_its_end_too(tmp_path: Path) -> None:
    broker = Broker()
    broker.error = UnreachableError("Kafka is away")

    def told(event: str) -> list[Any]:
        return [one for one in logs if one["event"] == event]

    with structlog.testing.capture_logs() as logs:
        async with opened(broker, tmp_path) as (intake, journal):
            await intake.publish([message("1")])
            await soon(lambda: broker.replays >= 5)
            assert [one["reason"] for one in told("journal_waits")] == ["Kafka is away"]
            broker.error = UnauthorizedError("no right")
            await soon(lambda: len(told("journal_waits")) == 2)
            assert not told("journal_goes_on")
            broker.error = None
            await soon(lambda: journal.empty)
            await soon(lambda: told("journal_goes_on"))
            broker.error = UnreachableError("Kafka is away")
            await intake.publish([message("2")])
            await soon(lambda: len(told("journal_waits")) == 3)


async def test_threads_that_hang_keep_no_message_from_the_disk_nor_from_kafka(
    tmp_path: Path, busy_threads: None
) -> None:
    """A platform waits for five seconds, three times, and never sends the message again."""
    async with opened(broker := Broker(), tmp_path) as (intake, journal), asyncio.timeout(60):
        broker.error = UnreachableError("down")
        assert await intake.publish([message("1"), photo("2")]) == "journaled"
        broker.error = None
        await soon(lambda: journal.empty and sorted(broker.held) == ["1", "2"])


async def test_a_disk_that_keeps_what_kafka_holds_by_now_turns_nobody_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that became read-only keeps the last segment for ever."""
    broker = Broker()
    async with opened(broker, tmp_path) as (intake, journal):
        broker.error = UnreachableError("down")
        assert await intake.publish([message("1")]) == "journaled"

        def read_only(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(Path, "unlink", read_only)
        monkeypatch.setattr(Segment, "write", read_only)
        with pytest.raises(UnreachableError, match="Read-only"):
            await intake.publish([message("2")])
        broker.error = None
        await soon(lambda: journal.drained)
        assert not journal.empty
        assert await intake.publish([message("3")]) == "published"
        assert broker.held == ["1", "3"]
        monkeypatch.undo()
        await soon(lambda: journal.empty)
    assert broker.held == ["1", "3"]

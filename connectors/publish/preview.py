"""Early: how a message begins that waits, for the blob store or in a journal, so that an emergency in it does not wait.

It goes into the message's own raw topic, under its name and with a type of its own: `screen` reads it as any other, and
nobody else does. The hand-over of the whole, when it comes, has the same id.
"""

import asyncio
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import structlog
from msgspec.structs import replace

from connectors import faults
from connectors.publish.disk_buffer import CLOSED, Journal
from schemas.codec import Outbound
from schemas.errors import FatalError, PipelineError, RetriableError
from schemas.records import RawMessage
from schemas.records.raw import BEGINNING_BYTES, beginning
from storage.thread_pool import Threads

# Ahead: what stands behind a journal's backlog is told at once by how it begins, so that no emergency waits there.
#
# `screen` alone reads a beginning. The message itself keeps its place in the journal, and so in its conversation.

MOST_MESSAGES, MOST_BYTES = 10_000, 32 << 20
"""What waits to be told at most; older ones come with the journal."""

AT_ONCE = 500


class Teller(Protocol):
    """What brings beginnings to Kafka."""

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        """Bring to Kafka how these begin; return those that have to be told again, as Kafka is away."""
        ...


class Ahead:
    """Tells the newest first: who writes now is in danger now."""

    def __init__(self, teller: Teller, journal: Journal, retry_seconds: float) -> None:
        self._teller = teller
        self._journal = journal
        self._retry = retry_seconds
        self._waiting: deque[RawMessage] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._threads = Threads(f"ahead-{journal.kind}")

    def put(self, messages: Iterable[RawMessage]) -> None:
        """Take what the journal has just got."""
        for message in messages:
            self._waiting.append(replace(message, value=message.value[:BEGINNING_BYTES]))
            self._bytes += len(self._waiting[-1].value)
        self._let_go_of_the_oldest()
        self._arrived.set()

    def _put_back(self, newest_first: Sequence[RawMessage]) -> None:
        """Take again what could not be told; what has come meanwhile is newer."""
        self._waiting.extendleft(newest_first)
        self._bytes += sum(len(message.value) for message in newest_first)
        self._let_go_of_the_oldest()

    def _let_go_of_the_oldest(self) -> None:
        while len(self._waiting) > MOST_MESSAGES or self._bytes > MOST_BYTES:
            self._bytes -= len(self._waiting.popleft().value)

    async def run(self) -> None:
        """Tell whatever comes, and first the newest of what an earlier process left, until this is cancelled."""
        self.put(await self._threads.do(self._journal.newest, MOST_BYTES))
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while batch := self._newest():
                if not self._journal.empty and (left := await self._told(batch)):
                    self._put_back(left)
                    await asyncio.sleep(self._retry)

    def close(self) -> None:
        """Let go of the thread. Safe twice."""
        self._threads.close()

    async def _told(self, batch: list[RawMessage]) -> list[RawMessage]:
        """Return those that have to be told again."""
        try:
            return await self._threads.do(self._teller.tell, batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the messages still come, and so must others
            faults.told(batch[0].channel, batch[0].envelope.account or "", error)
            return []

    def _newest(self) -> list[RawMessage]:
        batch = [self._waiting.pop() for _ in range(min(len(self._waiting), AT_ONCE))]
        self._bytes -= sum(len(message.value) for message in batch)
        return batch


_MOST = 10_000
"""Messages that are remembered as told; each is told once, though it is tried again each minute."""

_BATCH_MESSAGES, _BATCH_BYTES = 500, 4 << 20
"""Beginnings that are brought together."""

_log = structlog.get_logger(__name__)


class Producer(Protocol):
    """What brings records to Kafka."""

    def deliver_now(self, records: Sequence[Outbound]) -> None:
        """Return when the broker holds them."""
        ...


class Early:
    """Tells of what waits, once; whatever goes wrong with that, the whole message still comes. Thread-safe."""

    def __init__(self, producer: Producer, most: int = _MOST) -> None:
        self._producer = producer
        self._told: OrderedDict[str, None] = OrderedDict()
        self._most = most
        self._remembering = threading.Lock()

    def tell(self, waiting: Iterable[RawMessage]) -> list[RawMessage]:
        """Bring to Kafka how these begin, and return those that it does not take now; back-fill alarms nobody.

        A topic that takes nothing, as it is missing or not for our user, says nothing of the others: the whole message
        waits for it as well.
        """
        fresh = [one for one in waiting if one.message_id not in self._told and not one.backfill]
        left: list[RawMessage] = []
        for batch in _batches(fresh):
            try:
                self._tell(batch)
            except CLOSED:
                continue
            except PipelineError as error:
                _log.warning("beginning_not_told", connector=batch[0].envelope.account, error=type(error).__name__)
                left += batch
        return left

    def _tell(self, batch: list[RawMessage]) -> None:
        """Bring a batch; over a fault of ours each by itself, and what it came over not at all."""
        try:
            self._producer.deliver_now([beginning(one).outbound() for one in batch])
        except (RetriableError, FatalError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the whole message still comes
            if len(batch) > 1:
                for one in batch:
                    self._tell([one])
                return
            faults.told(batch[0].channel, batch[0].envelope.account or "", error)
        self._remember(batch)

    def _remember(self, batch: list[RawMessage]) -> None:
        with self._remembering:
            self._told.update(dict.fromkeys(one.message_id for one in batch))
            while len(self._told) > self._most:
                self._told.popitem(last=False)


def _batches(messages: Iterable[RawMessage]) -> Iterator[list[RawMessage]]:
    """Yield the messages of each topic in pieces that are no burden."""
    by_topic: defaultdict[str, list[RawMessage]] = defaultdict(list)
    for one in messages:
        by_topic[one.topic].append(one)
    for of_topic in by_topic.values():
        batch: list[RawMessage] = []
        size = 0
        for one in of_topic:
            size += min(len(one.value), BEGINNING_BYTES)
            if batch and (size > _BATCH_BYTES or len(batch) == _BATCH_MESSAGES):
                yield batch
                batch, size = [], min(len(one.value), BEGINNING_BYTES)
            batch.append(one)
        yield batch

"""Previews: the beginning of a message that waits for the blob store or in a journal, so that screen reads it at once.

The preview goes into the message's own raw topic under its id, with its own type: only `screen` reads it. The
hand-over of the whole message, which comes later, has the same id.
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

# Previews of messages behind a journal's backlog are published at once, so that no emergency waits there.
#
# Only `screen` reads a preview. The message itself keeps its place in the journal, and so in its conversation.

MOST_MESSAGES, MOST_BYTES = 10_000, 32 << 20
"""Most previews that wait; older ones come with the journal."""

AT_ONCE = 500


class Teller(Protocol):
    """Publishes previews."""

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        """Publish previews of these; return those to repeat, because Kafka is unreachable."""
        ...


class Ahead:
    """Publishes the newest previews first: a person who writes now is in danger now."""

    def __init__(self, teller: Teller, journal: Journal, retry_seconds: float) -> None:
        self._teller = teller
        self._journal = journal
        self._retry = retry_seconds
        self._waiting: deque[RawMessage] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._threads = Threads(f"ahead-{journal.kind}")

    def put(self, messages: Iterable[RawMessage]) -> None:
        """Add messages that the journal has just stored."""
        for message in messages:
            self._waiting.append(replace(message, value=message.value[:BEGINNING_BYTES]))
            self._bytes += len(self._waiting[-1].value)
        self._let_go_of_the_oldest()
        self._arrived.set()

    def _put_back(self, newest_first: Sequence[RawMessage]) -> None:
        """Add failed previews again; messages that came meanwhile are newer."""
        self._waiting.extendleft(newest_first)
        self._bytes += sum(len(message.value) for message in newest_first)
        self._let_go_of_the_oldest()

    def _let_go_of_the_oldest(self) -> None:
        while len(self._waiting) > MOST_MESSAGES or self._bytes > MOST_BYTES:
            self._bytes -= len(self._waiting.popleft().value)

    async def run(self) -> None:
        """Publish previews until cancelled, starting with the newest messages of an earlier process."""
        self.put(await self._threads.do(self._journal.newest, MOST_BYTES))
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while batch := self._newest():
                if not self._journal.empty and (left := await self._told(batch)):
                    self._put_back(left)
                    await asyncio.sleep(self._retry)

    def close(self) -> None:
        """Stop the thread. Idempotent."""
        self._threads.close()

    async def _told(self, batch: list[RawMessage]) -> list[RawMessage]:
        """Return the previews to repeat."""
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
"""Messages that are remembered as previewed; each is previewed once, although it is retried each minute."""

_BATCH_MESSAGES, _BATCH_BYTES = 500, 4 << 20
"""Previews in one request."""

_log = structlog.get_logger(__name__)


class Producer(Protocol):
    """Publishes records."""

    def deliver_now(self, records: Sequence[Outbound]) -> None:
        """Return when the broker holds them."""
        ...


class Early:
    """Publishes a preview of each waiting message once; an error affects no whole message. Thread-safe."""

    def __init__(self, producer: Producer, most: int = _MOST) -> None:
        self._producer = producer
        self._told: OrderedDict[str, None] = OrderedDict()
        self._most = most
        self._remembering = threading.Lock()

    def tell(self, waiting: Iterable[RawMessage]) -> list[RawMessage]:
        """Publish previews of these, and return those that Kafka does not accept now; back-fill has no previews.

        An error of one topic, missing or forbidden, says nothing about the others: the whole message waits for that
        as well.
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
        """Publish a batch; after an internal error each by itself, without those that cause it."""
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
    """Yield the messages of each topic in small pieces."""
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

"""Publisher: a message counts as published only when the broker holds it.

Invariant I1 of docs/explanation/invariants.md.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import obstore
from obstore.exceptions import BaseError as BlobError
from obstore.store import ObjectStore

from broker.config import KafkaConnection
from broker.sync_producer import Producer
from connectors import metrics
from connectors.publish.preview import Early
from schemas import ids, topics
from schemas.codec import Outbound, Position
from schemas.envelope import Headers
from schemas.errors import PipelineError, StoreAwayError, TooLargeError, UnreachableError
from schemas.records import DeadLetter, RawMessage
from schemas.records.raw import INLINE_LIMIT, SIZE_LIMIT
from schemas.tracing import OFF, Tracer
from storage.blob_store import settle
from storage.paths import RAW
from storage.thread_pool import Threads

STAGE = "connector"
"""The stage in dead letters of messages that never became a raw record."""

HEADERS_LIMIT = 64 * 1024
"""Limit of key and headers, in bytes; only an attack exceeds it."""

WAITING_LIMIT = 64 * 1024 * 1024
"""Bytes that may wait in `publish_async` for a silent broker; beyond it, it refuses at once."""

STORE_SECONDS = 30.0
"""Seconds that `publish` waits for the blob store for one message; a hanging store must not delay small messages."""

PUSHED_AT_ONCE = 4
"""Large messages of `publish_async` that the blob store takes at a time: it may hang."""

ATTEMPTS = 5
"""A message that caused so many internal errors is set aside, and those behind it go on."""

_TRIMMED = 1024


class Publisher:
    """Publishes raw messages and dead letters to Kafka, after their large bytes to the blob store. Thread-safe."""

    def __init__(
        self, connection: KafkaConnection, blobs: ObjectStore, producer: Producer | None = None, tracer: Tracer = OFF
    ) -> None:
        self._producer = producer or Producer(connection)
        self._tracer = tracer
        self._blobs = blobs
        self._sender = ThreadPoolExecutor(1, "publisher")
        self._storing = ThreadPoolExecutor(1, "blobs")
        self._pushed = Threads("pushed", PUSHED_AT_ONCE)
        self._late: tuple[str, Future[Outbound]] | None = None
        self._lock = threading.Lock()
        self._waiting = 0
        self._faults: Counter[str] = Counter()
        self._early = Early(self._producer)

    def publish(self, messages: Iterable[RawMessage], dead: Iterable[DeadLetter] = ()) -> None:
        """Return when the broker holds all of it; raises RetriableError if it may not.

        After an error the whole batch is unacknowledged: publish it again, repeats are harmless.
        """
        with metrics.PUBLISH_SECONDS.time(), self._tracer.hop(STAGE) as hop:
            records = self._stored(list(messages))
            records += [letter.outbound() for letter in dead]
            self._producer.deliver_now(hop.begins(records))
        _count(records)

    async def publish_async(
        self,
        messages: Sequence[RawMessage],
        timeout: float,  # noqa: ASYNC109 - the receiver's own deadline: it must get our error, not a TimeoutError
    ) -> None:
        """Return when the broker holds all of it; raises UnreachableError if it does not after `timeout` seconds.

        Abandoned records may still arrive later, as repeats.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        with metrics.PUBLISH_SECONDS.time(), self._tracer.hop(STAGE) as hop:
            records = await self._safe_by(deadline, messages)
            try:
                async with asyncio.timeout_at(deadline):
                    await self._delivered(hop.begins(records))
            except TimeoutError as error:
                self._producer.replace_hung()
                raise UnreachableError(f"Kafka did not confirm within {timeout} s: check that it runs") from error
        _count(records)

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        """Publish previews of messages that have to wait; return those that Kafka does not accept now."""
        return self._early.tell(messages)

    def close(self) -> None:
        """Deliver pending records, then close. Idempotent."""
        self._sender.shutdown()
        self._storing.shutdown(wait=False)
        self._pushed.close()
        self._producer.close()

    def _stored(self, messages: Sequence[RawMessage]) -> list[Outbound]:
        """Return the records. Raises StoreAwayError if the blob store does not accept large bytes."""
        try:
            return [self._record_in_time(message) for message in messages]
        except StoreAwayError as error:
            large = [message for message in messages if len(message.value) > INLINE_LIMIT]
            self._early.tell(large)
            raise StoreAwayError(str(error), frozenset(message.message_id for message in large)) from error

    def _record_in_time(self, message: RawMessage) -> Outbound:
        """Return the record; a hanging store is left alone and gets no further write meanwhile."""
        if len(message.value) <= INLINE_LIMIT:
            return self._record(message)
        late, self._late = self._late, None
        if late is not None and not late[1].done():
            self._late = late
            raise StoreAwayError("the blob store has accepted no message for a long time: check that it can be reached")
        known = late is not None and late[0] == message.message_id
        storing = late[1] if late is not None and known else self._storing.submit(self._record, message)
        try:
            return storing.result(STORE_SECONDS)
        except TimeoutError as error:
            if storing.done():
                raise
            self._late = message.message_id, storing
            raise StoreAwayError(
                f"the blob store did not accept a message within {STORE_SECONDS:.0f} s: check that it can be reached"
            ) from error

    async def _delivered(self, records: Sequence[Outbound]) -> None:
        size = sum(len(record.value) for record in records)
        self._take(size)
        delivery: Future[None] = Future()
        delivery.add_done_callback(lambda _: self._take(-size))
        job = self._start(records, delivery)
        waiter = asyncio.wrap_future(delivery)
        waiter.add_done_callback(_look_at)
        try:
            await asyncio.wait([waiter])  # leaves the delivery alone if this wait is given up
        except asyncio.CancelledError:
            if job and job.cancel():
                delivery.cancel()
            raise
        waiter.result()

    def _start(self, records: Sequence[Outbound], delivery: Future[None]) -> Future[None] | None:
        """Queue the records, in a thread if that could block: an unknown topic must not hold up the event loop."""
        if self._producer.is_ready(records):
            self._deliver(records, delivery)
            return None
        return self._sender.submit(self._deliver, records, delivery)

    def _deliver(self, records: Sequence[Outbound], delivery: Future[None]) -> None:
        self._producer.deliver(records).add_done_callback(lambda done: _pass_on(done, delivery))

    def _take(self, size: int) -> None:
        with self._lock:
            if size > 0 and self._waiting + size > WAITING_LIMIT:
                self._producer.replace_hung()
                raise UnreachableError("Kafka is behind and too many messages wait for it: check that it runs")
            self._waiting += size

    async def _safe_by(self, deadline: float, messages: Sequence[RawMessage]) -> list[Outbound]:
        try:
            async with asyncio.timeout_at(deadline):
                return [await self._safe_soon(message) for message in messages]
        except TimeoutError as error:
            raise UnreachableError(
                "the blob store did not accept a message in time: check that it can be reached"
            ) from error

    async def _safe_soon(self, message: RawMessage) -> Outbound:
        if len(message.value) <= INLINE_LIMIT:
            return self._record(message)
        return await self._pushed.do(self._record, message)

    def _record(self, message: RawMessage) -> Outbound:
        """Return the record of a message; after enough internal errors, its dead letter."""
        try:
            record = self._safe(message)
        except PipelineError:
            raise
        except Exception as error:
            self._faults[message.message_id] += 1
            if self._faults[message.message_id] < ATTEMPTS:
                raise
            record = _put_aside(self._fitting(_plain(message)), error)
        self._faults.pop(message.message_id, None)
        return record

    def _safe(self, message: RawMessage) -> Outbound:
        """Return a record that Kafka accepts; its large bytes go to the blob store first."""
        if len(message.value) > SIZE_LIMIT:
            reason = f"{len(message.value)} bytes are over the limit"
            return _put_aside(msgspec.structs.replace(message, value=b""), TooLargeError(reason))
        message = self._fitting(message)
        record = message.outbound()
        if len(record.key) + sum(len(value) for _, value in record.headers) > HEADERS_LIMIT:
            return _put_aside(message, TooLargeError("its sender or other attributes exceed the limit"))
        return record

    def _fitting(self, message: RawMessage) -> RawMessage:
        """Return the message, with bytes that Kafka does not accept in the blob store."""
        if len(message.value) <= INLINE_LIMIT:
            return message
        sha256 = message.envelope.sha256 or ""
        path = ids.blob_path(message.jurisdiction, message.message_id, sha256)
        try:
            # In one piece: a bucket keeps the parts of an interrupted upload and does not list them.
            obstore.put(self._blobs, path, message.value, use_multipart=False)
            obstore.put(self._blobs, f"{path}{RAW}", b"")
            settle(self._blobs, (path, f"{path}{RAW}"))
        except (BlobError, OSError) as error:
            raise StoreAwayError(
                f"the blob store did not accept a message ({type(error).__name__}): check that it can be "
                "reached and has room"
            ) from error
        metrics.CLAIMED.labels(message.channel).inc()
        return msgspec.structs.replace(
            message, value=b"", envelope=msgspec.structs.replace(message.envelope, dataref=path)
        )


def _plain(message: RawMessage) -> RawMessage:
    """Return the message with the present time: the other side's may be one that cannot be encoded."""
    envelope = msgspec.structs.replace(message.envelope, time=message.envelope.recordedtime)
    return msgspec.structs.replace(message, envelope=envelope)


def _put_aside(message: RawMessage, error: Exception) -> Outbound:
    """Return the dead letter of a message that cannot become a raw record, without the parts beyond the limit."""
    record = message.outbound()
    headers: Headers = [(name, value[:_TRIMMED]) for name, value in record.headers]
    return DeadLetter.of(
        error,
        stage=STAGE,
        position=Position(record.topic, -1, -1),
        key=record.key[:_TRIMMED],
        value=record.value,
        headers=headers,
    ).outbound()


def _pass_on(done: Future[None], to: Future[None]) -> None:
    error = done.exception()
    if error is not None:
        to.set_exception(error)
    else:
        to.set_result(None)


def _look_at(waiter: asyncio.Future[None]) -> None:
    # No caller may await it any more; asyncio would log its exception as never retrieved.
    if not waiter.cancelled():
        waiter.exception()


def _count(records: Iterable[Outbound]) -> None:
    sent: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for record in records:
        sent[record.topic] += 1
        size[record.topic] += len(record.value)
        if record.topic == topics.DEAD:
            metrics.DEAD_LETTERS.labels(_text(record, "ce_channel"), _text(record, "hotline.error.code")).inc()
    for topic, number in sent.items():
        metrics.RECORDS.labels(topic).inc(number)
        metrics.BYTES.labels(topic).inc(size[topic])


def _text(record: Outbound, name: str) -> str:
    return dict(record.headers).get(name, b"unknown").decode(errors="replace")

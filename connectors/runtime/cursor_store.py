"""Cursors: the newest record of a connector in the compacted topic `hotline.cursor.v1`.

For a pull connector it is the position in its source, for a session what the account's next owner must know.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from broker.config import KafkaConnection
from broker.sync_client import READ_SECONDS, Connect, reader, up_to
from broker.sync_producer import Producer
from connectors.base import utc_now
from schemas import topics
from schemas.codec import Outbound, decode, encode
from schemas.envelope import Envelope, schema_of, type_of
from schemas.errors import SchemaError, UnreachableError
from schemas.records import Cursor

_log = structlog.get_logger(__name__)


class Cursors:
    """The cursor of one connector. One process at a time owns it; `load` reads Kafka once and then remembers.

    Reading it from Kafka begins a new epoch, and the newest record of the highest epoch counts: a late save of a
    former owner (a process that was frozen) has no effect.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        connector_id: str,
        *,
        producer: Producer | None = None,
        connect: Connect = KafkaConsumer,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._connection = connection
        self._connector_id = connector_id
        self._producer = producer or Producer(connection)
        self._connect = connect
        self._now = now
        self._known: Cursor | None = None
        self._epoch = 0

    def load(self) -> Cursor:
        """Return the newest saved cursor, an empty one on a first start. Raises as `clients.reader` does."""
        if self._known is None:
            self._known = self._read()
            self._epoch = self._known.epoch + 1
        return self._known

    def forget(self) -> None:
        """Read Kafka at the next `load`: another process may have owned the cursor meanwhile."""
        self._known = None

    def save(self, cursor: Cursor) -> None:
        """Return when the broker holds the cursor; raises RetriableError if it may not."""
        self.load()  # the epoch comes with it
        stamped = msgspec.structs.replace(cursor, connector_id=self._connector_id, at=self._now(), epoch=self._epoch)
        self._producer.deliver_now([self._record(stamped)])
        self._known = stamped

    def close(self) -> None:
        """Close the clients. Idempotent."""
        self._producer.close()

    @property
    def _key(self) -> bytes:
        return self._connector_id.encode()

    def _record(self, cursor: Cursor) -> Outbound:
        at = cursor.at or self._now()
        envelope = Envelope(
            id=f"{self._connector_id}:{at.isoformat()}",
            source=f"/hotline/cursor/{self._connector_id}",
            type=type_of("cursor"),
            dataschema=schema_of("cursor"),
            time=at,
            recordedtime=at,
        )
        return Outbound(topics.CURSOR, self._key, encode(cursor), envelope.headers())

    def _read(self) -> Cursor:
        with reader(self._connection, self._connect) as consumer:
            return self._newest(list(self._values(consumer)))

    def _values(self, consumer: Any) -> Iterator[bytes]:
        """Yield this connector's records, oldest first, up to the present end of its partition."""
        partition = self._partition(consumer)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition], timeout_ms=READ_SECONDS * 1000)[partition]
        for found in up_to(consumer, {partition: end}):
            yield from (record.value for record in found.get(partition, ()) if record.key == self._key and record.value)

    def _partition(self, consumer: Any) -> TopicPartition:
        numbers = consumer.partitions_for_topic(topics.CURSOR)
        if not numbers:
            raise UnreachableError(
                f"Kafka shows our user no topic {topics.CURSOR}: run `hotline topics create` or `hotline doctor`"
            )
        # As the producer places the key, so that one partition is read and not all of them.
        return TopicPartition(topics.CURSOR, (murmur2(self._key) & 0x7FFFFFFF) % len(numbers))

    def _newest(self, values: list[bytes]) -> Cursor:
        newest = Cursor(connector_id=self._connector_id)
        for value in values:
            try:
                cursor = decode(value, Cursor)
            except SchemaError:
                # An older cursor, or none, only repeats what is already known.
                _log.warning("cursor_unreadable", connector=self._connector_id)
                continue
            if cursor.epoch >= newest.epoch:
                newest = cursor
        return newest

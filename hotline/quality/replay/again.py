"""Reads the inputs' raw records again and normalizes them by the rules of this process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from kafka import TopicPartition
from obstore.store import ObjectStore

from broker import kafka_reader
from broker.config import KafkaConnection
from broker.sync_client import reader
from hotline.quality.replay.record import Input
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.codec import Position
from schemas.errors import MissingBlobError, RecordError, RetriableError
from schemas.records import Message, RawRef, raw_of
from streams.blobs import Blobs
from streams.engine.input import is_claimed

WINDOW = 200
"""Inputs whose raw records are fetched together: they lie in several topics, each read in its own order."""


class Again:
    """`gone` counts inputs whose bytes no longer exist: they are taken as they were understood then."""

    def __init__(self, connection: KafkaConnection, blobs: ObjectStore, policy: Policy) -> None:
        self._connection = connection
        self._blobs = Blobs(blobs)
        self._policy = policy
        self.gone = 0

    def __call__(self, inputs: Iterable[tuple[Any, Input]]) -> Iterator[tuple[Any, Input | RecordError]]:
        """Yield each input as it would be read now, or the error that would make it a dead letter."""
        rest = iter(inputs)
        with reader(self._connection) as consumer:
            while window := list(islice(rest, WINDOW)):
                raws = _fetched(consumer, [given.raw for _, given in window if isinstance(given, Message)])
                for record, given in window:
                    yield record, self._again(given, raws) if isinstance(given, Message) else given

    def _again(self, message: Message, raws: dict[Position, Any]) -> Input | RecordError:
        place = _place(message.raw)
        record = raws.get(place) if place else None
        if record is None:
            self.gone += 1
            return message
        try:
            raw = raw_of(record)
            if raw.message_id != message.message_id:
                raise MissingBlobError("the topic was created again and has another record there")
            raw = asyncio.run(self._blobs.loaded(raw)) if is_claimed(raw) else raw
            return normalize(raw, self._policy).message
        except MissingBlobError:
            self.gone += 1
            return message
        except RecordError as error:
            return error
        except RetriableError:  # without the store the differences are unknown
            raise
        except Exception as error:  # noqa: BLE001 - as in streams/normalize.py: any fault of one record is that record's
            return RecordError(type(error).__name__)


def _fetched(consumer: Any, refs: Iterable[RawRef]) -> dict[Position, Any]:
    wanted: dict[TopicPartition, list[int]] = defaultdict(list)
    for place in filter(None, map(_place, refs)):
        wanted[TopicPartition(place.topic, place.partition)].append(place.offset)
    found: dict[Position, Any] = {}
    for partition, offsets in wanted.items():
        for record in kafka_reader.records_at(consumer, partition, offsets):
            found[Position(record.topic, record.partition, record.offset)] = record
    return found


def _place(ref: RawRef) -> Position | None:
    if ref.topic is None or ref.partition is None or ref.offset is None:
        return None
    return Position(ref.topic, ref.partition, ref.offset)

"""Topic ids: a topic that was made anew has the old one's name, and an id of its own, which aiokafka never asks for.

Kafka's clients know topics by name: in one that was made anew they go on at the old one's position, and nobody reads
what stands before it. So a position is committed with the id of the topic that it is of, and counts for nothing in
another; and who reads a topic that is made anew under it ends, to be started again and read it from its beginning.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, UnknownTopicOrPartitionError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)
from aiokafka.structs import OffsetAndMetadata

from schemas.errors import MadeAnewError

ASK_SECONDS = 10.0
"""How often it is asked whether a topic is still the one it was."""

_METADATA, _VERSION = 3, 10
"""The first version of this question whose answer has ids: Kafka 2.8."""

_log = structlog.get_logger(__name__)


class _Answer(Response):  # type: ignore[misc] # aiokafka has no types
    API_KEY, API_VERSION = _METADATA, _VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("id_high", Int64),
                ("id_low", Int64),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc] # as above
    API_KEY, API_VERSION = _METADATA, _VERSION
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("id_high", Int64), ("id_low", Int64), ("topic", CompactString("utf-8")), ("tags", TaggedFields)
            ),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _Ask(Request[_Question]):  # type: ignore[misc] # as above
    API_KEY = _METADATA

    def __init__(self, names: Iterable[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class([(0, 0, name, {}) for name in self._names], False, False, False, {})


class TopicIds:
    """Of the topics that a consumer of a group reads, as they were when it began with each; it has started."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._client: Any = consumer._client
        self._known: dict[str, str] = {}
        coordinator: Any = consumer._coordinator
        self._committed, coordinator._do_fetch_commit_offsets = coordinator._do_fetch_commit_offsets, self._of_these
        self._commit, coordinator._do_commit_offsets = coordinator._do_commit_offsets, self._marked

    async def watch(self) -> NoReturn:
        """Raise MadeAnewError when a topic has been."""
        while True:
            await asyncio.sleep(ASK_SECONDS)
            with suppress(KafkaError):  # it is asked again
                self._compare(await self._asked(self._known))

    async def watched(self, work: Coroutine[Any, Any, None]) -> None:
        """Work; raises MadeAnewError when a topic is made anew meanwhile."""
        tasks: list[asyncio.Task[None]] = [asyncio.create_task(work), asyncio.create_task(self.watch())]
        try:
            for task in (await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))[0]:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _compare(self, now: Mapping[str, str | None]) -> None:
        for topic, identifier in now.items():
            if identifier is not None and self._known[topic] != identifier:
                raise MadeAnewError(topic)

    async def _of_these(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        """Return where the group stands; what it committed in another topic of the name is left out."""
        unknown = {place.topic for place in partitions} - self._known.keys()
        if unknown:  # whatever keeps Kafka from telling, the library asks for the positions again
            found = await self._asked(unknown)
            self._known |= {topic: identifier for topic, identifier in found.items() if identifier is not None}
            if None in found.values():  # nor could it be told which topic a position is of
                raise UnknownTopicOrPartitionError
        committed: dict[TopicPartition, OffsetAndMetadata] = await self._committed(partitions)
        others = {place for place, at in committed.items() if self._is_of_another(place.topic, at.metadata)}
        for place in others:
            _log.warning("position_of_another_topic", topic=place.topic, partition=place.partition)
        return {place: at for place, at in committed.items() if place not in others}

    def _is_of_another(self, topic: str, mark: str) -> bool:
        return bool(mark) and mark != self._known.get(topic, mark)

    async def _marked(self, assignment: Any, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        marked = {
            place: OffsetAndMetadata(at.offset, self._known.get(place.topic, "")) for place, at in offsets.items()
        }
        await self._commit(assignment, marked)

    async def _asked(self, names: Collection[str]) -> dict[str, str | None]:
        """Return the ids of topics: None of one that the broker does not know, as it was deleted or made just now.

        Kafka before 2.8 has no ids, and tells of none.
        """
        node = self._client.get_random_node()
        try:
            answer = await self._client.send(node, _Ask(names))
        except (NotImplementedError, IncompatibleBrokerVersion):
            return {}
        return {
            name: None if code else f"{high & _MASK:016x}{low & _MASK:016x}"
            for code, name, high, low, *_ in answer.topics
        }


_MASK = (1 << 64) - 1

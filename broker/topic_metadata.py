"""Metadata of topics that aiokafka does not ask for: ids and leader epochs."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import IncompatibleBrokerVersion
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

_METADATA, _VERSION = 3, 10
"""First version of the Metadata request whose response has ids: Kafka 2.8."""


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


class Leader(NamedTuple):
    """Leader of a partition and its epoch."""

    node: int
    epoch: int


class Topic(NamedTuple):
    """A topic as the broker knows it; `identifier` is None if the broker does not know it yet."""

    identifier: str | None
    leaders: Mapping[int, Leader]


async def described(client: Any, names: Collection[str], node: int | None = None) -> dict[str, Topic]:
    """Ask a broker, any or `node`, about topics; Kafka before 2.8 returns no ids.

    Raises aiokafka's KafkaError.
    """
    try:
        answer = await client.send(client.get_random_node() if node is None else node, _Ask(names))
    except (NotImplementedError, IncompatibleBrokerVersion):
        return {}
    return {
        name: Topic(None if code else f"{high & _MASK:016x}{low & _MASK:016x}", _leaders(partitions))
        for code, name, high, low, _, partitions, *_ in answer.topics
    }


def epochs_of(facts: Mapping[str, Topic]) -> dict[TopicPartition, int]:
    """Return the leader epochs that are known."""
    return {
        TopicPartition(name, number): leader.epoch
        for name, topic in facts.items()
        for number, leader in topic.leaders.items()
    }


def _leaders(partitions: Iterable[Any]) -> dict[int, Leader]:
    return {number: Leader(node, epoch) for code, number, node, epoch, *_ in partitions if not code and node >= 0}


_MASK = (1 << 64) - 1

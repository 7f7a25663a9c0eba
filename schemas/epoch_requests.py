"""Requests of Kafka's protocol with the epochs of leaders (KIP-320), which aiokafka knows in older versions alone."""

from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.commit import (
    OffsetCommitRequest,
    OffsetCommitRequest_v3,
    OffsetCommitResponse_v3,
    OffsetFetchRequest,
    OffsetFetchRequest_v3,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.types import Array, Int16, Int32, Int64, Schema, String

UNKNOWN = -1
"""No epoch: the broker then does not compare."""


def _by_topic(*fields: tuple[str, Any]) -> tuple[str, Any]:
    """Return the field that holds these of each partition, by topic."""
    return "topics", Array(("topic", String("utf-8")), ("partitions", Array(*fields)))


class EndAnswer(Response):  # type: ignore[misc] # aiokafka has no types
    """Where the log of an epoch ended."""

    API_KEY, API_VERSION = 23, 2
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        _by_topic(("error_code", Int16), ("partition", Int32), ("leader_epoch", Int32), ("end_offset", Int64)),
    )


class EndQuestion(RequestStruct):  # type: ignore[misc] # as above
    """Asks a leader where the log of an epoch ended (OffsetForLeaderEpoch)."""

    API_KEY, API_VERSION = 23, 2
    RESPONSE_TYPE = EndAnswer
    SCHEMA = Schema(_by_topic(("partition", Int32), ("current_leader_epoch", Int32), ("leader_epoch", Int32)))


class End(Request[EndQuestion]):  # type: ignore[misc] # as above
    """The question for one partition; `current` is the leader's epoch, `known` the one that we read in."""

    API_KEY = 23

    def __init__(self, place: TopicPartition, current: int, known: int) -> None:
        self._asked = [(place.topic, [(place.partition, current, known)])]

    def build(self, request_struct_class: type[EndQuestion]) -> EndQuestion:
        """Return the request in the version that the broker knows."""
        return request_struct_class(self._asked)


class CommitAnswer(Response):  # type: ignore[misc] # as above
    """Whether the offsets are committed."""

    API_KEY, API_VERSION = 8, 6
    SCHEMA = OffsetCommitResponse_v3.SCHEMA


class CommitQuestion(RequestStruct):  # type: ignore[misc] # as above
    """Offsets to be committed, each with the epoch in which it was read."""

    API_KEY, API_VERSION = 8, 6
    RESPONSE_TYPE = CommitAnswer
    SCHEMA = Schema(
        ("consumer_group", String("utf-8")),
        ("consumer_group_generation_id", Int32),
        ("consumer_id", String("utf-8")),
        _by_topic(("partition", Int32), ("offset", Int64), ("leader_epoch", Int32), ("metadata", String("utf-8"))),
    )


class Commit(Request[OffsetCommitRequest_v3 | CommitQuestion]):  # type: ignore[misc] # as above
    """A commit of aiokafka's, with epochs where the broker knows them."""

    API_KEY = 8

    def __init__(self, asked: OffsetCommitRequest, epochs: Mapping[TopicPartition, int]) -> None:
        self._asked = asked
        self._epochs = epochs

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """Return the request in the version that the broker knows."""
        asked = self._asked
        if request_struct_class is not CommitQuestion:
            return asked.build(request_struct_class)
        marked = [
            (topic, [(number, at, _epoch_of(self._epochs, topic, number), text) for number, at, text in partitions])
            for topic, partitions in asked._topics
        ]
        return CommitQuestion(asked._consumer_group, asked._consumer_group_generation_id, asked._consumer_id, marked)


class CommittedAnswer(Response):  # type: ignore[misc] # as above
    """What a group committed, each with the epoch in which it was read."""

    API_KEY, API_VERSION = 9, 5
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        _by_topic(
            ("partition", Int32),
            ("offset", Int64),
            ("leader_epoch", Int32),
            ("metadata", String("utf-8")),
            ("error_code", Int16),
        ),
        ("error_code", Int16),
    )


class CommittedQuestion(RequestStruct):  # type: ignore[misc] # as above
    """Asks what a group committed."""

    API_KEY, API_VERSION = 9, 5
    RESPONSE_TYPE = CommittedAnswer
    SCHEMA = OffsetFetchRequest_v3.SCHEMA


class Committed(Request[OffsetFetchRequest_v3 | CommittedQuestion]):  # type: ignore[misc] # as above
    """A question of aiokafka's, whose answer has epochs where the broker knows them."""

    API_KEY = 9

    def __init__(self, asked: OffsetFetchRequest) -> None:
        self._asked = asked

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """Return the request in the version that the broker knows."""
        return self._asked.build(request_struct_class)


class Fetch(FetchRequest):  # type: ignore[misc] # as above
    """A fetch that says which epochs we know."""

    def __init__(self, asked: FetchRequest, epochs: Mapping[TopicPartition, int]) -> None:
        self.__dict__.update(asked.__dict__)
        self._epochs = epochs

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """Return the request in the version that the broker knows."""
        built: Any = super().build(request_struct_class)
        if built.API_VERSION >= 9:
            built.topics = [
                (topic, [(number, _epoch_of(self._epochs, topic, number), *rest) for number, _, *rest in partitions])
                for topic, partitions in built.topics
            ]
        return built


def _epoch_of(epochs: Mapping[TopicPartition, int], topic: str, number: int) -> int:
    return epochs.get(TopicPartition(topic, number), UNKNOWN)

"""Leader epochs for aiokafka: detect a truncated log and continue at its new end (KIP-320).

If a broker returns with a shorter log, new records take the offsets of the lost ones. Kafka's Java client notices by
the leader epoch that the log diverged; aiokafka compares offsets only, and would skip the new records. Here each
fetch carries the known epoch, a broker with a later one refuses it, and `OffsetForLeaderEpoch` tells where the log of
the known epoch ended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, NotLeaderForPartitionError, OffsetOutOfRangeError
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

from broker.topic_metadata import described

# Requests of Kafka's protocol with leader epochs (KIP-320); aiokafka has older versions of them only.

UNKNOWN = -1
""""No epoch": the broker does not compare."""


def _by_topic(*fields: tuple[str, Any]) -> tuple[str, Any]:
    """Return the entries of partitions grouped by topic, as the protocol has them."""
    return "topics", Array(("topic", String("utf-8")), ("partitions", Array(*fields)))


class EndAnswer(Response):  # type: ignore[misc] # aiokafka has no types
    """Response: end offset of an epoch."""

    API_KEY, API_VERSION = 23, 2
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        _by_topic(("error_code", Int16), ("partition", Int32), ("leader_epoch", Int32), ("end_offset", Int64)),
    )


class EndQuestion(RequestStruct):  # type: ignore[misc] # as above
    """Request OffsetForLeaderEpoch."""

    API_KEY, API_VERSION = 23, 2
    RESPONSE_TYPE = EndAnswer
    SCHEMA = Schema(_by_topic(("partition", Int32), ("current_leader_epoch", Int32), ("leader_epoch", Int32)))


class End(Request[EndQuestion]):  # type: ignore[misc] # as above
    """OffsetForLeaderEpoch for one partition; `current` is the leader's epoch, `known` that of the records."""

    API_KEY = 23

    def __init__(self, place: TopicPartition, current: int, known: int) -> None:
        self._asked = [(place.topic, [(place.partition, current, known)])]

    def build(self, request_struct_class: type[EndQuestion]) -> EndQuestion:
        """Return the request in a version that the broker supports."""
        return request_struct_class(self._asked)


class CommitAnswer(Response):  # type: ignore[misc] # as above
    """Response of OffsetCommit."""

    API_KEY, API_VERSION = 8, 6
    SCHEMA = OffsetCommitResponse_v3.SCHEMA


class CommitQuestion(RequestStruct):  # type: ignore[misc] # as above
    """OffsetCommit with the epoch of each offset."""

    API_KEY, API_VERSION = 8, 6
    RESPONSE_TYPE = CommitAnswer
    SCHEMA = Schema(
        ("consumer_group", String("utf-8")),
        ("consumer_group_generation_id", Int32),
        ("consumer_id", String("utf-8")),
        _by_topic(("partition", Int32), ("offset", Int64), ("leader_epoch", Int32), ("metadata", String("utf-8"))),
    )


class Commit(Request[OffsetCommitRequest_v3 | CommitQuestion]):  # type: ignore[misc] # as above
    """OffsetCommit of aiokafka, with epochs if the broker supports them."""

    API_KEY = 8

    def __init__(self, asked: OffsetCommitRequest, epochs: Mapping[TopicPartition, int]) -> None:
        self._asked = asked
        self._epochs = epochs

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """Return the request in a version that the broker supports."""
        asked = self._asked
        if request_struct_class is not CommitQuestion:
            return asked.build(request_struct_class)
        marked = [
            (topic, [(number, at, _epoch_of(self._epochs, topic, number), text) for number, at, text in partitions])
            for topic, partitions in asked._topics
        ]
        return CommitQuestion(asked._consumer_group, asked._consumer_group_generation_id, asked._consumer_id, marked)


class CommittedAnswer(Response):  # type: ignore[misc] # as above
    """Response of OffsetFetch, with the epoch of each offset."""

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
    """OffsetFetch."""

    API_KEY, API_VERSION = 9, 5
    RESPONSE_TYPE = CommittedAnswer
    SCHEMA = OffsetFetchRequest_v3.SCHEMA


class Committed(Request[OffsetFetchRequest_v3 | CommittedQuestion]):  # type: ignore[misc] # as above
    """OffsetFetch of aiokafka; the response has epochs if the broker supports them."""

    API_KEY = 9

    def __init__(self, asked: OffsetFetchRequest) -> None:
        self._asked = asked

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """Return the request in a version that the broker supports."""
        return self._asked.build(request_struct_class)


class Fetch(FetchRequest):  # type: ignore[misc] # as above
    """Fetch that carries the known leader epochs."""

    def __init__(self, asked: FetchRequest, epochs: Mapping[TopicPartition, int]) -> None:
        self.__dict__.update(asked.__dict__)
        self._epochs = epochs

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """Return the request in a version that the broker supports."""
        built: Any = super().build(request_struct_class)
        if built.API_VERSION >= 9:
            built.topics = [
                (topic, [(number, _epoch_of(self._epochs, topic, number), *rest) for number, _, *rest in partitions])
                for topic, partitions in built.topics
            ]
        return built


def _epoch_of(epochs: Mapping[TopicPartition, int], topic: str, number: int) -> int:
    return epochs.get(TopicPartition(topic, number), UNKNOWN)


PAUSE_SECONDS = 0.1
"""Pause in seconds between two questions while brokers disagree about the epoch."""

_FENCED, _AHEAD = 74, 76
"""Errors of a broker that has a later epoch than the client, or an earlier one."""

_log = structlog.get_logger(__name__)

_read_in: ContextVar[Mapping[TopicPartition, int]] = ContextVar("read_in")
"""Epochs of the commit that this task is sending."""


class Gap(NamedTuple):
    """Offsets of a partition that no longer exist, and the offset at which its reader continues."""

    place: TopicPartition
    lost: range
    goes_on: int

    @property
    def goes_back(self) -> bool:
        """Return whether other records took the offsets that were read, so that the reader must go back."""
        return self.goes_on <= self.lost.start


Lost = Callable[[Gap], Awaitable[None]]
"""Callback for a gap, called before the reader continues. If it goes back, later positions must not be committed."""


class _Through:
    """An aiokafka client whose fetches carry leader epochs."""

    def __init__(self, client: Any, fetched: Callable[[int, FetchRequest], Awaitable[Any]]) -> None:
        self._client = client
        self._fetched = fetched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node: int, request: Any, **options: Any) -> Any:
        if isinstance(request, FetchRequest):
            return await self._fetched(node, request)
        return await self._client.send(node, request, **options)


class _Look:
    """State of one round of questions to a node; a node that does not answer for one partition is not asked for
    others.

    A broker that shuts down first answers that others lead its partitions, and then does not answer at all. Each
    further question would wait for a connection, and the new leaders' answers behind it.
    """

    def __init__(self, node: int) -> None:
        self.node = node
        self.is_early = False
        """Start with no answer; `unknown` is set if the next fetch should wait."""
        self._silent: set[int] = set()

    async def at(self, node: int, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return the answer of a node, or None if it was silent before; raises KafkaError if it is silent now."""
        if node in self._silent:
            return None
        try:
            return await ask()
        except KafkaError:
            self._silent.add(node)
            raise


class Epochs:
    """Leader epochs of the partitions of a started consumer; `lost` is called with each gap."""

    def __init__(self, consumer: AIOKafkaConsumer, lost: Lost) -> None:
        self._consumer = consumer
        self._client: Any = consumer._client
        self._lost = lost
        self._known: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        if consumer._group_id is not None:
            coordinator: Any = consumer._coordinator
            self._send, coordinator._send_req = coordinator._send_req, self._with_epochs
            self._commit, coordinator.commit_offsets = coordinator.commit_offsets, self._commit_offsets
        consumer._fetcher._client = _Through(self._client, self._fetched)

    def begin(self, positioned: Collection[TopicPartition], current: Mapping[TopicPartition, int]) -> None:
        """Add partitions, with the epoch of the commit for `positioned` ones if it is known, else with `current`.

        Partitions that are read already keep their state.
        """
        of_commits = {place: self._committed.get(place, UNKNOWN) for place in positioned}
        begun = dict(current) | {place: epoch for place, epoch in of_commits.items() if epoch != UNKNOWN}
        self._known |= {place: epoch for place, epoch in begun.items() if not self._is_read(place)}

    def learn(self, current: Mapping[TopicPartition, int]) -> None:
        """Set the current epochs of partitions whose epoch is unknown."""
        self._known = dict(current) | self._known

    def _is_read(self, place: TopicPartition) -> bool:
        subscription: Any = self._consumer._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        state = assignment.state_value(place) if assignment is not None else None
        return state is not None and bool(state.has_valid_position)

    async def _commit_offsets(self, assignment: Any, offsets: Any) -> None:
        """Commit; all attempts send the same epochs."""
        _read_in.set(dict(self._known))
        await self._commit(assignment, offsets)

    async def _with_epochs(self, request: Any) -> Any:
        """Commit or fetch offsets with their epochs at the group's coordinator."""
        if isinstance(request, OffsetCommitRequest):
            return await self._send(Commit(request, _read_in.get(self._known)))
        if not isinstance(request, OffsetFetchRequest):
            return await self._send(request)
        answer = await self._send(Committed(request))
        if isinstance(answer, CommittedAnswer):
            for topic, partitions in answer.topics:
                self._committed |= {TopicPartition(topic, number): epoch for number, _, epoch, *_ in partitions}
            answer.topics = [
                (topic, [(number, at, *rest) for number, at, _, *rest in partitions])
                for topic, partitions in answer.topics
            ]
        return answer

    async def _fetched(self, node: int, request: FetchRequest) -> Any:
        answer = await self._client.send(node, Fetch(request, self._known))
        if any(code for _, partitions in answer.topics for _, code, *_ in partitions):
            asked = {(topic, number): at for topic, partitions in request.topics for number, at, _ in partitions}
            look = _Look(node)
            answer.topics = [
                (
                    topic,
                    [
                        (number, await self._judged(look, TopicPartition(topic, number), code, asked), *rest)
                        for number, code, *rest in partitions
                    ],
                )
                for topic, partitions in answer.topics
            ]
            if look.is_early:
                await asyncio.sleep(PAUSE_SECONDS)
        return answer

    async def _judged(self, look: _Look, place: TopicPartition, code: int, asked: Mapping[tuple[str, int], int]) -> int:
        """Return a fetch answer as aiokafka expects it, after a move to the end of the log if it was truncated."""
        try:
            if code in (_FENCED, _AHEAD):
                await self._follow(look, place, asked[place])
                return int(NotLeaderForPartitionError.errno)  # the caller refreshes the metadata and tries again
            if code == OffsetOutOfRangeError.errno:
                await self._out_of_range(place, asked[place])
        except KafkaError as error:
            _log.warning("epoch_not_told", topic=place.topic, partition=place.partition, error=type(error).__name__)
            look.is_early = True
        return code if code not in (_FENCED, _AHEAD) else int(NotLeaderForPartitionError.errno)

    async def _follow(self, look: _Look, place: TopicPartition, position: int) -> None:
        """Take the leader's epoch; the position moves to the end of the known epoch if that is lower."""
        known = self._known.get(place, UNKNOWN)
        facts = await look.at(look.node, lambda: described(self._client, [place.topic], look.node))
        topic = facts.get(place.topic) if facts is not None else None
        leader = topic.leaders.get(place.partition) if topic is not None else None
        if leader is None or leader.epoch <= known:  # brokers disagree still, or it is another topic
            look.is_early = True
            return
        answer = await look.at(leader.node, lambda: self._client.send(leader.node, End(place, leader.epoch, known)))
        ((_, ((code, _, _, end),)),) = answer.topics if answer is not None else ((None, ((_AHEAD, 0, 0, 0),)),)
        if code:
            look.is_early = True
            return
        if end < position:  # -1 if nothing of the log is left
            await self._lose(Gap(place, range(max(end, 0), position), max(end, 0)))
            self._consumer.seek(place, max(end, 0))
        self._known[place] = leader.epoch

    async def _out_of_range(self, place: TopicPartition, position: int) -> None:
        """Report lost records before aiokafka moves to the oldest record.

        A reader at offset 0 may have just started and missed nothing.
        """
        begin = (await self._consumer.beginning_offsets([place]))[place]
        end = (await self._consumer.end_offsets([place]))[place]
        if position and not begin <= position <= end:
            lost = range(position, begin) if position < begin else range(end, position)
            await self._lose(Gap(place, lost, begin))

    async def _lose(self, gap: Gap) -> None:
        place, lost, goes_on = gap
        _log.error(
            "records_gone",
            topic=place.topic,
            partition=place.partition,
            begin=lost.start,
            end=lost.stop,
            goes_on=goes_on,
        )
        await self._lost(gap)

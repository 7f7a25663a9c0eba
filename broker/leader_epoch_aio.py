"""The epochs of leaders: whoever reads a partition that lost its end goes back to where it ends now (KIP-320).

A broker that comes back with less than it had takes other records into the places of those that it lost. Kafka's own
clients see by the epoch of the leader that the log is another from there on; aiokafka asks for offsets alone, and
passes over what came meanwhile. So each fetch says which epoch we know, a broker with a later one refuses it, and then
it is asked where the log of our epoch ended.
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

# Requests of Kafka's protocol with the epochs of leaders (KIP-320), which aiokafka knows in older versions alone.

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


PAUSE_SECONDS = 0.1
"""Between two questions while brokers do not agree yet."""

_FENCED, _AHEAD = 74, 76
"""A broker's answers to who knows an older epoch than its own, and to who knows a later one."""

_log = structlog.get_logger(__name__)

_read_in: ContextVar[Mapping[TopicPartition, int]] = ContextVar("read_in")
"""The epochs of the commit that goes on in this task."""


class Gap(NamedTuple):
    """Offsets of a partition that are not there any more, and where its reader goes on."""

    place: TopicPartition
    lost: range
    goes_on: int

    @property
    def goes_back(self) -> bool:
        """Say whether others take the places of what was read, rather than that it was never read."""
        return self.goes_on <= self.lost.start


Lost = Callable[[Gap], Awaitable[None]]
"""Is told of a gap before its reader goes on: where that goes back, what it read behind counts for no commit."""


class _Through:
    """An aiokafka client whose fetches go through ours."""

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
    """What one answer of a node says of many partitions; who says nothing over one of them is not asked of others.

    A broker that is ended answers that its partitions are led by others, and then nobody. Each question to it would
    wait for a connection, with what the new leaders have behind it.
    """

    def __init__(self, node: int) -> None:
        self.node = node
        self.is_early = False
        """Whether something could not be told yet, so that the next fetch should not follow at once."""
        self._silent: set[int] = set()

    async def at(self, node: int, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return what a node answers, None when it was silent before; raises KafkaError when it is now."""
        if node in self._silent:
            return None
        try:
            return await ask()
        except KafkaError:
            self._silent.add(node)
            raise


class Epochs:
    """The epochs in which a started consumer has read its partitions; `lost` is told of what is gone."""

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
        """Begin with partitions: in the epochs of the `positioned` ones' commits, where they tell any, or in `current`.

        Those that are read already go on as they are.
        """
        of_commits = {place: self._committed.get(place, UNKNOWN) for place in positioned}
        begun = dict(current) | {place: epoch for place, epoch in of_commits.items() if epoch != UNKNOWN}
        self._known |= {place: epoch for place, epoch in begun.items() if not self._is_read(place)}

    def learn(self, current: Mapping[TopicPartition, int]) -> None:
        """Take the current epochs of partitions of which none was told so far."""
        self._known = dict(current) | self._known

    def _is_read(self, place: TopicPartition) -> bool:
        subscription: Any = self._consumer._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        state = assignment.state_value(place) if assignment is not None else None
        return state is not None and bool(state.has_valid_position)

    async def _commit_offsets(self, assignment: Any, offsets: Any) -> None:
        """Commit; however often that is tried again, the offsets are of the epochs in which they were read."""
        _read_in.set(dict(self._known))
        await self._commit(assignment, offsets)

    async def _with_epochs(self, request: Any) -> Any:
        """Ask the group's coordinator: positions are committed and given with the epochs that they are of."""
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
        """Return the answer for a partition as aiokafka knows it; before that, go where its log ends now."""
        try:
            if code in (_FENCED, _AHEAD):
                await self._follow(look, place, asked[place])
                return int(NotLeaderForPartitionError.errno)  # whoever gets it asks for the leaders, and tries again
            if code == OffsetOutOfRangeError.errno:
                await self._out_of_range(place, asked[place])
        except KafkaError as error:
            _log.warning("epoch_not_told", topic=place.topic, partition=place.partition, error=type(error).__name__)
            look.is_early = True
        return code if code not in (_FENCED, _AHEAD) else int(NotLeaderForPartitionError.errno)

    async def _follow(self, look: _Look, place: TopicPartition, position: int) -> None:
        """Go on in the leader's epoch: where we stand, or where the log ended for it, when that is before."""
        known = self._known.get(place, UNKNOWN)
        facts = await look.at(look.node, lambda: described(self._client, [place.topic], look.node))
        topic = facts.get(place.topic) if facts is not None else None
        leader = topic.leaders.get(place.partition) if topic is not None else None
        if leader is None or leader.epoch <= known:  # brokers do not agree yet, or the topic is another
            look.is_early = True
            return
        answer = await look.at(leader.node, lambda: self._client.send(leader.node, End(place, leader.epoch, known)))
        ((_, ((code, _, _, end),)),) = answer.topics if answer is not None else ((None, ((_AHEAD, 0, 0, 0),)),)
        if code:
            look.is_early = True
            return
        if end < position:  # -1 when nothing is left of it
            await self._lose(Gap(place, range(max(end, 0), position), max(end, 0)))
            self._consumer.seek(place, max(end, 0))
        self._known[place] = leader.epoch

    async def _out_of_range(self, place: TopicPartition, position: int) -> None:
        """Tell what is gone before aiokafka goes on at the oldest record that is there.

        Who stands at 0 may have begun just now, and missed nothing.
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

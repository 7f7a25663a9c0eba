"""Lag of downstream stages, by the offsets that their groups have committed."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from broker.aio_client import closed
from broker.config import KafkaConnection

_log = structlog.get_logger(__name__)

ROOM_MESSAGES = 1_000
"""Messages that may wait before a downstream stage: what all stages together process in about a second.

Groups commit once a second, so a part of this is done already; with 3,000, live messages came three seconds later.
"""

ASK_SECONDS = 5.0

STALLED_SECONDS = 60.0
"""Seconds after which a partition whose group has not moved counts as stalled: working groups commit each second."""


class Group(NamedTuple):
    """A downstream consumer group, and the records that it reads for each message.

    `topics` are those that it must read; without them only a group with committed offsets counts.
    """

    name: str
    topics: tuple[str, ...] = ()
    records_a_message: int = 1


class Progress:
    """What a group still has before it, without the partitions that stand still while it works on others.

    A quarantined partition may wait for hours. Its lag must not hold back the back-fill and the floods of all other
    cities, so a partition whose offset has not moved for `STALLED_SECONDS` is left out, if another one has moved. If
    none has moved, the group is down and its whole lag counts.
    """

    def __init__(self) -> None:
        self._stood: dict[TopicPartition, tuple[int, float]] = {}

    def waiting(
        self, reached: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], now: float
    ) -> tuple[int, bool]:
        """Return the records that wait in partitions on which the group works, and whether all of it stands still.

        `now` is a monotonic time in seconds.
        """
        for place, offset in reached.items():
            if self._stood.get(place, (None, now))[0] != offset:
                self._stood[place] = offset, now
        lag = {place: max(0, ends[place] - offset) for place, offset in reached.items()}
        stalled = {place for place, n in lag.items() if n and now - self._stood[place][1] >= STALLED_SECONDS}
        if not stalled:
            return sum(lag.values()), False
        moved = any(now - self._stood[place][1] < STALLED_SECONDS for place in reached)
        return sum(n for place, n in lag.items() if not moved or place not in stalled), not moved


class Downstream:
    """Asks Kafka for the groups' positions. Its clients are created at first use and closed by `close`."""

    def __init__(
        self,
        connection: KafkaConnection,
        groups: Collection[Group],
        room_messages: int = ROOM_MESSAGES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._groups = groups
        self._room = room_messages
        self._clients: tuple[Any, Any] | None = None
        self._complained = False
        self._clock = clock
        self._progress = {group: Progress() for group in groups}
        self._tried = clock()

    async def room(self) -> int:
        """Return how many more messages may go on now; 0 if Kafka does not answer.

        If a whole group stands still, one message a minute goes on: in working partitions it moves the offset, which
        tells a quarantined partition from a group that is down.
        """
        try:
            async with asyncio.timeout(ASK_SECONDS):
                admin, consumer = await self._ready()
                found = [(group, *await self._waiting(admin, consumer, group)) for group in self._groups]
        except (KafkaError, OSError) as error:  # a TimeoutError is an OSError
            await self.close()
            self._complain(error)
            return 0
        self._complained = False
        room = self._room - int(max((lag / group.records_a_message for group, lag, _ in found), default=0))
        if room <= 0 and any(stands for _, _, stands in found) and self._clock() - self._tried >= STALLED_SECONDS:
            self._tried = self._clock()
            return 1
        return room

    async def close(self) -> None:
        """Close the clients. Idempotent."""
        clients, self._clients = self._clients, None
        if clients:
            await closed(clients[0].close)
            await closed(clients[1].stop)

    async def _ready(self) -> tuple[Any, Any]:
        if self._clients is None:
            admin = AIOKafkaAdminClient(**self._connection.aiokafka_options())
            consumer = AIOKafkaConsumer(**self._connection.aiokafka_options(), isolation_level="read_committed")
            self._clients = admin, consumer
            await admin.start()
            await consumer.start()
        return self._clients

    async def _waiting(self, admin: Any, consumer: Any, group: Group) -> tuple[int, bool]:
        reached, ends = await _offsets(admin, consumer, group)
        return self._progress[group].waiting(reached, ends, self._clock())

    def _complain(self, error: BaseException) -> None:
        """Log once that back-fill waits for Kafka's answer."""
        if not self._complained:
            names = [group.name for group in self._groups]
            _log.warning("backfill_waits", error=type(error).__name__, needs="DESCRIBE on these groups", groups=names)
        self._complained = True


async def _offsets(
    admin: Any, consumer: Any, group: Group
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Return a group's position in each partition, and the end of each partition."""
    committed = {place: found.offset for place, found in (await admin.list_consumer_group_offsets(group.name)).items()}
    known = await admin.describe_topics(list(group.topics)) if group.topics else []
    places = [TopicPartition(topic["topic"], part["partition"]) for topic in known for part in topic["partitions"]]
    unread = [place for place in places if place not in committed]
    begins = await consumer.beginning_offsets(unread) if unread else {}
    reached = begins | committed
    ends = await consumer.end_offsets(list(reached)) if reached else {}
    return reached, ends

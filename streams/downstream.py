"""How much the stages behind this one still have before them, by the offsets that their groups have committed."""

import asyncio
from collections.abc import Collection
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.clients import closed
from schemas.connection import KafkaConnection

_log = structlog.get_logger(__name__)

ROOM_MESSAGES = 1_000
"""Messages that may lie before a stage behind this one: what all stages together work off in about a second.

Groups commit once a second, so that a part of this is done already; with 3,000 live messages came three seconds later.
"""

ASK_SECONDS = 5.0


class Group(NamedTuple):
    """A consumer group behind this stage, and how many records it reads for each message.

    `topics` are those that it must read; without them only a group that has committed something counts.
    """

    name: str
    topics: tuple[str, ...] = ()
    records_a_message: int = 1


class Downstream:
    """Asks Kafka where the groups stand. Its clients are made when first needed; `close` lets go of them."""

    def __init__(
        self, connection: KafkaConnection, groups: Collection[Group], room_messages: int = ROOM_MESSAGES
    ) -> None:
        self._connection = connection
        self._groups = groups
        self._room = room_messages
        self._clients: tuple[Any, Any] | None = None
        self._complained = False

    async def room(self) -> int:
        """Return how many more messages may go on now; none when Kafka does not say."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                admin, consumer = await self._ready()
                waiting = [await _waiting(admin, consumer, group) / group.records_a_message for group in self._groups]
        except (KafkaError, OSError) as error:  # a TimeoutError is an OSError
            await self.close()
            self._complain(error)
            return 0
        self._complained = False
        return self._room - int(max(waiting, default=0))

    async def close(self) -> None:
        """Let go of Kafka. Safe twice."""
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

    def _complain(self, error: BaseException) -> None:
        """Say it once: back-fill waits until Kafka says how far the others are."""
        if not self._complained:
            names = [group.name for group in self._groups]
            _log.warning("backfill_waits", error=type(error).__name__, needs="DESCRIBE on these groups", groups=names)
        self._complained = True


async def _waiting(admin: Any, consumer: Any, group: Group) -> int:
    """Return how many records a group has before it."""
    committed = {place: found.offset for place, found in (await admin.list_consumer_group_offsets(group.name)).items()}
    known = await admin.describe_topics(list(group.topics)) if group.topics else []
    places = [TopicPartition(topic["topic"], part["partition"]) for topic in known for part in topic["partitions"]]
    unread = [place for place in places if place not in committed]
    begins = await consumer.beginning_offsets(unread) if unread else {}
    reached = begins | committed
    ends = await consumer.end_offsets(list(reached)) if reached else {}
    return sum(max(0, ends[place] - offset) for place, offset in reached.items())

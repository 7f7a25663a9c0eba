"""`hotline run outbox`: a member of the group that owns partitions, and starts an owner anew when one fails."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, ProducerFenced

from broker.aio_client import LEAVE_SECONDS as STOP_SECONDS
from broker.aio_client import allowed, answering, check_rights, closed, started
from broker.config import KafkaConnection
from broker.topic_id_aio import TopicIds
from connectors import metrics
from connectors.replies.account_queue import Reached
from connectors.replies.kafka import Told, make_member
from connectors.replies.partition import Owner, ToolsOf
from schemas import topics
from schemas.errors import UnreachableError

SESSION_SECONDS = 10.0
"""A process that says nothing for so long is dead to the group."""

AGAIN_SECONDS = 2.0
"""Before an owner that failed is started anew."""

FENCED_SECONDS = 30.0
"""Before an owner that was fenced does: three sessions, so that whoever fenced it has joined the group, or is dead."""

LEAVE_SECONDS = 8.0
"""How long a rebalance waits for what is being sent, less than a session; the next owner calls what is left unknown."""

COMMIT_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Outbox(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The partitions that this process answers from. The group only says whose they are; the log says what is done.

    `elsewhere` are accounts that answer over their session, each with the partition of its city: their connectors give
    these answers (`connectors/replies/account.py`).
    """

    def __init__(
        self,
        connection: KafkaConnection,
        tools_of: ToolsOf,
        *,
        elsewhere: Mapping[str, int] = MappingProxyType({}),
        reached: Reached = lambda point: None,
        session_seconds: float = SESSION_SECONDS,
    ) -> None:
        self._connection = connection
        self._tools_of = tools_of
        self._elsewhere = elsewhere
        self._reached = reached
        self._session_seconds = session_seconds
        self._owners: dict[int, Owner] = {}
        self._tasks: dict[int, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._is_leaving = False
        self.begun = False
        """Whether it has joined those that answer."""

    def troubles(self) -> dict[str, str]:
        """Return what keeps which account from answering."""
        return {account: told for owner in self._owners.values() for account, told in owner.troubles().items()}

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set; what is being sent is finished first.

        Raises MadeAnewError when the outbox is another topic than it was: a reader that goes on where it stood in the
        old one passes over answers, and whoever is started again reads all of the new one. Raises UnauthorizedError
        when Kafka lets our user read it no more.
        """
        member: AIOKafkaConsumer = make_member(self._connection, self._session_seconds)
        try:
            with answering(), allowed():
                await started(member.start)
                self.begun = True
                ids = TopicIds(member)
                member.subscribe([topics.OUTBOX], listener=self)
                await ids.watched(self._belong(member, stop))
        finally:
            self._is_leaving = True
            await self._end(list(self._tasks))
            await closed(member.stop, STOP_SECONDS)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Let the owners finish what they are sending: their successors would call it unknown."""
        await self._end([place.partition for place in revoked])

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Start an owner for each partition; none that a rebalance gives while we leave, as nobody would end it."""
        for place in () if self._is_leaving else assigned:
            if place.partition not in self._tasks:
                stop = asyncio.Event()
                task = asyncio.create_task(self._own(place.partition, stop), name=f"outbox {place.partition}")
                self._tasks[place.partition] = task, stop
        _log.info("outbox_assigned", partitions=sorted(place.partition for place in assigned))

    async def _belong(self, member: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Stay in the group and tell it how far the partitions are, for `hotline status`; read nothing."""
        committed = time.monotonic()
        while not stop.is_set():
            check_rights(member, {topics.OUTBOX})
            member.pause(*member.assignment())
            await member.getmany(timeout_ms=200)
            for task, _ in self._tasks.values():
                if task.done():
                    task.result()
            if time.monotonic() - committed > COMMIT_SECONDS:
                await self._commit(member)
                committed = time.monotonic()
        self._is_leaving = True
        await self._end(list(self._tasks))
        await self._commit(member)

    async def _own(self, partition: int, stop: asyncio.Event) -> None:
        """Own a partition until `stop` is set: after a fault its log is read anew."""
        told = Told()
        while not stop.is_set():
            owner = Owner(
                partition,
                self._connection,
                self._tools_of,
                serves=lambda account: self._elsewhere.get(account) != partition,
                reached=self._reached,
                told=told,
            )
            self._owners[partition] = owner
            try:
                return await owner.run(stop)
            except (KafkaError, UnreachableError) as error:
                fenced = isinstance(error, ProducerFenced)
                metrics.ERRORS.labels("outbox", str(partition), type(error).__name__).inc()
                why = {"sentence": str(error)} if isinstance(error, UnreachableError) else {}
                _log.warning("outbox_owner_failed", partition=partition, error=type(error).__name__, **why)
            # Fenced: somebody else has it, and the group will say so. Starting at once would fence that one.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), FENCED_SECONDS if fenced else AGAIN_SECONDS)

    async def _end(self, partitions: Iterable[int]) -> None:
        ending = [self._tasks.pop(partition) for partition in partitions if partition in self._tasks]
        for _, stop in ending:
            stop.set()
        tasks = [task for task, _ in ending]
        if tasks:
            await asyncio.wait(tasks, timeout=LEAVE_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _commit(self, member: AIOKafkaConsumer) -> None:
        """A commit that fails is made with the next one."""
        mine = {place for place in member.assignment() if place.partition in self._owners}
        reached = {place: self._owners[place.partition].done_before for place in mine}
        offsets = {place: offset for place, offset in reached.items() if offset is not None}
        with contextlib.suppress(KafkaError, IllegalStateError):
            if offsets:
                await member.commit(offsets)

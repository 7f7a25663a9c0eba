"""`hotline run outbox`: a group member that runs an owner for each of its partitions and restarts failed owners."""

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
"""Seconds without a heartbeat after which the group removes a process."""

AGAIN_SECONDS = 2.0
"""Seconds before a failed owner is restarted."""

FENCED_SECONDS = 30.0
"""Seconds before a fenced owner restarts: three sessions, so that the fencing one has joined the group or is dead."""

LEAVE_SECONDS = 8.0
"""Seconds that a rebalance waits for sends in progress, less than a session; the next owner marks the rest unknown."""

COMMIT_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Outbox(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Sends from the partitions of this process. The group only assigns them; the log has the progress.

    `elsewhere` are accounts that send over their session, each with the partition of its city: their connectors send
    these receipts (`connectors/replies/account.py`).
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
        """Whether this process has joined the group."""

    def troubles(self) -> dict[str, str]:
        """Return, by account, the error that prevents sending."""
        return {account: told for owner in self._owners.values() for account, told in owner.troubles().items()}

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; sends in progress are finished first.

        Raises MadeAnewError if the outbox topic was created anew: a reader that continues at its old offset would
        skip receipts, and a restarted one reads all of the new topic. Raises UnauthorizedError if this user may no
        longer read the topic.
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
        """Let the owners finish sends in progress: their successors would mark them unknown."""
        await self._end([place.partition for place in revoked])

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Start an owner for each partition; none during shutdown, because it would never be ended."""
        for place in () if self._is_leaving else assigned:
            if place.partition not in self._tasks:
                stop = asyncio.Event()
                task = asyncio.create_task(self._own(place.partition, stop), name=f"outbox {place.partition}")
                self._tasks[place.partition] = task, stop
        _log.info("outbox_assigned", partitions=sorted(place.partition for place in assigned))

    async def _belong(self, member: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Stay in the group and commit the progress of the partitions for `hotline status`; read nothing."""
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
        """Own a partition until `stop` is set; after a fault its log is read anew."""
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
            # Fenced: another process owns the partition, and the group will report it. A restart at once would fence
            # that process.
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
        """Commit the progress; a failed commit is repeated with the next one."""
        mine = {place for place in member.assignment() if place.partition in self._owners}
        reached = {place: self._owners[place.partition].done_before for place in mine}
        offsets = {place: offset for place, offset in reached.items() if offset is not None}
        with contextlib.suppress(KafkaError, IllegalStateError):
            if offsets:
                await member.commit(offsets)

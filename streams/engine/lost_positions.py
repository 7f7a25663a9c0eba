"""Lost positions: records that a group may have read before Kafka forgot its offsets.

Kafka forgets the offsets of a group that has been empty for a week, and the group starts with the oldest record. A
partition without a committed offset is such a one; any record that stands in it by then may have been read. The end
of these records is committed under another group, `<group>-lost`, before the group's own first offset, so a restarted
worker knows it. A committed offset proves that the group stood there, however long it was away.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from broker.aio_client import closed, running, started
from broker.config import KafkaConnection
from schemas.errors import PipelineError
from streams import metrics

SECONDS = 20.0
"""Seconds that a rebalance waits for the answer; without one all records count as never read."""

PAUSE_SECONDS = 0.5
"""Pause in seconds before a group's coordinator is asked again."""

SUFFIX = "-lost"

_log = structlog.get_logger(__name__)


class LostPositions:
    """End of each partition when its position was found to be lost."""

    def __init__(self, connection: KafkaConnection, group: str) -> None:
        self._connection = connection
        self._group = f"{group}{SUFFIX}"
        self._ends: Mapping[tuple[str, int], int] = {}

    def may_be_read(self, topic: str, partition: int, offset: int) -> bool:
        """Return True for a record that the group may have read before its position was lost."""
        return offset < self._ends.get((topic, partition), 0)

    async def look(self, consumer: AIOKafkaConsumer, unknown: Collection[TopicPartition]) -> None:
        """Read the ends of lost positions; `unknown` are assigned partitions without a committed offset.

        Their beginning is committed, so that a quiet partition is not taken for lost later.
        """
        ends: dict[TopicPartition, int] = {}
        try:
            async with asyncio.timeout(SECONDS):
                ends = await self._noted()
                if unknown:
                    lost = {tp: end for tp, end in (await consumer.end_offsets([*unknown])).items() if end}
                    ends |= lost
                    if lost:
                        metrics.POSITIONS_LOST.inc(len(lost))
                        _log.warning(
                            "positions_lost",
                            group=self._group.removesuffix(SUFFIX),
                            partitions=sorted(f"{tp.topic}:{tp.partition}" for tp in lost),
                        )
                        await self._note(lost)
                    await consumer.commit(dict.fromkeys(unknown, 0))
        except (KafkaError, PipelineError, OSError, TimeoutError) as error:
            metrics.POSITIONS_UNKNOWN.inc()
            _log.warning("lost_positions_unknown", group=self._group, error=type(error).__name__)
        self._ends = {(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def _note(self, ends: Mapping[TopicPartition, int]) -> None:
        options: dict[str, Any] = self._connection.aiokafka_options()
        async with running(AIOKafkaConsumer(**options, group_id=self._group, enable_auto_commit=False)) as consumer:
            consumer.assign([*ends])  # a reader of assigned partitions joins no group
            await consumer.commit(dict(ends))

    async def _noted(self) -> dict[TopicPartition, int]:
        admin = AIOKafkaAdminClient(**self._connection.aiokafka_options())
        try:
            await started(admin.start)
            while True:
                try:
                    noted = await admin.list_consumer_group_offsets(self._group)
                    break
                except KafkaError as error:  # a coordinator that just starts; `look` limits the wait
                    if not error.retriable:
                        raise
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await closed(admin.close)
        return {tp: one.offset for tp, one in noted.items() if one.offset > 0}

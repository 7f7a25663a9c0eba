"""Compares the archive with what the sink wrote: an emptied or restored one does not report the loss itself.

The sink continues at its group's offset, so nothing would fill the archive again: an alarm asks an operator to.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from elasticsearch import AsyncElasticsearch

from broker.aio_client import answering, brought, running
from broker.config import KafkaConnection
from schemas.errors import RecordError
from sinks import metrics
from sinks.base import Document, Route, document_of, type_of
from sinks.elastic import bulk
from sinks.elastic.errors import translated
from sinks.groups import group_of
from sinks.kafka import make_reader

LOOK_SECONDS = 600.0

SAMPLE = 20
"""Records at the beginning and at the end of what was written. One may be missing as a dead letter, but not all."""

ASK_SECONDS = 60.0
"""Limit in seconds for Kafka to return them."""

_log = structlog.get_logger(__name__)


class Presence:
    """Looks at one sink's indices, by the names that `routes` has for them."""

    def __init__(
        self,
        client: AsyncElasticsearch,
        connection: KafkaConnection,
        routes: Mapping[str, Route],
        group: str = group_of("elastic"),
    ) -> None:
        self._client = client.options(max_retries=0, retry_on_timeout=False, request_timeout=30.0)
        self._connection = connection
        self._routes = routes
        self._group = group

    async def watch(self, stop: asyncio.Event, seconds: float = LOOK_SECONDS) -> None:
        """Look at intervals and set the metric; if a look fails, the former result stays."""
        while not stop.is_set():
            try:
                self._tell(await self.lacking())
            except Exception as error:  # noqa: BLE001 - a failed look is logged; documents go on, and the next look comes
                _log.warning("archive_not_looked_at", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)

    def _tell(self, lacking: set[str]) -> None:
        for name in self._routes:
            metrics.ARCHIVE_LACKS.labels(name).set(name in lacking)
        if lacking:
            _log.error("archive_lacks_documents", indices=sorted(lacking))

    async def lacking(self) -> set[str]:
        """Return the indices that lack all of their samples. Raises errors of the pipeline."""
        with answering():
            async with running(make_reader(self._connection, client_id=self._group, group=self._group)) as reader:
                return {name for name, route in self._routes.items() if await self._lacks(reader, route)}

    async def _lacks(self, reader: AIOKafkaConsumer, route: Route) -> bool:
        for number in range(self._connection.partitions):
            place = TopicPartition(route.topic, number)
            for sample in await brought(_samples(reader, place), ASK_SECONDS):
                ids = [one for record in sample for one in _ids(document_of(record), route)]
                if ids and not await self._has_any(ids):
                    return True
        return False

    async def _has_any(self, ids: Sequence[Mapping[str, str]]) -> bool:
        with translated():
            answer = await self._client.mget(docs=ids, source=False)
        return any(one.get("found") for one in answer["docs"])


async def _samples(reader: AIOKafkaConsumer, place: TopicPartition) -> list[Sequence[ConsumerRecord[bytes, bytes]]]:
    """Return records from the beginning and from the end of what the group has processed."""
    reader.assign([place])
    begin = (await reader.beginning_offsets([place]))[place]
    end = await reader.committed(place) or 0
    found: list[Sequence[ConsumerRecord[bytes, bytes]]] = []
    for start in sorted({begin, max(begin, end - SAMPLE)}):
        reader.seek(place, start)
        some: list[ConsumerRecord[bytes, bytes]] = []
        while len(some) < SAMPLE and await reader.position(place) < end:
            answer = await reader.getmany(place, timeout_ms=200, max_records=SAMPLE - len(some))
            some += [record for record in answer.get(place, ()) if record.offset < end]
        found.append(some)
    return found


def _ids(document: Document, route: Route) -> list[Mapping[str, str]]:
    """Return the id under which the sink wrote the document; none if it wrote none."""
    if not document.value or type_of(document) in route.skip:
        return []
    try:
        bulk.action(document, {route.topic: route})
        index = route.index.alias
        if route.index.monthly:
            index = route.index.of_month(bulk.month_of(dict(document.headers)))
    except RecordError:
        return []
    return [{"_index": index, "_id": document.key.decode()}]

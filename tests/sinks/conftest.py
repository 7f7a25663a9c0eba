"""A lane of its own for each test: topics, indices and a consumer group that nobody else uses."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError
from elasticsearch import AsyncElasticsearch
from msgspec.structs import replace

from broker.config import KafkaConnection
from hotline.dev.stack.stack import Endpoints
from schemas import topics
from schemas.envelope import Headers
from sinks import Document, Route, routes
from sinks.elastic.sink import ElasticSink
from sinks.kafka import make_producer
from sinks.runner import Runner, run_sink
from sinks.settings import SinkSettings

PARTITIONS = 2
QUICK = SinkSettings(
    batch_max_documents=200, batch_max_age_seconds=0.05, backoff_base_seconds=0.05, backoff_max_seconds=0.5
)


@dataclass
class Lane:
    """Topics, indices and a group of one test."""

    endpoints: Endpoints
    prefix: str
    es: AsyncElasticsearch
    routes: dict[str, Route] = field(default_factory=dict)

    @property
    def kafka(self) -> KafkaConnection:
        return KafkaConnection(bootstrap_servers=self.endpoints.bootstrap_servers, partitions=PARTITIONS)

    @property
    def group(self) -> str:
        return f"test-{self.prefix}"

    @property
    def topic(self) -> str:
        return self.routes["ticket"].topic

    async def publish(self, documents: Iterable[Document], *, abort: bool | None = None) -> None:
        """Send documents, by key to a partition; `abort` says how a transaction around them ends."""
        options = {} if abort is None else {"transactional_id": f"{self.prefix}-{uuid.uuid4().hex}"}
        producer = make_producer(self.kafka, **options)
        await producer.start()
        try:
            if abort is not None:
                await producer.begin_transaction()
            sends = [
                await producer.send(d.position.topic, d.value or None, key=d.key, headers=d.headers) for d in documents
            ]
            await asyncio.gather(*sends)
            if abort is not None:
                await (producer.abort_transaction() if abort else producer.commit_transaction())
        finally:
            await producer.stop()

    @asynccontextmanager
    async def running(
        self, url: str | None = None, settings: SinkSettings = QUICK, names: Iterable[str] = ("ticket",)
    ) -> AsyncIterator[Runner]:
        """Run a sink of this lane; leaving the block is a SIGTERM."""
        ways = [self.routes[name] for name in names]
        sink = ElasticSink(AsyncElasticsearch(url or self.endpoints.elasticsearch_url, request_timeout=60), ways)
        stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
        working = run_sink(sink, ways, self.kafka, settings, stop, ready.set_result, self.group)
        task = asyncio.create_task(working, name="sink")
        try:
            await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            yield ready.result()
        finally:
            stop.set()
            await task

    async def indexed(self, name: str = "ticket") -> int:
        """Return how many documents a search finds now."""
        alias = self.routes[name].index.alias
        if not await self.es.indices.exists(index=alias):
            return 0
        await self.es.indices.refresh(index=alias)
        return int((await self.es.count(index=alias))["count"])

    async def until_indexed(self, count: int, name: str = "ticket", seconds: float = 60) -> None:
        await until(lambda: self.indexed(name), count, seconds)

    async def committed(self, topic: str | None = None) -> int:
        """Return the sum of the group's committed offsets."""
        topic = topic or self.topic
        consumer = AIOKafkaConsumer(bootstrap_servers=self.endpoints.bootstrap_servers, group_id=self.group)
        await consumer.start()
        try:
            return sum([await consumer.committed(TopicPartition(topic, n)) or 0 for n in range(PARTITIONS)])
        finally:
            await consumer.stop()

    async def dead(self) -> list[tuple[bytes, bytes, Headers]]:
        """Return the dead letters of this lane's topics."""
        servers = self.endpoints.bootstrap_servers
        places = [TopicPartition(topics.DEAD, n) for n in range(await count_partitions(servers, topics.DEAD))]
        consumer = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            left = {place: end for place, end in (await consumer.end_offsets(places)).items() if end}
            consumer.assign(places)  # what is asked once it fetches waits half a second behind that
            found = []
            while any([await consumer.position(place) < end for place, end in left.items()]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [(r.key, r.value, list(r.headers)) for r in records]
            return [letter for letter in found if self._ours(dict(letter[2]))]
        finally:
            await consumer.stop()

    def _ours(self, headers: dict[str, bytes]) -> bool:
        return headers["__connect.errors.topic"].decode().startswith(self.prefix)


async def until(look: Callable[[], Awaitable[object]], wanted: object, seconds: float = 60) -> None:
    """Wait until an awaited look gives what is wanted, and say what it gave instead."""
    seen: object = None
    try:
        async with asyncio.timeout(seconds):
            while (seen := await look()) != wanted:  # noqa: ASYNC110 - what is waited for happens in other processes
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{wanted!r} was wanted, {seen!r} was seen last") from None


async def count_partitions(servers: str, topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        (described,) = await admin.describe_topics([topic])
        return len(described["partitions"])
    finally:
        await admin.close()


async def make_topics(servers: str, names: Iterable[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        for name in names:
            try:
                await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
            except TopicAlreadyExistsError:
                continue
    finally:
        await admin.close()


@pytest.fixture
async def lane(stack: Endpoints) -> AsyncIterator[Lane]:
    prefix = f"t{uuid.uuid4().hex[:10]}"
    ways = {name: replace(route, topic=f"{prefix}.{name}") for name, route in routes(prefix).items()}
    await make_topics(stack.bootstrap_servers, [*(way.topic for way in ways.values()), topics.DEAD])
    es = AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60)
    made = Lane(stack, prefix, es, ways)
    yield made
    es = es.options(ignore_status=404)
    names = [entry["index"] for entry in await es.cat.indices(index=f"{prefix}-*", format="json")]
    if names:
        await es.indices.delete(index=names)
    for way in ways.values():
        await es.indices.delete_index_template(name=way.index.alias)
    await made.es.close()

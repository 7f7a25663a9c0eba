"""Bare confluent-kafka loops that do what `normalize` and the sink do: what either costs beyond its own work."""

import json
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import confluent_kafka as ck
import urllib3

from normalizers.base import Policy
from schemas import ids, topics
from schemas.codec import Outbound
from schemas.records import raw_of
from streams import normalize as stage
from streams.engine.fetched_record import Fetched

BATCH = 1000
IN_FLIGHT = 3


class Meter:
    """Time and CPU from when it is started."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def spent(self) -> tuple[float, float]:
        return time.perf_counter() - self._began, time.process_time() - self._cpu


def normalize(broker: str, channel: str, count: int, partitions: int) -> tuple[float, float]:
    """Fetch, normalize, produce, flush, commit; return records a second and a CPU second."""
    meter, policy, left = Meter(), Policy(), count
    consumer = a_consumer(broker)
    consumer.subscribe([topics.raw(channel)], on_assign=lambda *_: meter.start())
    producer = ck.Producer({"bootstrap.servers": broker, "acks": "all", "linger.ms": 5})
    while left > 0:
        messages = taken(consumer, min(BATCH, left))
        for message in messages:
            produce(producer, stage.step(message, raw_of(message), policy).outbound, partitions)
        producer.flush()
        if messages:
            consumer.commit(asynchronous=True)
        left -= len(messages)
    seconds, cpu = meter.spent()
    consumer.close()
    return count / seconds, count / cpu


def a_consumer(broker: str) -> ck.Consumer:
    """Return a consumer in a group of its own, which reads what ours reads."""
    return ck.Consumer(
        {
            "bootstrap.servers": broker, "group.id": f"bench-{time.time_ns()}", "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "fetch.wait.max.ms": 100, "isolation.level": "read_committed",
        }
    )  # fmt: skip


def taken(consumer: ck.Consumer, count: int) -> list[Fetched]:
    """Return what is there by now, `count` records at most."""
    found: list[Any] = consumer.consume(count, 0.1)
    if failed := next((message.error() for message in found if message.error()), None):
        raise SystemExit(f"Kafka does not hand it out: {failed}")
    return [
        Fetched(m.topic(), m.partition(), m.offset(), m.timestamp()[1], m.key(), m.value(), m.headers() or [])
        for m in found
    ]


def produce(producer: ck.Producer, record: Outbound, partitions: int) -> None:
    """Produce one record; a full queue is served first."""
    partition = ids.partition_of(record.jurisdiction or "", partitions)
    while True:
        try:
            producer.produce(record.topic, record.value, record.key, partition, delivered, headers=list(record.headers))
            return
        except BufferError:
            producer.poll(0.1)


def delivered(error: object, _: object) -> None:
    """Stop at the first record that the broker refuses."""
    if error is not None:
        raise SystemExit(f"the broker refused: {error}")


def index(broker: str, url: str, topic: str, alias: str, count: int) -> tuple[float, float]:
    """Fetch, write in bulk, look at the answer, commit; return the seconds and the CPU seconds."""
    meter, http, left = Meter(), urllib3.PoolManager(maxsize=IN_FLIGHT), count
    flying: deque[tuple[Future[None], list[ck.TopicPartition]]] = deque()
    consumer = a_consumer(broker)
    consumer.subscribe([topic])
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        while left > 0 or flying:
            messages = taken(consumer, min(BATCH, left)) if left else []
            if messages:
                if left == count:
                    meter.start()
                flying.append((threads.submit(post, http, url, body(messages, alias)), ends(messages)))
                left -= len(messages)
            if flying and (len(flying) >= IN_FLIGHT or not messages):
                written, offsets = flying.popleft()
                written.result()
                consumer.commit(offsets=offsets, asynchronous=True)
    spent = meter.spent()
    consumer.close()
    return spent


def body(messages: Sequence[Fetched], alias: str) -> bytes:
    """Return the lines of a bulk request: the values byte for byte, the versions from their headers."""
    line = b'{"index":{"_index":"%b","_id":"%b","version":%d,"version_type":"external_gte"}}\n%b\n'
    return b"".join(
        line % (alias.encode(), m.key or b"", int(dict(m.headers)["ce_sequence"]), m.value or b"") for m in messages
    )


def post(http: urllib3.PoolManager, url: str, lines: bytes) -> None:
    """Write one batch; every document must be taken."""
    headers = {"content-type": "application/x-ndjson"}
    answer = http.request("POST", f"{url}/_bulk?filter_path=errors", body=lines, headers=headers)
    if answer.status != 200 or json.loads(answer.data)["errors"]:
        raise SystemExit(f"Elasticsearch refused documents ({answer.status})")


def ends(messages: Sequence[Fetched]) -> list[ck.TopicPartition]:
    """Return the offsets behind a batch."""
    last = {(m.topic, m.partition): m.offset + 1 for m in messages}
    return [ck.TopicPartition(topic, partition, offset) for (topic, partition), offset in last.items()]

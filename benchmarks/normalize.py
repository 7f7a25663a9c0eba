"""Records a second through `normalize`: the pure function on one core, the stage between real topics, its peer.

`python -m benchmarks.normalize [RECORDS]`. Findings (emergencies) and features are made for every record. The peer is a
bare confluent-kafka loop that calls the same functions on the same topic.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from unittest.mock import patch

from obstore.store import MemoryStore
from prometheus_client import REGISTRY

from benchmarks import bare
from benchmarks.transport import WORDS, a_kafka
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from normalizers.base import Policy
from normalizers.enrich.annotators import Annotations
from normalizers.pipeline import normalize
from schemas import topics
from schemas.codec import Outbound
from schemas.records import RawMessage, raw_message
from streams import normalize as stage
from streams.engine.app import make_app, serve, tune_collector

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
CITIES = ("210100", "330100", "430100", "510100")
PARTITIONS = 4
BATCH = 1000

Make = Callable[[int], RawMessage]


COLUMNS = ("no findings", "pure/CPU-s", "stage/CPU-s", "bare/CPU-s", "stage/s", "bare/s")


def text_of(number: int) -> str:
    """Return a complaint of about 115 characters, another for each number."""
    return "".join(random.Random(number).choices(WORDS, k=110)) + f"，第{number}次反映。"


def neutral(number: int) -> RawMessage:
    """Return a neutral record."""
    value = json.dumps({"id": f"r{number}", "text": text_of(number), "sender": "13800000000"}, ensure_ascii=False)
    return raw("record", number, value.encode(), "application/json")


def wechat(number: int) -> RawMessage:
    """Return a decrypted WeChat callback."""
    value = (
        "<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><FromUserName><![CDATA[oBench]]></FromUserName>"
        f"<CreateTime>1795482723</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content><![CDATA[{text_of(number)}]]></Content><MsgId>{number}</MsgId></xml>"
    )
    return raw("wechat", number, value.encode(), "text/xml")


def mail(number: int) -> RawMessage:
    """Return a mail with a plain and an HTML body."""
    message = EmailMessage()
    message["From"], message["To"] = "王女士 <citizen@example.com>", "12345@example.gov.cn"
    message["Subject"], message["Message-ID"] = f"小区积水第{number}次反映", f"<{number}@example.com>"
    message["Date"] = NOON
    message.set_content(text_of(number) + "\n\n王女士")
    message.add_alternative(f"<p>{text_of(number)}</p><p>王女士</p>", subtype="html")
    return raw("mailbox", number, message.as_bytes(), "message/rfc822")


def raw(channel: str, number: int, value: bytes, content_type: str) -> RawMessage:
    """Return a raw record of one of the cities."""
    return raw_message(
        channel=channel, channel_kind=channel, account="bench", jurisdiction=CITIES[number % 4],
        identifier=f"{channel}{number}", value=value, content_type=content_type, time=NOON, recorded=NOON, sender="b",
    )  # fmt: skip


KINDS: dict[str, tuple[Make, int]] = {"neutral record": (neutral, 1), "wechat": (wechat, 1), "mail": (mail, 5)}
"""What is measured, and by how much fewer of it."""


def pure(raws: Sequence[RawMessage]) -> float:
    """Return records a CPU second of the function alone."""
    policy = Policy()
    normalize(raws[0], policy)  # the rules are compiled at the first
    began = time.process_time()
    for one in raws:
        normalize(one, policy)
    return len(raws) / (time.process_time() - began)


async def end_to_end(broker: str, group: str, channel: str, count: int) -> tuple[float, float]:
    """Return records a second and a CPU second of the stage: fetched, normalized, in Kafka, acknowledged."""
    connection = KafkaConnection(bootstrap_servers=broker, partitions=PARTITIONS)
    await (await filler(broker, channel, count)).wait()
    with tempfile.TemporaryDirectory() as folder:
        stop, ready, before = asyncio.Event(), asyncio.Event(), worked_off(channel)
        app = make_app(group, connection, Path(folder))
        stage.declare(app, connection, MemoryStore(), Policy())
        app.on_partitions_assigned.connect(lambda *_, **__: ready.set())
        running = asyncio.create_task(serve(app, stop))
        await ready.wait()
        began, cpu = time.perf_counter(), time.process_time()
        while worked_off(channel) - before < count:  # noqa: ASYNC110 - a counter tells nobody
            await asyncio.sleep(0.01)
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
        stop.set()
        await running
    return count / seconds, count / used


async def filler(broker: str, channel: str, count: int) -> asyncio.subprocess.Process:
    """Start the process that writes the raw records."""
    command = ["-m", "benchmarks.normalize", "fill", broker, channel, str(count)]
    return await asyncio.create_subprocess_exec(sys.executable, *command)


async def fill(broker: str, channel: str, count: int) -> None:
    """Write the raw records."""
    make = next(make for make, _ in KINDS.values() if make(0).channel == channel)
    outbounds = [Outbound(*make(number).outbound()[:4], CITIES[number % 4]) for number in range(count)]
    producer = make_producer(KafkaConnection(bootstrap_servers=broker))
    await producer.start()
    sender = Sender(producer, PARTITIONS)
    for start in range(0, count, BATCH):
        await sender.send(outbounds[start : start + BATCH])
    await producer.stop()


def worked_off(channel: str) -> float:
    """Return how many records of a channel the stage has acknowledged."""
    labels = {"stage": "normalize", "topic": topics.raw(channel)}
    return REGISTRY.get_sample_value("hotline_streams_records_total", labels) or 0


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    tune_collector()
    group = f"bench-{time.time_ns()}"
    with a_kafka() as broker:
        Provision(KafkaConnection(bootstrap_servers=broker, partitions=PARTITIONS)).create_when_started()
        print(f"{'kind':<16}{' '.join(f'{name:>12}' for name in COLUMNS)}   {count:,} records, mails a fifth")
        for name, (make, fewer) in KINDS.items():
            raws = [make(number) for number in range(count // fewer)]
            nothing = patch("normalizers.pipeline.annotators.annotate", lambda *_: Annotations())
            with patch("normalizers.pipeline._emergency", lambda *_: None), nothing:
                plain = pure(raws)
            alone = pure(raws)
            rate, per_cpu = asyncio.run(end_to_end(broker, group, raws[0].channel, len(raws)))
            peer, peer_per_cpu = bare.normalize(broker, raws[0].channel, len(raws), PARTITIONS)
            figures = (plain, alone, per_cpu, peer_per_cpu, rate, peer)
            print(f"{name:<16}{' '.join(f'{figure:>12,.0f}' for figure in figures)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["fill"]:
        asyncio.run(fill(sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        main()

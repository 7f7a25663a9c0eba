"""What a message costs each process and what it leaves: `python -m benchmarks.growth measure [MESSAGES]`.

The whole pipeline on the local stack, everything waiting in the raw topic; CPU of each process, the servers included,
and the bytes in Kafka's logs and in the archive's indices. CPU-seconds hardly depend on who else uses the machine.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from elasticsearch import Elasticsearch
from kafka.admin import KafkaAdminClient

from benchmarks import end_to_end
from benchmarks.normalize import neutral
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import topics
from schemas.contract.index_templates import indices

DOCUMENTS = ("ticket", "ticket_masked", "message", "link")
FIRST = 10**6
TRICKLE, TRICKLE_A_SECOND = 300, 10
"""Messages that come one by one: each is a chunk and a transaction of its own. What idle processes use is in it."""


def main(messages: int) -> None:
    """Print the figures of `costs.toml`."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        endpoints = stack.up(owner=os.getpid())
        try:
            _run(endpoints, Path(folder), messages)
        finally:
            stack.down()


def _run(endpoints: Endpoints, folder: Path, messages: int) -> None:
    connection, client = end_to_end.fresh(endpoints), Elasticsearch(endpoints.elasticsearch_url)
    producer = end_to_end.a_producer(connection)
    with end_to_end.pipeline(folder) as running:
        end_to_end.warm(connection, client, endpoints)
        for number in range(messages // 10):  # the servers' compilers and our own caches are warm by then
            end_to_end.publish(producer, neutral(FIRST + number))
        _until(client, 1 + messages // 10)
        admin = KafkaAdminClient(**connection.client_options())
        named = _processes(running, folder)
        before, size, began = _cpu(named), _sizes(admin, client), time.perf_counter()
        for number in range(messages):
            end_to_end.publish(producer, neutral(number))
        producer.flush()
        _until(client, 1 + messages // 10 + messages)
        seconds = time.perf_counter() - began
        after, grown = _cpu(named), _sizes(admin, client)
        for number in range(TRICKLE):
            end_to_end.publish(producer, neutral(2 * FIRST + number))
            time.sleep(1 / TRICKLE_A_SECOND)
        _until(client, 1 + messages // 10 + messages + TRICKLE)
        alone = _cpu(named)
        admin.close()
    print(f"{messages:,} messages in {seconds:.1f} s: {messages / seconds:,.0f} a second")
    for name, used in after.items():
        one = (alone[name] - used) * 1e6 / TRICKLE
        print(f"cpu {name:<16} {(used - before[name]) * 1e6 / messages:>10.0f} µs a message, {one:,.0f} one by one")
    for name, held in grown.items():
        print(f"bytes {name:<28} {(held - size.get(name, 0)) / messages:>10.0f} a message")


def _until(client: Elasticsearch, messages: int) -> None:
    while any(end_to_end.count(client, name) < messages for name in DOCUMENTS):
        time.sleep(0.5)


def _cpu(named: dict[str, psutil.Process]) -> dict[str, float]:
    times = {name: process.cpu_times() for name, process in named.items()}
    return {name: one.user + one.system for name, one in times.items()}


def _processes(running: list["subprocess.Popen[bytes]"], folder: Path) -> dict[str, psutil.Process]:
    """The stages, and the servers of the stack in `folder`: the children of its supervisor."""
    named = {name: psutil.Process(process.pid) for name, process in zip(end_to_end.STAGES, running, strict=True)}
    for supervisor in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in supervisor.info["cmdline"] or ()):
            for child in supervisor.children(recursive=True):
                if child.name() == "java":
                    line = " ".join(child.cmdline())
                    named["elasticsearch" if "org.elasticsearch" in line else "kafka"] = child
    return named


def _sizes(admin: KafkaAdminClient, client: Elasticsearch) -> dict[str, float]:
    """Bytes of each topic in Kafka, with one copy, and of each index once its segments are merged."""
    found: dict[str, float] = {}
    for broker in admin.describe_log_dirs():
        for folder in broker["log_dirs"]:
            for topic in folder["topics"]:
                if topic["name"] in topics.TOPICS:
                    held = sum(one["partition_size"] for one in topic["partitions"])
                    found[topic["name"]] = found.get(topic["name"], 0) + held
    for name, index in indices().items():
        client.indices.forcemerge(index=index.alias, max_num_segments=1)
        client.indices.refresh(index=index.alias)
        stats = client.indices.stats(index=index.alias, metric="store")
        found[f"index {name}"] = stats["_all"]["primaries"]["store"]["size_in_bytes"]
    return found

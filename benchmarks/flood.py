"""One sender with ten thousand messages, and everybody else: who waits? `python -m benchmarks.flood [MESSAGES]`.

Every stage is a process of its own. The flood is published at once, one message in a thousand of it tells of a fire;
citizens write at a steady pace meanwhile. Then the same without shares, for comparison. At the end every message has a
link, or the run fails.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from elasticsearch import Elasticsearch
from kafka import KafkaProducer
from msgspec.structs import replace

from benchmarks import end_to_end
from benchmarks.normalize import neutral
from benchmarks.searchable import Searchable
from hotline.dev.stack.stack import Endpoints, Stack
from schemas.records import RawMessage

RATE, SECONDS = 20, 20
FIRES = 1_000
LOOKED = 5
"""Every so many of the citizens' messages is looked for."""

PATIENCE_SECONDS = 600


def flooded(endpoints: Endpoints, data_dir: Path, flood: int, shares: Mapping[str, str]) -> None:
    """Print what citizens and emergencies waited beside the flood, and account for every message."""
    connection, client = end_to_end.fresh(endpoints), Elasticsearch(endpoints.elasticsearch_url)
    sent: dict[str, float] = {}
    urgent: list[float] = []
    with end_to_end.pipeline(data_dir, shares), Searchable(client) as looked:
        end_to_end.warm(connection, client, endpoints)
        handovers = end_to_end._handovers(connection)
        producer = end_to_end.a_producer(connection)
        for number in range(flood):
            is_fire = number % FIRES == FIRES // 2
            raw = end_to_end._urgent(10**7 + number) if is_fire else neutral(10**7 + number)
            _publish(producer, raw, "flooder", sent if is_fire else {})
        producer.flush()
        began = time.perf_counter()
        for number in range(RATE * SECONDS):
            raw = _publish(producer, neutral(number), f"citizen{number}", sent)
            if number % LOOKED == 0:
                looked.look_for(raw.message_id, sent[raw.message_id])
            end_to_end._arrived(handovers, sent, urgent)
            time.sleep(max(0.0, began + (number + 1) / RATE - time.perf_counter()))
        looked.wait()
        end = time.monotonic() + PATIENCE_SECONDS
        everything = flood + RATE * SECONDS + 1
        while end_to_end.count(client, "link") < everything or len(urgent) < flood // FIRES:
            assert time.monotonic() < end, "messages are missing"
            end_to_end._arrived(handovers, sent, urgent)
            time.sleep(0.2)
        drained = time.perf_counter() - began
        handovers.close()
    for what, times in (("fire in the flood → hand-over", urgent), ("a citizen's → searchable", looked.times)):
        middle, high = statistics.median(times), sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]
        print(f"  {what:<30} p50 {middle * 1000:>7.0f} ms   p99 {high * 1000:>7.0f} ms   of {len(times)}")
    print(f"  all {everything - 1:,} are searchable after {drained:.0f} s; none is missing")


def _publish(producer: KafkaProducer, raw: RawMessage, sender: str, sent: dict[str, float]) -> RawMessage:
    now = datetime.now(UTC)
    envelope = replace(raw.envelope, sender=sender, time=now, recordedtime=now)
    made = replace(raw, envelope=envelope, conversation=f"bench\n{sender}")
    sent[made.message_id] = time.time()
    end_to_end.publish(producer, made)
    return made


def main() -> None:
    """Print the figures."""
    flood = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        endpoints = stack.up(owner=os.getpid())
        try:
            for title, shares in (("with shares", {}), ("without", end_to_end.NO_SHARES)):
                print(f"{flood:,} messages of one sender at once, {RATE} citizens/s, {title}:")
                flooded(endpoints, Path(folder), flood, shares)
        finally:
            stack.down()


if __name__ == "__main__":
    main()

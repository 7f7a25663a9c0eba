"""The peer: a confluent-kafka loop with its state in memory, plain or with one transaction a batch.

Nothing restores its state: after a crash it takes for new what it had seen.
"""

import os
from typing import Any

import confluent_kafka as ck

from benchmarks.bare import delivered
from benchmarks.engines.job import CITIES, SESSION_SECONDS, Judged, Place, begin, understood, write

BATCH = 5000
TRANSACTIONS = os.environ.get("ENGINE_TRANSACTIONS") == "1"


def main() -> None:
    """Poll a batch, do the job, produce, and commit."""
    place = Place.of_argv()
    consumer, producer = a_consumer(place), a_producer(place)
    if TRANSACTIONS:
        producer.init_transactions()
    consumer.subscribe([place.source])
    seen: set[tuple[str, int]] = set()
    while True:
        messages = consumer.consume(BATCH, 0.1)
        if not messages:
            continue
        begin()
        if TRANSACTIONS:
            producer.begin_transaction()
        for message in messages:
            emit(producer, place.target, judged(message.value() or b"", seen))
        if TRANSACTIONS:
            producer.send_offsets_to_transaction(
                consumer.position(consumer.assignment()), consumer.consumer_group_metadata()
            )
            producer.commit_transaction()
        else:
            producer.flush()
            consumer.commit(asynchronous=True)


def judged(value: bytes, seen: set[tuple[str, int]]) -> Judged:
    """Do the job on one message."""
    one = understood(value)
    known = len(seen)
    seen.add((one.city, one.fingerprint))
    one.new = len(seen) > known
    return one


def a_consumer(place: Place) -> ck.Consumer:
    """Return a consumer that commits nothing by itself."""
    return ck.Consumer(
        {
            "bootstrap.servers": place.broker, "group.id": place.group, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "fetch.wait.max.ms": 100, "session.timeout.ms": int(SESSION_SECONDS * 1000),
        }
    )  # fmt: skip


def a_producer(place: Place) -> ck.Producer:
    """Return a producer that waits for every broker."""
    settings: dict[str, Any] = {"bootstrap.servers": place.broker, "acks": "all", "linger.ms": 5}
    return ck.Producer(settings | ({"transactional.id": place.group} if TRANSACTIONS else {}))


def emit(producer: ck.Producer, target: str, one: Judged) -> None:
    """Produce one record; a full queue is served first."""
    while True:
        try:
            producer.produce(target, write(one), one.id, partition=CITIES.index(one.city), on_delivery=delivered)
            return
        except BufferError:
            producer.poll(0.1)


if __name__ == "__main__":
    main()

"""Counts what a run left in the raw topic: which numbers are there, and how often under which `ce_id`."""

import re
from collections import Counter, defaultdict

from kafka import KafkaConsumer, TopicPartition

from schemas import topics
from schemas.connection import KafkaConnection
from schemas.records.raw import BEGINNING

_NUMBER = re.compile(rb"hotline-bench-([0-9]{8})")
_WIDE = re.compile("hotline-bench-".encode("utf-16-be") + rb"((?:\0[0-9]){8})")


class Ledger:
    """Reads a raw topic from where it stood when the run began.

    A record that comes again under the same `ce_id` is a repeat, and harmless; one number under two ids is doubled.
    """

    def __init__(self, connection: KafkaConnection, channel: str) -> None:
        self._consumer = KafkaConsumer(
            enable_auto_commit=False, isolation_level="read_committed", **connection.client_options()
        )
        numbers = self._consumer.partitions_for_topic(topics.raw(channel)) or set()
        self._consumer.assign([TopicPartition(topics.raw(channel), number) for number in numbers])
        self._consumer.seek_to_end()
        for partition in self._consumer.assignment():
            self._consumer.position(partition)
        self.records = 0
        self._ids: defaultdict[int, Counter[bytes]] = defaultdict(Counter)

    def read(self) -> int:
        """Take what came since and return how many distinct numbers are there."""
        while found := self._consumer.poll(timeout_ms=200, max_records=5000):
            for record in (record for records in found.values() for record in records):
                self._take(record)
        return len(self._ids)

    @property
    def numbers(self) -> set[int]:
        """Return the numbers that arrived."""
        return set(self._ids)

    @property
    def doubled(self) -> dict[int, int]:
        """Return the numbers that came under more than one id, with how many."""
        return {number: len(ids) for number, ids in self._ids.items() if len(ids) > 1}

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()

    def _take(self, record: object) -> None:
        if ("ce_type", BEGINNING.encode()) in record.headers:  # type: ignore[attr-defined] # kafka-python's record
            return  # it proves nothing of the whole
        self.records += 1
        value: bytes = record.value or b""  # type: ignore[attr-defined] # kafka-python's record
        found = _NUMBER.search(value)
        wide = None if found else _WIDE.search(value)
        if found or wide:
            number = int(found[1]) if found else int(wide[1].decode("utf-16-be"))  # type: ignore[index] # one of them is there
            identifier = dict(record.headers)["ce_id"]  # type: ignore[attr-defined] # kafka-python has no types
            self._ids[number][identifier] += 1

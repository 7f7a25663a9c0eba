"""Counts what a run left in the raw topic: which numbers are there, under which `ce_id`, and what cannot be read."""

import re
from collections import Counter, defaultdict
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from broker.config import KafkaConnection
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas import topics
from schemas.errors import RecordError
from schemas.records.raw import is_beginning, raw_of

_NUMBER = re.compile(rb"hotline-bench-([0-9]{8})")
_WIDE = re.compile("hotline-bench-".encode("utf-16-be") + rb"((?:\0[0-9]){8})")
_POLICY = Policy()

PATIENCE_MS = 180_000
"""For a broker that was killed, on a machine with much else to do."""


class Ledger:
    """Reads a raw topic, and the dead letters, from where they stood when the run began.

    A record that comes again under the same `ce_id` is a repeat, and harmless; one number under two ids is doubled.
    """

    def __init__(self, connection: KafkaConnection, topic: str) -> None:
        self._consumer = KafkaConsumer(
            enable_auto_commit=False,
            isolation_level="read_committed",
            reconnect_backoff_max_ms=1000,
            **connection.client_options(),
        )
        places = {name: self._consumer.partitions_for_topic(name) or set() for name in (topic, topics.DEAD)}
        self._consumer.assign([TopicPartition(name, number) for name, numbers in places.items() for number in numbers])
        self._consumer.seek_to_end()
        for partition in self._consumer.assignment():
            self._consumer.position(partition)
        self.records = 0
        self.dead: list[str] = []
        """Why a connector gave a message up."""
        self.unreadable: set[int] = set()
        """Numbers of which a record became something that nobody can read, such as half of one."""
        self.odd: set[bytes] = set()
        """Ids of records without a number: what a course plants."""
        self._ids: defaultdict[int, Counter[bytes]] = defaultdict(Counter)
        self._accounts: defaultdict[int, set[str]] = defaultdict(set)

    def read(self) -> int:
        """Take what came since and return how many distinct numbers are there."""
        ends = self._consumer.end_offsets(self._consumer.assignment(), timeout_ms=PATIENCE_MS)
        while any(self._consumer.position(each) < end for each, end in ends.items()):
            found = self._consumer.poll(timeout_ms=200, max_records=5000)
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

    def accounts(self, number: int) -> set[str]:
        """Return the accounts at which a number arrived."""
        return self._accounts[number]

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()

    def _take(self, record: Any) -> None:
        if is_beginning(record):
            return  # it proves nothing of the whole
        headers, value = dict(record.headers), record.value or b""
        if record.topic == topics.DEAD:
            self.dead.append((headers.get("hotline_code") or headers.get("code") or b"?").decode())
            return
        self.records += 1
        found = _NUMBER.search(value)
        wide = None if found else _WIDE.search(value)
        if not found and not wide:
            self.odd.add(headers["ce_id"])
            return
        number = int(found[1]) if found else int(wide[1].decode("utf-16-be"))  # type: ignore[index] # one of them is there
        self._ids[number][headers["ce_id"]] += 1
        self._accounts[number].add(headers["ce_account"].decode())
        try:
            normalize(raw_of(record), _POLICY)
        except RecordError:
            self.unreadable.add(number)

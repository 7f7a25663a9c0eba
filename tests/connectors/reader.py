"""Read back what a topic holds for one account."""

from typing import Any

from kafka import KafkaConsumer, TopicPartition

from broker.config import KafkaConnection
from schemas.records.raw import is_beginning


class Reader:
    """Reads a topic from its beginning to its present end."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection

    def read(self, topic: str, account: str, *, beginnings: bool = False) -> list[Any]:
        """Return the records of an account, by their `ce_account`; how messages begin is for `screen` alone."""
        consumer = KafkaConsumer(**self._connection.client_options())
        try:
            mine = [record for record in _all(consumer, topic) if _account(record) == account]
            return [record for record in mine if beginnings or not is_beginning(record)]
        finally:
            consumer.close()


def _all(consumer: Any, topic: str) -> list[Any]:
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    found: list[Any] = []
    while any(consumer.position(each) < ends[each] for each in partitions):
        found += [record for records in consumer.poll(500).values() for record in records]
    return found


def _account(record: Any) -> str:
    return dict(record.headers).get("ce_account", b"").decode()

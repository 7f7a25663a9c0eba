"""Topics made anew for a test."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec

from hotline.provision import Provision
from schemas import topics
from schemas.connection import KafkaConnection


def topics_made_anew(connection: KafkaConnection) -> KafkaConnection:
    """Delete every topic of ours, create them all, and return when their partitions take records.

    A topic is gone from the metadata before its log is: what is written in between would go with the old log.
    """
    with _admin(connection) as admin:
        there = [name for name in admin.list_topics() if name in topics.TOPICS]
        if there:
            admin.delete_topics(there)
        _until(lambda: not _logs(admin), "Kafka did not delete the topics")
    Provision(connection).create()
    places = [TopicPartition(name, number) for name in topics.TOPICS for number in range(connection.partitions)]
    with _admin(connection) as admin:
        admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))  # waits for the leaders
    return connection


def _logs(admin: KafkaAdminClient) -> set[str]:
    return {
        topic["name"]
        for broker in admin.describe_log_dirs()
        for folder in broker["log_dirs"]
        for topic in folder["topics"]
        if topic["name"] in topics.TOPICS
    }


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


@contextmanager
def _admin(connection: KafkaConnection) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(**connection.client_options())
    try:
        yield admin
    finally:
        admin.close()

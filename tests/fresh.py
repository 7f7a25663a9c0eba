"""Topics made anew for a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, MemberToRemove, NewTopic, OffsetSpec
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
    TopicAlreadyExistsError,
)

from hotline.provision import Provision
from schemas import topics
from schemas.connection import KafkaConnection
from tests.waiting import until


def topics_made_anew(connection: KafkaConnection) -> KafkaConnection:
    """Delete every topic of ours, create them all, and return when their partitions take records.

    A topic is gone from the metadata before its log is: what is written in between would go with the old log. A
    worker that another test killed is a member of its group until its session ends: it is put out, too.
    """
    with admin_of(connection) as admin:
        until(lambda: _put_out(admin), "Kafka did not put the workers of other tests out")
        there = [name for name in admin.list_topics() if name in topics.TOPICS]
        if there:
            admin.delete_topics(there)
        until(lambda: not _logs(admin), "Kafka did not delete the topics")
    Provision(connection).create()
    places = [TopicPartition(name, number) for name in topics.TOPICS for number in range(connection.partitions)]
    with admin_of(connection) as admin:
        admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))  # waits for the leaders
    return connection


def made_anew(connection: KafkaConnection, topic: str, partitions: int) -> None:
    """Delete one topic under whoever reads it, and make it; who writes next may find no leader yet."""
    with admin_of(connection) as admin:
        admin.delete_topics([topic])
        until(lambda: _made(admin, NewTopic(topic, partitions, 1)), "Kafka did not delete the topic")


def _made(admin: KafkaAdminClient, topic: NewTopic) -> bool:
    try:
        admin.create_topics([topic])
    except TopicAlreadyExistsError:  # the old one is still there
        return False
    return True


def by_the_senders_clock(connection: KafkaConnection, topic: str) -> None:
    """Let a topic believe what senders say of the time, until it is made anew: what is written may be old at once."""
    with admin_of(connection) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"message.timestamp.type": "CreateTime"})])


def _put_out(admin: KafkaAdminClient) -> bool:
    groups = [one["group_id"] for one in admin.list_groups() if one["group_id"].startswith("hotline-")]
    try:
        for name, group in admin.describe_groups(groups).items():
            admin.remove_group_members(name, [MemberToRemove(one["member_id"]) for one in group["members"]])
    except (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError):
        return False  # Kafka has just started
    return True


def _logs(admin: KafkaAdminClient) -> set[str]:
    return {
        topic["name"]
        for broker in admin.describe_log_dirs()
        for folder in broker["log_dirs"]
        for topic in folder["topics"]
        if topic["name"] in topics.TOPICS
    }


@contextmanager
def admin_of(connection: KafkaConnection) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(**connection.client_options())
    try:
        yield admin
    finally:
        admin.close()

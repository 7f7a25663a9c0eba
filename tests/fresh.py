"""Topics made anew for a test."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, MemberToRemove, NewTopic, OffsetSpec
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
    TopicAlreadyExistsError,
)
from msgspec import structs

from broker.config import KafkaConnection
from hotline.admin import placement
from hotline.admin.topics import Provision
from schemas import topics
from tests.waiting import until


def topics_made_anew(connection: KafkaConnection) -> KafkaConnection:
    """Delete every topic of ours that was used, create what is missing, and return when all partitions take records.

    A topic that is as it should be and never held a record is as good as a new one, and most are. One that is deleted
    is gone from the metadata before its log is: what is written in between would go with the old log. A worker that
    another test killed is a member of its group until its session ends: it is put out, too, and its group forgotten.
    """
    other = {one.topic for one in Provision(connection).differences()}
    with admin_of(connection) as admin:
        until(lambda: _put_out(admin), "Kafka did not put the workers of other tests out")
        there = topics.TOPICS.keys() & set(admin.list_topics())
        kept = {topics.PLACEMENT} if topics.PLACEMENT in there and _is_placed(admin, connection) else set()
        used = (there & (other | _held(admin, there - other - kept, connection.partitions))) - kept
        if used:
            admin.delete_topics(sorted(used))
        until(lambda: not _logs(admin) & used, "Kafka did not delete the topics")
    # Without the frozen number, which was just read, `create` neither reads it twice nor writes it in a transaction.
    Provision(
        connection, {name: topic for name, topic in topics.TOPICS.items() if name not in kept}
    ).create_when_started()
    with admin_of(connection) as admin:
        _held(admin, topics.TOPICS, connection.partitions)  # waits for the leaders
    return connection


_READ: dict[str, tuple[str, int, int]] = {}
"""By Kafka: the id of the topic of the frozen number, its end, and the number that was read up to there."""


def _is_placed(admin: KafkaAdminClient, connection: KafkaConnection) -> bool:
    """Return whether the frozen number of partitions is the wanted one: then the topic may stay.

    What was read once holds until the topic is made anew or grows: to read a topic takes longer than all the rest.
    """
    (topic,) = admin.describe_topics([topics.PLACEMENT])
    place = TopicPartition(topics.PLACEMENT, 0)
    end = admin.list_partition_offsets({place: OffsetSpec.LATEST})[place].offset
    known = _READ.get(connection.bootstrap_servers)
    if known is None or known[:2] != (str(topic["topic_id"]), end):
        number = placement.frozen(connection)
        if number is None:
            return False
        known = _READ[connection.bootstrap_servers] = str(topic["topic_id"]), end, number
    return known[2] == connection.partitions


def _held(admin: KafkaAdminClient, names: Iterable[str], partitions: int) -> set[str]:
    """Return the topics that ever held a record, or the mark of a transaction."""
    places = [
        TopicPartition(name, number) for name in names for number in range(topics.TOPICS[name].partitions or partitions)
    ]
    ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST)) if places else {}
    return {place.topic for place, end in ends.items() if end.offset}


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
    """Make a topic anew that takes the senders' time for the time of a record: what is written may be old at once.

    A setting that is changed takes effect some time after Kafka's answer, so the topic is made with it.
    """
    with admin_of(connection) as admin:
        admin.delete_topics([topic])
        until(lambda: topic not in _logs(admin), "Kafka did not delete the topic")
    declared = topics.TOPICS[topic]
    timed = structs.replace(declared, extra={**declared.extra, "message.timestamp.type": "CreateTime"})
    Provision(connection, {topic: timed}).create_when_started()
    with admin_of(connection) as admin:
        _held(admin, [topic], connection.partitions)  # waits for the leaders


def _put_out(admin: KafkaAdminClient) -> bool:
    groups = [one["group_id"] for one in admin.list_groups() if one["group_id"].startswith("hotline-")]
    try:
        for name, group in admin.describe_groups(groups).items():
            admin.remove_group_members(name, [MemberToRemove(one["member_id"]) for one in group["members"]])
        admin.delete_groups(groups)  # one that is used at this moment stays
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

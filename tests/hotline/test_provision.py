"""Topics are made on a real Kafka by several at once, as hosts that start together do, and by brokers of any kind."""

from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic

from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from schemas import topics
from schemas.topics import TOPICS
from tests.fresh import admin_of, topics_made_anew
from tests.waiting import until

pytestmark = pytest.mark.integration

HOSTILE = {
    "log.cleanup.policy": "compact",
    "log.cleaner.delete.retention.ms": "0",
    "log.cleaner.max.compaction.lag.ms": "1000",
    "log.cleaner.min.compaction.lag.ms": "0",
    "log.message.timestamp.before.max.ms": "86400000",  # less would refuse Kafka's own topics on a busy machine
    "log.message.timestamp.type": "CreateTime",
    "log.retention.bytes": "1000",
    "log.retention.ms": "1000",
    "log.roll.ms": "1000",
    "log.segment.bytes": "1048576",
    "message.max.bytes": "1000",
    "unclean.leader.election.enable": "true",
}
"""Defaults of a broker, each of which removes or refuses records of a topic that has not its own.

Of `min.insync.replicas` Kafka takes no other value while it runs (eligible leader replicas).
"""

KINDS = (topics.EVENT, topics.MESSAGE, topics.TICKET, topics.AUDIT, topics.raw("wechat"))


def test_topics_that_another_one_makes_meanwhile_are_no_fault(
    fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, look = iter([list(TOPICS)]), Provision._missing
    monkeypatch.setattr(Provision, "_missing", lambda self, client: next(looks, None) or look(self, client))
    assert Provision(fresh_topics).create() == []
    assert Provision(fresh_topics).differences() == []


@pytest.fixture
def hostile(fresh_topics: KafkaConnection) -> Iterator[KafkaConnection]:
    """The session's Kafka, whose defaults remove and refuse records; it has none of our topics yet."""
    with admin_of(fresh_topics) as admin:
        _gone(admin)
        _brokers_own(admin, HOSTILE)
        yield fresh_topics
        _brokers_own(admin, None)
    topics_made_anew(fresh_topics)


def test_no_default_of_the_brokers_removes_or_refuses_a_record(hostile: KafkaConnection) -> None:
    provision = Provision(hostile)
    assert set(provision.create()) == set(TOPICS)
    assert provision.differences() == []
    found = provision.describe()
    for name in KINDS:
        assert found[name].config["retention.bytes"] == "-1" or TOPICS[name].cleanup_policy == "compact"
        assert not found[name].inherited & provision.config(name).keys()
    producer = KafkaProducer(**hostile.client_options(), max_request_size=4 * 1024 * 1024, acks="all")
    large = producer.send(topics.EVENT, bytes(3 * 1024 * 1024), key=b"k", timestamp_ms=1)  # larger than their segments
    assert large.get(30).offset == 0
    producer.close()


def test_topics_that_have_the_brokers_defaults_are_told_of_and_set_right(hostile: KafkaConnection) -> None:
    """As an installation is whose topics an older version made: what was not pinned is the brokers' own."""
    with admin_of(hostile) as admin:
        admin.create_topics([NewTopic(name, hostile.partitions, 1) for name in KINDS])
    provision = Provision(hostile, {name: TOPICS[name] for name in KINDS})
    told = {(one.topic, one.what, one.found) for one in provision.differences()}
    assert {
        (topics.EVENT, "retention.bytes", "1000"),
        (topics.AUDIT, "retention.ms", "1000"),
        (topics.MESSAGE, "cleanup.policy", "compact"),
        (topics.MESSAGE, "max.message.bytes", "1000"),
        (topics.EVENT, "min.insync.replicas", "1 by the brokers' default"),
        (topics.EVENT, "unclean.leader.election.enable", "true"),
        (topics.EVENT, "message.timestamp.type", "CreateTime"),
        (topics.EVENT, "segment.bytes", "1048576"),
        (topics.AUDIT, "segment.ms", "1000"),
        (topics.TICKET, "delete.retention.ms", "0"),
        (topics.TICKET, "max.compaction.lag.ms", "1000"),
        (topics.TICKET, "min.compaction.lag.ms", "0"),
    } <= told
    assert {one.advice for one in provision.differences()} == {"run `hotline topics create --alter`"}
    provision.alter()
    assert provision.differences() == []


def test_a_right_value_that_is_only_the_brokers_is_told_of_and_made_the_topics_own(
    fresh_topics: KafkaConnection,
) -> None:
    provision = Provision(fresh_topics, {topics.EVENT: TOPICS[topics.EVENT]})
    with admin_of(fresh_topics) as admin:
        admin.reset_configs([ConfigResource(ConfigResourceType.TOPIC, topics.EVENT, {"retention.bytes": None})])
    assert [str(one) for one in provision.differences()] == [
        f"{topics.EVENT}: retention.bytes is -1 by the brokers' default, not its own"
    ]
    assert [one.what for one in provision.alter()] == ["retention.bytes"]
    assert provision.differences() == []


def _gone(admin: KafkaAdminClient) -> None:
    admin.delete_topics(sorted(TOPICS.keys() & set(admin.list_topics())))
    until(lambda: not TOPICS.keys() & set(admin.list_topics()), "Kafka did not delete the topics")


def _brokers_own(admin: KafkaAdminClient, defaults: dict[str, str] | None) -> None:
    """Give the one broker other defaults, or its own again, and return when it goes by them."""
    broker: dict[str, Any] = admin.describe_cluster()["brokers"][0]
    number = str(broker.get("node_id", broker.get("broker_id")))
    if defaults is None:
        answer = admin.reset_configs([ConfigResource(ConfigResourceType.BROKER, number, dict.fromkeys(HOSTILE))])
    else:
        answer = admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, number, defaults)])
    assert answer["broker"] == {number: "OK"}
    until(lambda: (_has(admin, number) == HOSTILE) == (defaults is not None), "the broker did not take its defaults")


def _has(admin: KafkaAdminClient, number: str) -> dict[str, str]:
    asked = [ConfigResource(ConfigResourceType.BROKER, number)]
    told = admin.describe_configs(asked, config_filter="all")["broker"][number]
    return {key: str(told[key]["value"]) for key in HOSTILE if key in told}

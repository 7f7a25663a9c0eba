"""Questions to a Kafka cluster: topics, their settings, this user's rights, and the time."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from kafka import errors as theirs
from kafka.admin import ConfigResource, ConfigResourceType, ConfigSourceType, KafkaAdminClient
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer import HeartbeatRequest
from kafka.protocol.producer import InitProducerIdRequest
from msgspec import Struct

from broker.config import KafkaConnection
from broker.sync_client import PATIENCE_MS, opened

_TOPICS_OWN = ConfigSourceType.DYNAMIC_TOPIC_CONFIG.name

_LONGEST = 2**31 - 1
"""Milliseconds; no broker allows a transaction so long."""


class TopicFacts(Struct, frozen=True, kw_only=True):
    """A topic as the brokers have it; each lack names the first partition that has it."""

    topic_id: str
    partitions: int
    replication_factor: int
    operations: frozenset[str]
    without_leader: int
    least_in_sync: int


class TopicConfig(NamedTuple):
    """The settings of a topic by Kafka's names; `own` are those that the topic has itself, not from its brokers."""

    values: Mapping[str, str]
    own: frozenset[str]


class Answer(NamedTuple):
    """Answer to a question for topics: the existing ones, and those hidden from this user."""

    topics: Mapping[str, TopicFacts]
    hidden: frozenset[str]


def admin(connection: KafkaConnection, request_ms: int = PATIENCE_MS) -> AbstractContextManager[Any]:
    """Yield kafka-python's administration client; its errors become errors of the pipeline.

    A request may take `request_ms` milliseconds.
    """
    return opened(KafkaAdminClient, connection, bootstrap_timeout_ms=PATIENCE_MS, request_timeout_ms=request_ms)


class Cluster:
    """Questions to a cluster; none changes anything."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def topics(self, names: Collection[str]) -> Answer:
        """Return the existing topics of these names."""
        found, hidden = {}, set()
        for topic in self._client.describe_topics(list(names)):
            if topic["error_code"] == theirs.TopicAuthorizationFailedError.errno:
                hidden.add(topic["name"])
            elif topic["partitions"]:
                found[topic["name"]] = _facts(topic)
        return Answer(found, frozenset(hidden))

    def configs(self, names: Collection[str]) -> dict[str, TopicConfig]:
        """Return the settings of topics; empty if this user may not see them."""
        if not names:
            return {}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        answer = self._client.describe_configs(asked, config_filter="all")["topic"]
        return {name: _config(answer[name]) for name in names}

    def may_join(self, group: str) -> bool:
        """Return whether this user may read in a group: Kafka refuses an unknown member's heartbeat in either case,
        with different errors.
        """
        heartbeat = HeartbeatRequest(group_id=group, generation_id=0, member_id="hotline-doctor")
        return bool(self._ask(heartbeat).error_code != theirs.GroupAuthorizationFailedError.errno)

    def may_describe(self, group: str) -> bool:
        """Return whether this user may see the members and offsets of a group."""
        (answer,) = self._ask(DescribeGroupsRequest(groups=[group])).groups
        return bool(answer.error_code != theirs.GroupAuthorizationFailedError.errno)

    def may_write_transactions(self, transactional_id: str) -> bool:
        """Return whether this user may write transactions; the question asks for too long a one, which fences no
        producer.
        """
        beginning = InitProducerIdRequest(
            transactional_id=transactional_id,
            transaction_timeout_ms=_LONGEST,
            producer_id=-1,
            producer_epoch=-1,
            max_version=4,
        )
        return bool(self._ask(beginning).error_code != theirs.TransactionalIdAuthorizationFailedError.errno)

    def may_describe_transactions(self, transactional_id: str) -> bool:
        """Return whether this user may see the state of its transaction."""
        try:
            self._client.describe_transactions([transactional_id])
        except theirs.TransactionalIdAuthorizationFailedError:
            return False
        except (theirs.TransactionalIdNotFoundError, theirs.CoordinatorNotAvailableError):
            return True  # no producer has used this id, or any transaction: the right is checked before that
        return True

    def may_describe_the_cluster(self) -> bool:
        """Return whether this user has the right that `seconds_ahead` needs."""
        return self._quorum() is not None

    def seconds_ahead(self, now: Callable[[], float]) -> float | None:
        """Return how far the clock `now` (Unix seconds) is ahead of the controller's; None if unknown.

        Needs the operation Describe on the cluster.
        """
        before = now()
        quorum = self._quorum()
        if quorum is None:
            return None
        (partition,) = quorum["topics"][0]["partitions"]
        # The leader of the quorum has fetched from itself at this very moment.
        leader = next(voter for voter in partition["current_voters"] if voter["replica_id"] == partition["leader_id"])
        return (before + now()) / 2 - float(leader["last_caught_up_timestamp"]) / 1000

    def _quorum(self) -> dict[str, Any] | None:
        try:
            return dict(self._client.describe_metadata_quorum())
        except theirs.ClusterAuthorizationFailedError:
            return None

    def _ask(self, request: Any) -> Any:
        manager = self._client._manager  # the public methods of the client do not send these two
        return manager.run(manager.send, request)


def _config(entries: Mapping[str, Any]) -> TopicConfig:
    return TopicConfig(
        {key: str(entry["value"]) for key, entry in entries.items()},
        frozenset(key for key, entry in entries.items() if entry["config_source"] == _TOPICS_OWN),
    )


def _facts(topic: dict[str, Any]) -> TopicFacts:
    partitions = topic["partitions"]
    return TopicFacts(
        topic_id=str(topic["topic_id"]),
        partitions=len(partitions),
        replication_factor=len(partitions[0]["replica_nodes"]),
        operations=frozenset(topic["authorized_operations"] or ()),
        without_leader=sum(one["leader_id"] < 0 for one in partitions),
        least_in_sync=min(len(one["isr_nodes"]) for one in partitions),
    )

"""Makes the Kafka topics of `schemas/topics.py` and says where a cluster differs from them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError
from msgspec import Struct

from connectors.producer import translated
from schemas.connection import KafkaConnection
from schemas.errors import MisconfiguredError
from schemas.topics import TOPICS, Topic

PATIENCE_MS = 5_000


class Difference(Struct, frozen=True, kw_only=True):
    """One point in which a topic is not as it should be; `found` None means that it is not there."""

    topic: str
    what: str
    wanted: str
    found: str | None = None

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.topic} does not exist"
        return f"{self.topic}: {self.what} is {self.found}, not {self.wanted}"


class Found(Struct, frozen=True, kw_only=True):
    """A topic as the brokers have it."""

    partitions: int
    replication_factor: int
    config: dict[str, str]


class Provision:
    """The topics of one cluster; raises errors of ours only."""

    def __init__(self, connection: KafkaConnection, wanted: Mapping[str, Topic] = TOPICS) -> None:
        self._connection = connection
        self._topics = wanted

    def create(self) -> list[str]:
        """Create what is missing and return its names; what exists is left as it is."""
        with self._admin() as admin:
            missing = [name for name in self._topics if name not in _there(admin)]
            if missing:
                admin.create_topics({name: self._wanted(name) for name in missing}, wait_for_metadata=True)
            return missing

    def alter(self) -> list[Difference]:
        """Set the configuration that differs and return what was changed; partitions never change in place."""
        differing = [one for one in self.differences() if one.found is not None and one.what in self.config(one.topic)]
        with self._admin() as admin:
            for one in differing:
                admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, one.topic, {one.what: one.wanted})])
        return differing

    def describe(self) -> dict[str, Found]:
        """Return our topics as the brokers have them; those that are missing are left out."""
        with self._admin() as admin:
            there = [topic for topic in admin.describe_topics() if topic["name"] in self._topics]
            asked = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in there]
            configs = admin.describe_configs(asked, config_filter="all")["topic"] if asked else {}
            return {topic["name"]: _found(topic, configs[topic["name"]]) for topic in there}

    def topic_id(self, name: str) -> str:
        """Return the id that Kafka gave a topic: another one whenever it is made anew.

        Raises MisconfiguredError when there is no such topic.
        """
        with self._admin() as admin:
            found = next((topic for topic in admin.describe_topics() if topic["name"] == name), None)
        if found is None:
            raise MisconfiguredError(f"Kafka has no topic {name}: run `hotline topics create`.")
        return str(found["topic_id"])

    def differences(self) -> list[Difference]:
        """Return every point in which the cluster is not as `schemas/topics.py` and the settings say."""
        found = self.describe()
        return [one for name in self._topics for one in self._differences(name, found.get(name))]

    def config(self, name: str) -> dict[str, str]:
        """Return the configuration that a topic should have."""
        copies = self._connection.replication_factor
        # One broker may be away for maintenance, and acks=all still means two copies.
        return self._topics[name].config | ({"min.insync.replicas": str(copies - 1)} if copies > 1 else {})

    def _differences(self, name: str, found: Found | None) -> Iterator[Difference]:
        if found is None:
            yield Difference(topic=name, what="topic", wanted="a topic")
            return
        wanted = {
            "partitions": str(self._connection.partitions),
            "replication factor": str(self._connection.replication_factor),
            **self.config(name),
        }
        have = {
            "partitions": str(found.partitions),
            "replication factor": str(found.replication_factor),
            **found.config,
        }
        for what, value in wanted.items():
            if have.get(what) != value:
                yield Difference(topic=name, what=what, wanted=value, found=have.get(what, "unknown"))

    def _wanted(self, name: str) -> dict[str, Any]:
        return {
            "num_partitions": self._connection.partitions,
            "replication_factor": self._connection.replication_factor,
            "configs": self.config(name),
        }

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        admin: Any = None
        try:
            admin = KafkaAdminClient(
                **self._connection.client_options(), bootstrap_timeout_ms=PATIENCE_MS, request_timeout_ms=PATIENCE_MS
            )
            yield admin
        except (KafkaError, OSError) as error:
            raise translated(error) from error
        finally:
            if admin is not None:
                admin.close()


def _there(admin: Any) -> set[str]:
    return set(admin.list_topics())


def _found(topic: dict[str, Any], config: dict[str, dict[str, Any]]) -> Found:
    partitions = topic["partitions"]
    return Found(
        partitions=len(partitions),
        replication_factor=len(partitions[0]["replica_nodes"]) if partitions else 0,
        config={key: str(entry["value"]) for key, entry in config.items()},
    )

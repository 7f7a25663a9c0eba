"""Creates the Kafka topics of `schemas/topics.py` and lists differences of a cluster."""

from collections.abc import Iterator, Mapping
from typing import Any

from kafka import errors as theirs
from kafka.admin import ConfigResource, ConfigResourceType
from msgspec import Struct
from tenacity import Retrying, retry, retry_if_exception_type, stop_after_delay, wait_fixed

from broker.config import KafkaConnection
from hotline.admin import placement
from hotline.admin.cluster import Answer, Cluster, TopicConfig, TopicFacts, admin
from schemas import topics
from schemas.errors import MisconfiguredError, UnauthorizedError, UnreachableError
from schemas.topics import TOPICS, Topic


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

    @property
    def advice(self) -> str:
        """Return the next action."""
        if self.found is None:
            return "run `hotline topics create`"
        if self.what == "partitions":
            return self._about_partitions
        if self.what == "replication factor":
            return "set `kafka.replication_factor` to the present number, or change the replicas of the topic"
        return "run `hotline topics create --alter`"

    @property
    def is_harmless(self) -> bool:
        """Return whether the difference may stay: a topic with more partitions than cities use."""
        return self.found is not None and self.what == "partitions" and int(self.found) > int(self.wanted)

    @property
    def _about_partitions(self) -> str:
        if self.is_harmless:
            return (
                f"keep `kafka.partitions = {self.wanted}`: cities stay where they are, and the new "
                "partitions stay empty"
            )
        return f"give it {self.wanted} with `kafka-topics.sh --alter`: cities are spread over this number permanently"


class Found(Struct, frozen=True, kw_only=True):
    """A topic as the brokers have it; `config` is empty if this user may not see it.

    `inherited` are the settings that the topic has from its brokers, which may change them at any time.
    """

    partitions: int
    replication_factor: int
    config: Mapping[str, str]
    inherited: frozenset[str] = frozenset()

    @classmethod
    def of(cls, facts: TopicFacts, config: TopicConfig) -> "Found":
        """Return the topic of which these facts and settings are known."""
        return cls(
            partitions=facts.partitions,
            replication_factor=facts.replication_factor,
            config=config.values,
            inherited=frozenset(config.values) - config.own,
        )


def copied(copies: int) -> dict[str, str]:
    """Return the settings of a topic with so many copies, whatever the brokers' own are.

    With two copies or more one broker may be away for maintenance, and acks=all means all others.
    """
    return {"min.insync.replicas": str(max(1, copies - 1))}


def _alter(client: Any, name: str, config: dict[str, str]) -> None:
    told = client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, config)])["topic"][name]
    if told != "OK":
        raise MisconfiguredError(f"Kafka does not set {', '.join(config)} of {name}: {told}.")


CREATE_MS = 30_000
"""Limit in milliseconds for a request that makes topics, Kafka's own default: a broker makes several hundred logs."""

STARTED_SECONDS = 120.0
"""Seconds in which a Kafka that was just started on this machine answers, also if all processors are busy."""


class Provision:
    """The topics of one cluster; raises only errors of the pipeline."""

    def __init__(self, connection: KafkaConnection, wanted: Mapping[str, Topic] = TOPICS) -> None:
        self._connection = connection
        self._topics = wanted

    def create_when_started(self) -> list[str]:
        """Do as `create` at a Kafka that was just started; a step without an answer is repeated for `STARTED_SECONDS`.

        What a step made before its answer was lost is found by the next one.
        """
        patiently = Retrying(
            retry=retry_if_exception_type(UnreachableError),
            wait=wait_fixed(1),
            stop=stop_after_delay(STARTED_SECONDS),
            reraise=True,
        )
        return patiently(self.create)

    def create(self, begun_with: int | None = None) -> list[str]:
        """Create missing topics and return their names; existing ones stay as they are, also those that appear
        meanwhile.

        Freezes the number of partitions. Raises MisconfiguredError, and creates nothing, if cities are spread over
        another or an unknown number (`begun_with`, as in `placement.refuse_grown`).
        """
        if topics.PLACEMENT not in self._topics:
            with admin(self._connection, CREATE_MS) as client:
                return self._created(client)
        self._refuse_other_partitions(begun_with)
        with admin(self._connection, CREATE_MS) as client:
            created = self._created(client)
        placement.freeze(self._connection)
        return created

    def _refuse_other_partitions(self, begun_with: int | None) -> None:
        with admin(self._connection) as client:
            there = self._seen(Cluster(client).topics(self._topics))
        number = placement.frozen(self._connection) if topics.PLACEMENT in there else None
        if number is not None:
            placement.refuse_other(self._connection, number)
        else:
            counts = {name: facts.partitions for name, facts in there.items()}
            placement.refuse_grown(self._connection, counts, begun_with)

    def alter(self) -> list[Difference]:
        """Set the configuration that differs and return the changes; partitions never change in place.

        Raises MisconfiguredError for settings that Kafka refuses.
        """
        differing = [one for one in self.differences() if one.found is not None and one.what in self.config(one.topic)]
        wanted: dict[str, dict[str, str]] = {}
        for one in differing:  # together: Kafka refuses a shortest compaction lag above the longest one in between
            wanted.setdefault(one.topic, {})[one.what] = self.config(one.topic)[one.what]
        with admin(self._connection) as client:
            for name, config in wanted.items():
                _alter(client, name, config)
        return differing

    def describe(self) -> dict[str, Found]:
        """Return our topics as the brokers have them; those that are missing are left out."""
        with admin(self._connection) as client:
            cluster = Cluster(client)
            there = self._seen(cluster.topics(self._topics))
            configs = cluster.configs(list(there))
            return {name: Found.of(facts, configs[name]) for name, facts in there.items()}

    def topic_id(self, name: str) -> str:
        """Return the id that Kafka gave a topic: another one whenever it is made anew.

        Raises MisconfiguredError when there is no such topic.
        """
        with admin(self._connection) as client:
            found = self._seen(Cluster(client).topics([name])).get(name)
        if found is None:
            raise MisconfiguredError(f"Kafka has no topic {name}: run `hotline topics create`.")
        return found.topic_id

    def differences(self) -> list[Difference]:
        """Return every point in which the cluster is not as `schemas/topics.py` and the settings say."""
        found = self.describe()
        return [one for name in self._topics for one in self.compare(name, found.get(name))]

    def config(self, name: str) -> dict[str, str]:
        """Return the configuration that a topic should have."""
        return copied(self._connection.replication_factor) | self._topics[name].config

    def _partitions(self, name: str) -> int:
        return self._topics[name].partitions or self._connection.partitions

    def compare(self, name: str, found: Found | None) -> Iterator[Difference]:
        """Yield every point in which one topic is not as it should be."""
        if found is None:
            yield Difference(topic=name, what="topic", wanted="a topic")
            return
        wanted = {
            "partitions": str(self._partitions(name)),
            "replication factor": str(self._connection.replication_factor),
            **(self.config(name) if found.config else {}),
        }
        have = {
            "partitions": str(found.partitions),
            "replication factor": str(found.replication_factor),
            **found.config,
        }
        for what, value in wanted.items():
            if have.get(what) != value:
                yield Difference(topic=name, what=what, wanted=value, found=have.get(what, "unknown"))
            elif what in found.inherited:
                yield Difference(topic=name, what=what, wanted="its own", found=f"{value} by the brokers' default")

    @retry(  # another one makes them, or the answer to a try of the client came too late
        retry=retry_if_exception_type(theirs.TopicAlreadyExistsError),
        wait=wait_fixed(0.2),
        stop=stop_after_delay(10),
        reraise=True,
    )
    def _created(self, client: Any) -> list[str]:
        missing = self._missing(client)
        if missing:
            client.create_topics({name: self._wanted(name) for name in missing})
            client.wait_for_topics(missing, timeout_ms=CREATE_MS)
        return missing

    def _missing(self, client: Any) -> list[str]:
        there = self._seen(Cluster(client).topics(self._topics))
        return [name for name in self._topics if name not in there]

    def _seen(self, answer: Answer) -> Mapping[str, TopicFacts]:
        if answer.hidden:
            raise UnauthorizedError(
                f"{len(answer.hidden)} topics are hidden from this user, {min(answer.hidden)} among them: "
                "run `hotline topics` as a user that may create and describe all topics of hotline."
            )
        return answer.topics

    def _wanted(self, name: str) -> dict[str, Any]:
        return {
            "num_partitions": self._partitions(name),
            "replication_factor": self._connection.replication_factor,
            "configs": self.config(name),
        }

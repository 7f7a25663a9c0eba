"""Kafka: login to every broker, the settings of every topic, and the rights of the components' user."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from broker.config import KafkaConnection
from hotline.admin import placement
from hotline.admin.cluster import Cluster, TopicFacts, admin
from hotline.admin.topics import Difference, Found, Provision
from hotline.config import clients
from hotline.doctor.findings import Finding, Told, findings
from hotline.doctor.handshake import greet
from hotline.runtime.acls import Need, needs
from schemas.errors import MisconfiguredError, PipelineError, UnauthorizedError, UnreachableError
from schemas.topics import PLACEMENT, TOPICS

if TYPE_CHECKING:
    from hotline.config.settings import Settings

KAFKAS_OWN = {
    "__consumer_offsets": "offsets.topic.replication.factor",
    "__transaction_state": "transaction.state.log.replication.factor",
}
"""Topics that Kafka makes by itself, and the broker's setting of their replication factor."""


def examine_kafka(settings: "Settings", components: Iterable[str]) -> Iterator[Finding]:
    """Yield the findings; if no broker accepts the login, topics and rights are unknown."""
    let_in = False
    for finding in findings("Kafka", lambda: brokers(clients.kafka(settings))):
        let_in = let_in or finding.outcome == "ok"
        yield finding
    if let_in:
        wanted = _wanted(settings, components)
        yield from findings("topics", lambda: topics(clients.kafka(settings), wanted))
        yield from findings("rights", lambda: rights(clients.kafka(settings), wanted))


def brokers(connection: KafkaConnection) -> Iterator[Told]:
    """Log in at each broker that the settings name, and at those that these name in turn."""
    named = [server.strip() for server in connection.bootstrap_servers.split(",")]
    others: set[str] = set()
    for server in named:
        told, known = _greeted(connection, server)
        others |= known
        yield told
    for server in sorted(others - set(named)):
        told, _ = _greeted(connection, server)
        if isinstance(told, PipelineError):
            named_by = "Kafka itself returns this address, in advertised.listeners"
            told = type(told)(f"{str(told).removesuffix('.')} ({named_by}).")
        yield told


def _greeted(connection: KafkaConnection, server: str) -> tuple[Told, frozenset[str]]:
    try:
        greeted = greet(connection, server)
    except PipelineError as error:
        return error, frozenset()
    user = connection.sasl_username if connection.sasl_mechanism else "clients without a login"
    until = f", certificate valid until {greeted.certificate_until}" if greeted.certificate_until else ""
    return f"{server} accepts {user} ({connection.security_protocol}{until})", greeted.brokers


def topics(connection: KafkaConnection, wanted: Iterable[Need]) -> Iterator[Told]:
    """Compare the topics of these components with the declared ones."""
    names = sorted({need.name for need in wanted if need.kind == "topic"}, key=list(TOPICS).index)
    with admin(connection) as client:
        cluster = Cluster(client)
        seen, hidden = cluster.topics(names)
        configs = cluster.configs(list(seen))
        own = list(kafkas_own(cluster, connection.replication_factor))
        placed = list(_placed(connection)) if PLACEMENT in seen else []
    provision = Provision(connection)
    there = {name: Found.of(seen[name], configs[name]) for name in seen}
    visible = [name for name in names if name not in hidden]
    differing = [one for name in visible for one in provision.compare(name, there.get(name))]
    away = [fault for name in seen for fault in availability(name, seen[name], configs[name].values)]
    harmful = [one for one in differing if not (one.is_harmless or (placed and one.what == "partitions"))]
    yield from placed
    yield from _told(harmful)
    yield from (*away, *own)
    if not harmful and not away and not own and not placed:
        grown = next((one for one in differing if one.is_harmless), None)
        unseen = sum(not config.values for config in configs.values())
        note = f"; {unseen} of them do not show this user their configuration (DescribeConfigs)" if unseen else ""
        more = f"; {grown}: {grown.advice}" if grown else ""
        yield f"{len(visible)} correct{note}{more}"


def _placed(connection: KafkaConnection) -> Iterator[PipelineError]:
    """Yield faults of the frozen number of partitions; a missing right to read it is among the rights."""
    try:
        placement.check(connection)
    except UnauthorizedError:
        return
    except PipelineError as error:
        yield error


def kafkas_own(cluster: Cluster, copies: int) -> Iterator[PipelineError]:
    """Yield faults of Kafka's own topics of groups and transactions, if this user may see them.

    Kafka's packages set one copy of them: while its broker is away whole stages stand still, and if its disk is lost
    the decisions about open transactions are lost.
    """
    seen, _ = cluster.topics(list(KAFKAS_OWN))
    configs = cluster.configs(list(seen))
    for name, facts in seen.items():
        if facts.replication_factor < copies:
            yield MisconfiguredError(
                f"Kafka's own topic {name} has {facts.replication_factor} replicas, but "
                f"`kafka.replication_factor` is {copies}: set `{KAFKAS_OWN[name]}` of the brokers to "
                f"{copies}, and add replicas with `kafka-reassign-partitions.sh`. Otherwise stages stop "
                "while one broker is unavailable."
            )
        yield from availability(name, facts, configs[name].values)


def _told(differing: Iterable[Difference]) -> Iterator[PipelineError]:
    """Report a difference once, however many topics have it."""
    same: dict[tuple[str, str | None, str], list[Difference]] = {}
    for one in differing:
        same.setdefault((one.what, one.found, one.wanted if one.found else ""), []).append(one)
    for first, *others in same.values():
        more = f" (and {len(others)} more: see `hotline topics describe`)" if others else ""
        yield MisconfiguredError(f"{first}{more}: {first.advice}.")


def availability(name: str, facts: TopicFacts, config: Mapping[str, str]) -> Iterator[PipelineError]:
    """Yield the reasons why a topic takes no records, by these facts and settings."""
    least = int(config.get("min.insync.replicas", "1"))
    if facts.without_leader:
        yield UnreachableError(
            f"{facts.without_leader} partitions of {name} have no leader: check which broker is unavailable."
        )
    elif facts.least_in_sync < least:
        yield UnreachableError(
            f"{name} has {facts.least_in_sync} in-sync replicas and accepts no records with less than "
            f"{least}: check which broker is unavailable."
        )


def rights(connection: KafkaConnection, wanted: Iterable[Need]) -> Iterator[Told]:
    """Ask for each operation that our components need whether our user may do it."""
    needed = list(wanted)
    user = connection.sasl_username or _of_certificate(connection.ssl_certfile) or "ANONYMOUS"
    with admin(connection) as client:
        cluster = Cluster(client)
        seen, hidden = cluster.topics(sorted({need.name for need in needed if need.kind == "topic"}))
        missing = [need for need in needed if not _granted(cluster, seen, hidden, need)]
    for need in missing:
        yield UnauthorizedError(
            f"The user {user} may not {need}: grant it with `kafka-acls.sh --add --allow-principal "
            f"User:{user} {need.options}`, or grant everything that `hotline manifest kafka-users` prints."
        )
    if not missing:
        yield f"{user} has all {len(needed)} required rights"


def _of_certificate(file: str | None) -> str | None:
    """Return the user of a certificate as Kafka names it without `ssl.principal.mapping.rules`."""
    if file is None:
        return None
    return x509.load_pem_x509_certificate(Path(file).read_bytes()).subject.rfc4514_string()


def _granted(cluster: Cluster, seen: Mapping[str, TopicFacts], hidden: frozenset[str], need: Need) -> bool:
    if need.kind == "group":
        return cluster.may_describe(need.name) if need.operation == "Describe" else cluster.may_join(need.name)
    if need.kind == "cluster":
        return cluster.may_describe_the_cluster()
    if need.kind == "transactional id":
        if need.operation == "Describe":
            return cluster.may_describe_transactions(need.name)
        return cluster.may_write_transactions(need.name)
    if need.name in hidden:
        return False
    # A topic that is missing shows no rights; that it is missing is said elsewhere.
    return need.name not in seen or need.operation.upper() in seen[need.name].operations


def _wanted(settings: "Settings", components: Iterable[str]) -> list[Need]:
    found = [need for component in components for need in needs(settings, component)]
    return list(dict.fromkeys(found))

"""The doctor at a real broker that lets nobody in without TLS, a password and an ACL: each fault is one sentence."""

import asyncio
import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from broker.aio_producer import make_producer
from broker.config import KafkaConnection
from hotline.admin.cluster import Cluster, TopicFacts, admin
from hotline.admin.topics import Provision
from hotline.config.load import load
from hotline.doctor.findings import Told
from hotline.doctor.kafka import availability, brokers, kafkas_own, rights, topics
from hotline.runtime.acls import PEOPLE, Need, needs
from hotline.runtime.components import names
from schemas.errors import FatalError, PipelineError, UnauthorizedError, UnreachableError
from schemas.topics import TOPICS
from tests.docs.pages import ROOT
from tests.peers import acls
from tests.peers.secured_kafka import DOORS, SecuredKafka
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

replaced = msgspec.structs.replace


def told(look: Callable[[], Iterator[Told]]) -> list[Told]:
    return list(look())


def fault(connection: KafkaConnection) -> PipelineError:
    (found,) = brokers(connection)
    assert isinstance(found, PipelineError), found
    text = str(found)
    assert text.endswith(".")
    assert len(re.findall(r"\.(\s|$)", text)) == 1, "one sentence"
    assert not connection.sasl_password or connection.sasl_password not in text
    return found


def test_a_broker_that_lets_us_in_tells_until_when_its_certificate_is_valid(secured: SecuredKafka) -> None:
    (found,) = brokers(secured.connection("hotline-screen"))
    assert re.fullmatch(r".* accepts hotline-screen \(SASL_SSL, certificate valid until 20\d\d-\d\d-\d\d\)", str(found))


async def test_a_certificate_of_ours_logs_in_with_every_client(secured: SecuredKafka) -> None:
    ours = secured.shown("hotline-assign")
    (found,) = await asyncio.to_thread(told, lambda: brokers(ours))
    assert re.fullmatch(
        r".* accepts clients without a login \(SSL, certificate valid until 20\d\d-\d\d-\d\d\)", str(found)
    )
    async with make_producer(ours, transactional_id="hotline-assign-0") as producer, producer.transaction():
        await producer.send_and_wait("hotline.link.v1", b"{}", key=b"k", partition=0)
    needed = [Need(kind="topic", name="hotline.link.v1", operation="Write")]
    (found,) = await asyncio.to_thread(told, lambda: rights(ours, needed))
    assert "has all" in str(found)
    lacking = [Need(kind="topic", name="hotline.raw.sms.v1", operation="Write")]
    (found,) = await asyncio.to_thread(told, lambda: rights(ours, lacking))
    assert isinstance(found, UnauthorizedError)


def test_a_certificate_that_is_asked_for_and_missing_is_told(secured: SecuredKafka) -> None:
    found = fault(replaced(secured.shown("hotline-screen"), ssl_certfile=None))
    assert "if it asks clients for a certificate, name ours in `kafka.ssl_certfile`" in str(found)


def test_a_wrong_password_and_an_unknown_user_are_told_with_the_users_name(secured: SecuredKafka) -> None:
    right = secured.connection("hotline-screen")
    for wrong in (replaced(right, sasl_password="pw-wrong"), replaced(right, sasl_username="hotline-scren")):
        found = fault(wrong)
        assert isinstance(found, UnauthorizedError)
        assert f"refuses the login of {wrong.sasl_username}" in str(found)
        assert "HOTLINE_KAFKA__SASL_PASSWORD" in str(found)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_mechanism_that_the_broker_does_not_take_is_told(secured: SecuredKafka, mechanism: str) -> None:
    found = fault(replaced(secured.connection("hotline-screen"), sasl_mechanism=mechanism))
    assert f"does not accept {mechanism}: set `kafka.sasl_mechanism`" in str(found)


@pytest.mark.parametrize("door", ["open", "tls", "bare", "secured"])
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
def test_tls_and_login_where_there_are_none_and_the_other_way_round(
    secured: SecuredKafka, door: str, protocol: str
) -> None:
    wanted = DOORS[door]
    connection = replaced(
        secured.connection("hotline-screen", door),
        security_protocol=protocol,
        sasl_mechanism="SCRAM-SHA-512" if "SASL" in protocol else None,
    )
    if protocol == wanted:
        assert isinstance(told(lambda: brokers(connection))[0], str)
        return
    found = fault(connection)
    assert isinstance(found, FatalError)
    wants_tls, wants_login = "SSL" in wanted, "SASL" in wanted
    if ("SSL" in protocol) != wants_tls:
        assert ("requires TLS: set `kafka.security_protocol` to" if wants_tls else "does not use TLS") in str(found)
    else:
        assert ("requires a login" if wants_login else "does not expect a login") in str(found)
        assert wanted in str(found)


def test_each_fault_of_a_certificate_is_told_with_its_own_remedy(secured: SecuredKafka, tmp_path: Path) -> None:
    right = secured.connection("hotline-screen")
    (tmp_path / "no.pem").write_text("no certificate")
    faults = {
        "has expired: renew it": secured.connection("hotline-screen", "expired"),
        "is for another host: connect to a name that it holds": secured.connection("hotline-screen", "elsewhere"),
        "name its authority's certificate in `kafka.ssl_cafile`": replaced(
            right, ssl_cafile=str(secured.stranger.certificate)
        ),
        "contains no PEM certificates": replaced(right, ssl_cafile=str(tmp_path / "no.pem")),
    }
    for words, connection in faults.items():
        assert words in str(fault(connection))
    assert "signed by nobody whom this machine trusts" in str(fault(replaced(right, ssl_cafile=None)))


def test_a_host_that_nobody_knows_and_a_port_where_nobody_listens_are_told(secured: SecuredKafka) -> None:
    right = secured.connection("hotline-screen")
    found = fault(replaced(right, bootstrap_servers="127.0.0.1:9"))
    assert isinstance(found, UnreachableError)
    assert "Kafka at 127.0.0.1:9 does not answer (Connection refused)" in str(found)


def test_every_broker_is_tried_and_told(secured: SecuredKafka) -> None:
    right = secured.connection("hotline-screen")
    both = replaced(right, bootstrap_servers=f"127.0.0.1:9, {right.bootstrap_servers}")
    assert [isinstance(one, str) for one in brokers(both)] == [False, True]


SECRET = base64.b64encode(b"thirty-two bytes are quite enough").decode()

ACCOUNTS = {
    "KAFKA__PARTITIONS": "2",
    "CONNECTORS__MAILBOX__MAYOR__HOST": "h",
    "CONNECTORS__MAILBOX__MAYOR__USERNAME": "u",
    "CONNECTORS__MAILBOX__MAYOR__PASSWORD": "p",
    "CONNECTORS__SMS_SMPP__BULK__HOST": "h",
    "CONNECTORS__SMS_SMPP__BULK__PRIVATE_LINE": "true",
    "CONNECTORS__SMS_SMPP__BULK__SYSTEM_ID": "u",
    "CONNECTORS__SMS_SMPP__BULK__PASSWORD": "p",
    "LMTP__MAILBOXES__LETTERS__RECIPIENTS": '["letters@city.gov.cn"]',
    "CONNECTORS__WECHAT__CITY__APPID": "wx1",
    "CONNECTORS__WECHAT__CITY__TOKENS": "token",
    "CONNECTORS__WECHAT__CITY__MODES": "plain",
    "CONNECTORS__WECHAT__CITY__SECRET": "secret",
    "ANSWERS__MAYOR__SMTP__HOST": "smtp.example.cn",
    "ANSWERS__MAYOR__SMTP__FROM_ADDRESS": "mayor@example.cn",
    "ANSWERS__BULK__ENABLED": "true",
    "BACKOFFICE__CRM__SECRET": "thirty-two bytes are the least it takes",
    "BACKOFFICE__CRM__SYSTEM": "crm",
    "BACKOFFICE__CRM__KINDS": "redact",
    "BACKOFFICE__CRM__JURISDICTIONS": "210100",
    "CONSOLE__ENABLED": "true",
    "CONSOLE__DESK__ENABLED": "true",
    "SINKS__ARCHIVE__ENABLED": "true",
    "SINKS__WEBHOOK__ONE__URL": "https://one.example.cn/",
    "SINKS__WEBHOOK__ONE__SECRETS": SECRET,
    "SINKS__WEBHOOK__TWO__URL": "https://two.example.cn/",
    "SINKS__WEBHOOK__TWO__SECRETS": SECRET,
    "SINKS__WEBHOOK__TWO__SNAPSHOT": "clear",
}


def test_a_broker_that_sends_its_clients_where_nobody_is_is_told(secured: SecuredKafka) -> None:
    here, there = brokers(secured.connection("hotline-screen", "lost"))
    assert isinstance(here, str)
    assert isinstance(there, UnreachableError)
    assert str(there).startswith("Kafka at 127.0.0.1:9 does not answer (Connection refused)")
    assert str(there).endswith("(Kafka itself returns this address, in advertised.listeners).")


USERS = {
    "connector:mayor": "hotline-connector",
    "connector:bulk": "hotline-connector",
    "lmtp": "hotline-lmtp",
    "receiver": "hotline-receiver",
    "fetcher": "hotline-fetcher",
    "screen": "hotline-screen",
    "normalize": "hotline-normalize",
    "assign": "hotline-assign",
    "sink:elastic": "hotline-sink",
    "sink:archive": "hotline-archive",
    "sink:webhook": "hotline-webhook",
    "eraser": "hotline-eraser",
    "outbox": "hotline-outbox",
    "monitor": "hotline-monitor",
    "console": "hotline-console",
    "console:desk": "hotline-duty",
    "desk": "hotline-desk",
    "operator": "hotline-operator",
    "auditor": "hotline-auditor",
}


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], list[Need]]:
    monkeypatch.chdir(tmp_path)
    for name, value in ACCOUNTS.items():
        monkeypatch.setenv(f"HOTLINE_{name}", value)
    settings = load()
    assert {*names(settings), *PEOPLE} == USERS.keys(), "a component without a user"
    return lambda component: needs(settings, component)


@pytest.mark.parametrize("user", dict.fromkeys(USERS.values()))
def test_the_file_grants_each_user_all_that_its_components_need_and_each_line_of_it_is_needed(
    secured: SecuredKafka, wanted: Callable[[str], list[Need]], user: str
) -> None:
    connection = secured.connection(user)
    needed = [wanted(component) for component, by in USERS.items() if by == user]
    for each in needed:
        (found,) = rights(connection, each)
        assert found == f"{user} has all {len(each)} required rights"
    for line in [line for line in acls.lines() if f"User:{user} " in line]:
        with acls.without(secured.administrator, line):
            told_of = [told(partial(rights, connection, each)) for each in needed]
        missing = [one for faults in told_of for one in faults if isinstance(one, UnauthorizedError)]
        assert missing, line
        granted = {(acl.operation.name, acl.resource_pattern.resource_name) for acl in acls.acls_of(line)}
        for one in missing:
            assert f"The user {user} may not" in str(one)
            operation, name = re.search(r"--operation (\w+) --(?:[\w-]+ (\S+)|cluster)`", str(one)).groups(
                "kafka-cluster"
            )
            assert any(operation.upper() == has and name.startswith(prefix) for has, prefix in granted), (line, one)


def test_the_file_and_the_page_name_the_same_users_and_the_file_alone_has_lines() -> None:
    others = {"hotline-topics", "hotline-transactions", "hotline-restricted"}  # no component: nothing asks their needs
    assert set(acls.users()) == {*USERS.values(), *others}
    page = (ROOT / "docs" / "how-to" / "secure.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(hotline-[a-z]+)` \|", page, re.MULTILINE)) == set(acls.users())
    assert "--allow-principal" not in page


def test_the_user_of_restricted_tickets_reads_nothing_else() -> None:
    granted = [one for line in acls.lines() if "User:hotline-restricted " in line for one in acls.acls_of(line)]
    assert {(one.operation.name, one.resource_pattern.resource_name) for one in granted} == {
        ("READ", "hotline.ticket.restricted.v1"), ("READ", "hotline-restricted"),
    }  # fmt: skip


def test_exactly_what_is_missing_is_named(secured: SecuredKafka, wanted: Callable[[str], list[Need]]) -> None:
    connection = secured.connection("hotline-assign")
    for resource in ("topic hotline.link.v1", "group hotline-assign"):
        line = next(one for one in acls.lines() if "hotline-assign " in one and one.endswith(f"--{resource}"))
        with acls.without(secured.administrator, line):
            (found,) = rights(connection, wanted("assign"))
        assert f"may not {'Read' if 'group' in resource else 'Write'} the {resource}: grant it" in str(found)


async def test_to_ask_for_rights_fences_nobody(secured: SecuredKafka, wanted: Callable[[str], list[Need]]) -> None:
    connection = secured.connection("hotline-assign")
    async with make_producer(connection, transactional_id="hotline-assign-0") as owner, owner.transaction():
        await owner.send_and_wait("hotline.link.v1", b"{}", key=b"k", partition=0)
        (found,) = await asyncio.to_thread(told, lambda: rights(connection, wanted("assign")))
        assert isinstance(found, str)
        await owner.send_and_wait("hotline.link.v1", b"{}", key=b"k", partition=0)


@pytest.fixture
def spoiled(secured: SecuredKafka) -> Iterator[Callable[[str, dict[str, str]], None]]:
    """Return what changes a topic's settings for one test."""
    changed: list[tuple[str, str]] = []

    def alter(name: str, config: dict[str, str]) -> None:
        with admin(secured.administrator) as client:
            client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, config)])
        changed.extend((name, key) for key in config)

    yield alter
    Provision(secured.administrator).alter()
    assert Provision(secured.administrator).differences() == []


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("hotline.event.v1", "retention.ms", "1000"),
        ("hotline.ticket.v1", "cleanup.policy", "delete"),
        ("hotline.message.v1", "max.message.bytes", "1000"),
    ],
)
def test_a_topic_with_other_settings_is_told_with_both_values(
    secured: SecuredKafka,
    spoiled: Callable[[str, dict[str, str]], None],
    wanted: Callable[[str], list[Need]],
    name: str,
    key: str,
    value: str,
) -> None:
    right = TOPICS[name].config[key]
    spoiled(name, {key: value})
    (found,) = topics(secured.administrator, wanted("assign"))
    assert str(found) == f"{name}: {key} is {value}, not {right}: run `hotline topics create --alter`."


def test_other_numbers_of_partitions_and_copies_are_told(
    secured: SecuredKafka, wanted: Callable[[str], list[Need]]
) -> None:
    more = replaced(secured.administrator, partitions=3, replication_factor=2)
    with admin(secured.administrator) as client:
        own = [str(one) for one in kafkas_own(Cluster(client), 2)]
    assert [str(one) for one in topics(more, wanted("screen"))] == [
        (
            "`kafka.partitions` is 3, but cities are spread over 2 partitions (hotline.placement.v1): set it to "
            "2. Another number would move cities to partitions that know nothing about them."
        ),
        (
            "hotline.raw.mailbox.v1: replication factor is 1, not 2 (and 10 more: see `hotline topics "
            "describe`): set `kafka.replication_factor` to the present number, or change the replicas of the "
            "topic."
        ),
        *own,
    ]


def test_a_topic_that_is_missing_is_told_and_one_that_is_hidden_is_told_among_the_rights(
    secured: SecuredKafka, wanted: Callable[[str], list[Need]]
) -> None:
    fresh = [*wanted("screen"), Need(kind="topic", name="hotline.outbox.v1", operation="Read")]
    with admin(secured.administrator) as client:
        client.delete_topics(["hotline.outbox.v1"])
        until(lambda: "hotline.outbox.v1" not in client.list_topics(), "the broker still shows what is deleted")
    try:
        (found,) = topics(secured.administrator, fresh)
        assert str(found) == "hotline.outbox.v1 does not exist: run `hotline topics create`."
        connection = secured.connection("hotline-screen")
        assert "11 correct; 11 of them do not show this user their configuration" in str(
            told(lambda: topics(connection, fresh))[0]
        )
        assert "may not Read the topic hotline.outbox.v1" in str(told(lambda: rights(connection, fresh))[0])
    finally:
        Provision(secured.administrator).create_when_started()


def test_what_kafka_keeps_of_groups_and_transactions_is_to_have_as_many_copies(secured: SecuredKafka) -> None:
    """Kafka's packages come with settings that give these topics one copy."""
    with admin(secured.administrator) as client:
        cluster = Cluster(client)
        until(lambda: "__consumer_offsets" in known_groups(client, cluster), "Kafka keeps no groups")
        found, *_ = kafkas_own(cluster, 3)
        assert not list(kafkas_own(cluster, 1))
    assert str(found) == (
        "Kafka's own topic __consumer_offsets has 1 replicas, but `kafka.replication_factor` is 3: set "
        "`offsets.topic.replication.factor` of the brokers to 3, and add replicas with "
        "`kafka-reassign-partitions.sh`. Otherwise stages stop while one broker is unavailable."
    )


def known_groups(client: Any, cluster: Cluster) -> Mapping[str, TopicFacts]:
    """Ask for a group, which makes Kafka make its topic, and return that when it is there."""
    with suppress(KafkaError):
        client.list_group_offsets("a-group")
    return cluster.topics(["__consumer_offsets"]).topics


def test_a_topic_without_a_leader_or_with_too_few_copies_is_told() -> None:
    """By what the brokers would say: one broker alone has no such topic."""
    facts = TopicFacts(
        topic_id="t", partitions=2, replication_factor=3, operations=frozenset(), without_leader=0, least_in_sync=1
    )
    provision = Provision(KafkaConnection(bootstrap_servers="a:1", partitions=2, replication_factor=3))
    config = provision.config("hotline.dead.v1")
    (few,) = availability("hotline.dead.v1", facts, config)
    assert "has 1 in-sync replicas and accepts no records with less than 2" in str(few)
    (away,) = availability("hotline.dead.v1", replaced(facts, without_leader=1), config)
    assert "1 partitions of hotline.dead.v1 have no leader" in str(away)

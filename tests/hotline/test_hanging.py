"""Transactions that nobody ends are found on the real Kafka, told apart from open ones, and ended as they should be."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kafka import TopicPartition
from msgspec import json
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from broker.aio_client import running
from broker.aio_producer import make_producer
from broker.config import KafkaConnection
from hotline.admin import transactions
from hotline.admin.cluster import admin
from hotline.admin.transactions import TOPICS, Entry, Hanging, Open, decided, entries, look, partition_of
from hotline.config.settings import KafkaSettings, Settings
from hotline.monitor.exporter import Monitor
from hotline.monitor.watcher import Seen
from hotline.runtime.acls import needs
from schemas import topics
from schemas.codec import Outbound
from schemas.errors import MisconfiguredError, PipelineError
from streams.engine.groups import transactional_id
from tests.assign import logs
from tests.fresh import topics_made_anew
from tests.hanging import hang
from tests.hotline.letters import hotline
from tests.peers import acls
from tests.peers.secured_kafka import SecuredKafka

pytestmark = pytest.mark.long

PLACE = TopicPartition(topics.EVENT, 1)
NAME = transactional_id(1)
ASSIGN = Outbound(topics.EVENT, b"k", b"{}", [], "210100")


def live(test: Callable[..., Any]) -> Callable[..., Any]:
    return pytest.mark.integration(pytest.mark.enable_socket(test))


@pytest.fixture
def kafka(operators_kafka: KafkaConnection) -> KafkaConnection:
    return operators_kafka


async def read(connection: KafkaConnection) -> list[bytes | None]:
    """What a reader of committed records gets."""
    return [one.value for one in await logs.read(connection, topics.EVENT)]


async def call(*verb: str) -> tuple[int, list[dict[str, Any]]]:
    done = await asyncio.to_thread(hotline, "topics", "hanging", *verb, "--json")
    return done.exit_code, [json.decode(line) for line in done.stdout.splitlines()]


@live
async def test_one_that_is_open_is_left_alone_and_one_that_hangs_is_ended_as_a_person_says(
    kafka: KafkaConnection,
) -> None:
    await hang(kafka, NAME, [ASSIGN, ASSIGN], 1)
    async with (
        running(make_producer(kafka, transactional_id=transactional_id(0))) as other,
        other.transaction(),
    ):
        await other.send_and_wait(topics.EVENT, b"open", key=b"k", partition=0)
        await other.send_and_wait(topics.EVENT, b"behind", key=b"k", partition=1)
        code, (told,) = await call()
        assert (code, told["ended"], told["finding"]["decided"], told["finding"]["waiting"]) == (1, None, None, 3)
        assert (told["finding"]["hanging"]["open"]["start"], told["finding"]["hanging"]["transactional_id"]) == (
            0,
            NAME,
        )
    assert await read(kafka) == [b"open"]
    assert await call("--at", f"{topics.EVENT}:0", "--end", "commit") == (0, [])
    code, (told,) = await call("--at", f"{topics.EVENT}:1", "--end", "commit")
    assert (code, told["ended"]) == (0, "commit")
    assert sorted(filter(None, await read(kafka))) == [b"behind", b"open", b"{}", b"{}"]
    assert await call() == (0, [])


@live
@pytest.mark.parametrize(("committed", "kept"), [(True, [b"{}", b"behind"]), (False, [b"behind"])])
async def test_what_kafka_had_decided_is_done_and_nothing_else(
    kafka: KafkaConnection, committed: bool, kept: list[bytes]
) -> None:
    await hang(kafka, NAME, [ASSIGN], 1, decided=committed)
    async with running(make_producer(kafka, transactional_id=NAME)):  # as whoever is started anew
        pass
    async with running(make_producer(kafka)) as other:
        await other.send_and_wait(topics.EVENT, b"behind", key=b"k", partition=1)
    assert await read(kafka) == []
    right, wrong = ("commit", "abort") if committed else ("abort", "commit")
    (code, (told,)) = await call("--end", wrong)
    assert (code, told["ended"], told["finding"]["decided"]) == (1, None, right)
    (finding,) = await asyncio.to_thread(transactions.find, kafka, TOPICS)
    with pytest.raises(MisconfiguredError, match=f"decided to {right} it"):
        transactions.end(kafka, finding, wrong)
    shown = await asyncio.to_thread(hotline, "topics", "hanging")
    assert f"of {NAME}, last write" in shown.stdout
    assert f"Kafka had decided to {right} it: use `--end {right}`." in shown.stdout
    assert await read(kafka) == []
    (code, (told,)) = await call("--end", right)
    assert (code, told["ended"]) == (0, right)
    assert await read(kafka) == kept


@live
async def test_the_monitor_tells_of_it_within_two_minutes_and_of_its_end(kafka: KafkaConnection) -> None:
    def value(topic: str) -> float | None:
        return REGISTRY.get_sample_value("hotline_monitor_transactions_hanging", {"topic": topic})

    await hang(kafka, NAME, [ASSIGN], 1)
    monitor = Monitor(Settings(kafka=KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)))
    now = datetime.now(UTC)
    seen = []
    async with (
        running(make_producer(kafka, transactional_id=transactional_id(0))) as other,
        other.transaction(),
    ):
        await other.send_and_wait(topics.TICKET, b"open", key=b"k", partition=0)
        for seconds in (0, 30, 61):
            await asyncio.to_thread(monitor.look, now + timedelta(seconds=seconds))
            seen.append((value(topics.EVENT), value(topics.TICKET)))
    assert seen == [(0, 0), (0, 0), (1, 0)]
    await call("--end", "abort")
    await asyncio.to_thread(monitor.look, now + timedelta(seconds=122))
    assert value(topics.EVENT) == 0


def test_what_it_may_not_look_into_is_said_once(env: pytest.MonkeyPatch) -> None:
    monitor = Monitor(Settings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1")))
    seen = Seen(
        stages=[], accounts=[], dead_letters=[], handovers=[], answers=[], transactions_hanging={topics.DEAD: 0}
    )
    with capture_logs() as told:
        monitor._tell_unseen(seen)
        monitor._tell_unseen(seen)
    assert [(one["event"], len(one["topics"])) for one in told] == [("transactions_unseen", len(TOPICS) - 1)]


@pytest.fixture
def secured_anew(secured: SecuredKafka) -> Iterator[SecuredKafka]:
    yield secured
    topics_made_anew(secured.administrator)


@live
async def test_the_user_of_the_verb_may_end_it_and_no_component_may(secured_anew: SecuredKafka) -> None:
    ours = secured_anew.administrator
    await hang(ours, NAME, [ASSIGN], 1, decided=True)

    def tried(user: str) -> list[str]:
        connection = secured_anew.connection(user)
        with admin(connection) as client:
            there = look(client, [TopicPartition(name, n) for name in TOPICS for n in (0, 1)], datetime.now(UTC))
        return [one.transactional_id or "" for one in there.suspected]

    assert await asyncio.to_thread(tried, "hotline-monitor") == [NAME]
    (line,) = [one for one in acls.lines() if "hotline-monitor " in one and "--transactional-id" in one]
    with acls.without(ours, line):
        assert await asyncio.to_thread(tried, "hotline-monitor") == [], "what it may not know is no alarm"
    mine = secured_anew.connection("hotline-transactions")
    (found,) = await asyncio.to_thread(transactions.find, mine, TOPICS)
    assert found.decided == "commit"
    with pytest.raises(PipelineError, match="ClusterAuthorizationFailed"):
        await asyncio.to_thread(transactions.end, secured_anew.connection("hotline-assign"), found, "commit")
    await asyncio.to_thread(transactions.end, mine, found, "commit")
    assert await asyncio.to_thread(transactions.find, mine, TOPICS) == []


def test_the_topics_are_those_that_transactions_are_written_to(env: pytest.MonkeyPatch) -> None:
    chosen = Settings()  # which answers nobody
    written = {
        need.name
        for component in ("assign", "outbox")
        for need in needs(chosen, component)
        if (need.kind, need.operation) == ("topic", "Write")
    }
    assert written | {topics.OUTBOX} == set(TOPICS)


HEAD = b"\0\0\0\0\0\0\0\x14\0\0\0\0\xea\x60\x02"
TIMES = b"\0\0\x01\xa2\x26\x8d\x32\x0e\0\0\x01\xa2\x26\x8d\x31\x9e"
OLD = b"\0\0" + HEAD + b"\0\0\0\x01\0\x11hotline.outbox.v1\0\0\0\x01\0\0\0\x03" + TIMES
NEW = b"\0\x01" + HEAD + b"\x02\x12hotline.outbox.v1\x02\0\0\0\x03\0" + TIMES + b"\x01\0\x08" + HEAD[:8]


@pytest.mark.parametrize("value", [OLD, NEW], ids=["version 0", "version 1"])
def test_an_entry_of_the_coordinators_log(value: bytes) -> None:
    """The second as Kafka wrote it on the day when it forgot to mark an end."""
    key = b"\0\0\0\x10hotline-outbox-3"
    (entry,) = entries(key, value, "hotline-outbox-3")
    assert (entry.producer_id, entry.producer_epoch, entry.state) == (20, 0, "PrepareCommit")
    assert entry.places == {TopicPartition("hotline.outbox.v1", 3)}
    assert entry.at - entry.started_at == timedelta(milliseconds=112)
    assert list(entries(key, value, "hotline-outbox-30")) == list(entries(key, None, "hotline-outbox-3")) == []
    assert list(entries(key, b"\0\x02" + value[2:], "hotline-outbox-3")) == []
    assert partition_of("hotline-outbox-3", 4) == 3


AT = datetime(2026, 11, 29, 9, 5, 17, tzinfo=UTC)


def entry(state: str, seconds: float, epoch: int = 0, place: TopicPartition = PLACE) -> Entry:
    at = AT + timedelta(seconds=seconds)
    return Entry(
        producer_id=20, producer_epoch=epoch, state=state, places=frozenset([place]), at=at,
        started_at=at - timedelta(seconds=0.1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], None),
        ([entry("Ongoing", 0)], None),
        ([entry("PrepareCommit", 0)], "commit"),
        ([entry("PrepareAbort", 0)], "abort"),
        ([entry("PrepareAbort", 0, epoch=1)], "abort"),  # as it was fenced
        ([entry("PrepareEpochFence", 0, epoch=1)], "abort"),
        ([entry("PrepareCommit", 0, epoch=1)], None),
        ([entry("PrepareAbort", -30), entry("PrepareCommit", 0)], "commit"),
        ([entry("PrepareCommit", -30)], None),  # the records came later
        ([entry("PrepareCommit", 30)], None),
        ([entry("PrepareCommit", 0, place=TopicPartition(topics.EVENT, 0))], None),
        ([entry("PrepareCommit", 0), entry("Empty", 180, epoch=1)], "commit"),
    ],
)  # fmt: skip
def test_the_end_that_kafka_meant(told: list[Entry], expected: str | None) -> None:
    opened = Open(
        topic=PLACE.topic, partition=1, producer_id=20, producer_epoch=0, coordinator_epoch=8, start=656, last_at=AT
    )
    assert decided(Hanging(open=opened, transactional_id=NAME), told) == expected

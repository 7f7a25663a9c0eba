"""The outbox on the real Kafka: killed between intent, send and outcome; repeated intents; two of them at once."""

import asyncio
import gc
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import kafka
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import ProducerFenced
from msgspec.structs import replace

from broker import topic_id_aio
from broker.aio_client import running as running_client
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from connectors.replies import kafka as outbox_kafka
from connectors.replies import partition as owner_module
from connectors.replies import service as daemon
from connectors.replies.account_queue import Tools
from connectors.replies.base import Reply, Sent
from connectors.replies.kafka import Told
from connectors.replies.partition import Owner
from connectors.replies.service import Outbox as Daemon
from connectors.replies.settings import AnswerSettings
from hotline.admin.cluster import admin
from schemas import ids, topics
from schemas.codec import Outbound, decode
from schemas.envelope import type_of
from schemas.errors import MadeAnewError, UnauthorizedError, UnreachableError
from schemas.records import Outbox, OutboxState
from tests.assign import logs
from tests.connectors.outbox.answers import CITY, intent, outbound, state_of, withdrawn, written
from tests.connectors.outbox.worker import Service, reply
from tests.dying import running
from tests.forked import Forked
from tests.fresh import made_anew
from tests.frozen import freeze
from tests.hanging import hang
from tests.waiting import soon

pytestmark = pytest.mark.integration

WORKER = Path(__file__).with_name("worker.py")
STATE = type_of("outbox_state").encode()


def intents(count: int, start: int = 1) -> list[Outbox]:
    return [intent(number, received_at=datetime.now(UTC)) for number in range(start, start + count)]


def worker(connection: KafkaConnection, folder: Path, *kill: str, at_once: int = 1) -> AbstractContextManager[Forked]:
    return running(WORKER, connection.bootstrap_servers, str(folder), str(at_once), *kill)


def sent(folder: Path) -> Counter[str]:
    file = folder / "sent"
    return Counter(file.read_text().split() if file.exists() else [])


async def states(connection: KafkaConnection) -> dict[str, list[str]]:
    """What the log says of each answer, in its order."""
    told: dict[str, list[str]] = {}
    for record in await logs.read(connection, topics.OUTBOX):
        if dict(record.headers)["ce_type"] == STATE:
            state = decode(record.value or b"", OutboxState)
            told.setdefault(state.outbox_id, []).append(state.state)
    return told


async def until_settled(connection: KafkaConnection, count: int) -> dict[str, list[str]]:
    async def settled() -> bool:
        told = await states(connection)
        return sum(one[-1] not in ("sending", "waiting") for one in told.values()) >= count

    await soon(settled)
    return await states(connection)


@pytest.mark.faults
@pytest.mark.parametrize(("point", "times"), [("intended", 0), ("sent", 1)])
async def test_killed_between_intent_and_outcome_nothing_is_sent_twice(
    fresh_topics: KafkaConnection, tmp_path: Path, point: str, times: int
) -> None:
    wanted = intents(3)
    await logs.write(fresh_topics, map(outbound, wanted))
    with worker(fresh_topics, tmp_path, point, "2") as killed:
        assert await asyncio.to_thread(killed.wait, 90) == -signal.SIGKILL
    with worker(fresh_topics, tmp_path):
        told = await until_settled(fresh_topics, 3)
    first, second, third = (one.outbox_id for one in wanted)
    assert told[first] == told[third] == ["sending", "accepted"]
    assert told[second] == ["sending", "unknown"]
    assert sent(tmp_path) == Counter({first: 1, third: 1, **({second: 1} if times else {})})


async def test_an_intent_that_comes_again_is_not_answered_again(fresh_topics: KafkaConnection, tmp_path: Path) -> None:
    wanted = intents(5)
    await logs.write(fresh_topics, map(outbound, [*wanted, *wanted]))
    with worker(fresh_topics, tmp_path):
        await until_settled(fresh_topics, 5)
    more = intents(1, start=6)
    await logs.write(fresh_topics, map(outbound, [*wanted, *more]))  # as if the input had been decided anew
    with worker(fresh_topics, tmp_path):
        await until_settled(fresh_topics, 6)
    assert sent(tmp_path) == Counter({one.outbox_id: 1 for one in [*wanted, *more]})


@pytest.mark.faults
@pytest.mark.parametrize("point", ["intended", "sent"])
async def test_killed_while_many_are_on_their_way_nothing_is_sent_twice_or_forgotten(
    fresh_topics: KafkaConnection, tmp_path: Path, point: str
) -> None:
    wanted = intents(40)
    await logs.write(fresh_topics, map(outbound, wanted))
    with worker(fresh_topics, tmp_path, point, "17", at_once=8) as killed:
        assert await asyncio.to_thread(killed.wait, 90) == -signal.SIGKILL
    with worker(fresh_topics, tmp_path, at_once=8):
        told = await until_settled(fresh_topics, 40)
    ended = Counter(one[-1] for one in told.values())
    assert ended["accepted"] + ended["unknown"] == 40
    assert 1 <= ended["unknown"] <= 8, "no more than are on their way at a time"
    assert set(sent(tmp_path).values()) == {1}
    assert {name for name, states in told.items() if states[-1] == "accepted"} <= sent(tmp_path).keys()


@pytest.mark.faults
@pytest.mark.parametrize("at_once", [1, 8])
async def test_a_second_outbox_takes_over_and_the_first_begins_nothing_more(
    fresh_topics: KafkaConnection, tmp_path: Path, at_once: int
) -> None:
    wanted = intents(60)
    await logs.write(fresh_topics, map(outbound, wanted))

    async def some_are_sent() -> bool:
        return len(sent(tmp_path)) >= 10

    with worker(fresh_topics, tmp_path, at_once=at_once) as first:
        await soon(some_are_sent)
        freeze(first.pid)  # it lives, owns the partition for itself, and hears of nothing
        with worker(fresh_topics, tmp_path, at_once=at_once):
            await until_settled(fresh_topics, 30)
            first.send_signal(signal.SIGCONT)
            told = await until_settled(fresh_topics, 60)
    ended = Counter(one[-1] for one in told.values())
    assert ended["accepted"] + ended["unknown"] == 60
    most = at_once
    assert ended["unknown"] <= most
    assert max(sent(tmp_path).values()) == 1
    assert len(sent(tmp_path)) >= 60 - most


@pytest.mark.parametrize("at_once", [1, 8])
async def test_a_rebalance_lets_the_leaver_finish(fresh_topics: KafkaConnection, tmp_path: Path, at_once: int) -> None:
    wanted = intents(40)
    await logs.write(fresh_topics, map(outbound, wanted))

    async def some_are_sent() -> bool:
        return len(sent(tmp_path)) >= 10

    with worker(fresh_topics, tmp_path, at_once=at_once) as first:
        await soon(some_are_sent)
        with worker(fresh_topics, tmp_path, at_once=at_once):
            first.send_signal(signal.SIGTERM)
            told = await until_settled(fresh_topics, 40)
    assert Counter(one[-1] for one in told.values()) == {"accepted": 40}
    assert set(sent(tmp_path).values()) == {1}


async def test_nothing_is_sent_about_a_ticket_that_was_erased_while_no_outbox_ran(
    fresh_topics: KafkaConnection, tmp_path: Path
) -> None:
    first, erased, last, later = intents(4)
    await logs.write(fresh_topics, [*map(outbound, (first, erased, last)), withdrawn(erased)])
    with worker(fresh_topics, tmp_path):
        await until_settled(fresh_topics, 3)
    await logs.write(fresh_topics, map(outbound, (erased, later)))
    with worker(fresh_topics, tmp_path):  # it reads the outcome as well, and says nothing more of it
        told = await until_settled(fresh_topics, 4)
    assert told[erased.outbox_id] == ["withheld", "withheld"]
    assert told[first.outbox_id] == told[last.outbox_id] == told[later.outbox_id] == ["sending", "accepted"]
    assert sent(tmp_path) == Counter({one.outbox_id: 1 for one in (first, last, later)})


class SlowService:
    """Takes a text only when it may go on."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.go_on = asyncio.Event()
        self.fault: Exception | None = None

    async def send(self, one: Reply) -> Sent:
        self.sent.append(one.reply_id)
        await self.go_on.wait()
        if self.fault is not None:
            raise self.fault
        return Sent(outcome="accepted", code="ok")

    async def close(self) -> None:
        """Nothing to release."""


@asynccontextmanager
async def answering(
    connection: KafkaConnection,
    service: SlowService,
    at_once: int = 1,
    told: Told | None = None,
    wording_version: str | None = None,
) -> AsyncIterator[None]:
    """Be the city's owner, through this service, until the block ends."""
    tools, stop = Tools(AnswerSettings(per_minute=6000), service, reply, at_once, wording_version), asyncio.Event()
    owner = Owner(ids.partition_of(CITY, connection.partitions), connection, lambda account: tools, told=told)
    running = asyncio.create_task(owner.run(stop))
    try:
        yield
        stop.set()
        await running
    finally:
        running.cancel()


@asynccontextmanager
async def assigning(connection: KafkaConnection, *written: Outbound) -> AsyncIterator[None]:
    """Write into the log as `assign` does, in a transaction that ends with the block."""
    producer = make_producer(connection, transactional_id="assign-of-the-test")
    async with running_client(producer), producer.transaction():
        await Sender(producer, connection.partitions).send(written)
        yield


async def test_the_log_says_in_which_words_it_was_sent(fresh_topics: KafkaConnection) -> None:
    (intent,) = intents(1)
    await logs.write(fresh_topics, [outbound(intent)])
    service = SlowService()
    service.go_on.set()
    async with answering(fresh_topics, service, wording_version="2099.9"):
        await until_settled(fresh_topics, 1)
    told = [
        decode(record.value or b"", OutboxState)
        for record in await logs.read(fresh_topics, topics.OUTBOX)
        if dict(record.headers)["ce_type"] == STATE
    ]
    assert [(one.state, one.wording_version) for one in told] == [("sending", "2099.9"), ("accepted", None)]


async def test_a_partition_that_is_added_is_soon_the_members(fresh_topics: KafkaConnection) -> None:
    """By the library's own age of what it knows it would take minutes, and nobody of its cities were answered."""
    topic = f"added-{time.time_ns()}"
    async with running_admin(fresh_topics) as admin:
        await admin.create_topics([NewTopic(topic, 1, 1)])
        member = outbox_kafka.make_member(fresh_topics, 10)
        member.subscribe([topic])
        async with running_client(member):
            await soon(lambda: len(member.assignment()) == 1)
            await admin.create_partitions({topic: NewPartitions(2)})
            await soon(lambda: len(member.assignment()) == 2)


@asynccontextmanager
async def running_admin(connection: KafkaConnection) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection.aiokafka_options())
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def test_the_log_says_whether_the_erasure_came_before_the_intent_to_send(fresh_topics: KafkaConnection) -> None:
    before, erased = intents(2)
    await logs.write(fresh_topics, map(outbound, (before, erased)))
    service = SlowService()
    async with answering(fresh_topics, service):
        await soon(lambda: service.sent == [before.outbox_id])
        async with assigning(fresh_topics, withdrawn(before), withdrawn(erased)):
            service.go_on.set()
            await soon(lambda: _begun(fresh_topics, erased))  # behind the erasure, which is not committed yet
        await until_settled(fresh_topics, 2)
    told = await states(fresh_topics)
    assert told[before.outbox_id] == ["sending", "withheld", "accepted"]
    assert told[erased.outbox_id] == ["withheld", "sending", "withheld"]
    assert service.sent == [before.outbox_id]


@pytest.mark.parametrize(
    ("fault", "outcome"), [(None, ["accepted"]), (UnreachableError("away"), ["waiting", "sending", "accepted"])]
)
async def test_a_new_owner_knows_what_became_of_an_answer_behind_an_open_transaction(
    fresh_topics: KafkaConnection, fault: Exception | None, outcome: list[str]
) -> None:
    """It would call the answer unknown, and nobody would send it."""
    before, behind = intents(2)
    await logs.write(fresh_topics, [outbound(before)])
    service, stop = SlowService(), asyncio.Event()
    tools = Tools(AnswerSettings(per_minute=6000), service, reply)

    def owner() -> asyncio.Task[None]:
        made = Owner(ids.partition_of(CITY, fresh_topics.partitions), fresh_topics, lambda account: tools)
        return asyncio.create_task(made.run(stop))

    former = owner()
    try:
        await soon(lambda: service.sent == [before.outbox_id])
        async with assigning(fresh_topics, outbound(behind)):
            service.fault = fault
            service.go_on.set()
            await soon(lambda: _told(fresh_topics, before, outcome[0]))
            former.cancel()
            await asyncio.gather(former, return_exceptions=True)
            service.fault = None
            follower = owner()
            await asyncio.sleep(2)
        await until_settled(fresh_topics, 2)
        stop.set()
        await follower
    finally:
        former.cancel()
    told = await states(fresh_topics)
    assert told[before.outbox_id] == ["sending", *outcome]
    assert told[behind.outbox_id] == ["sending", "accepted"]


async def test_an_owner_ends_what_the_one_before_it_left_open_and_sends_nothing_twice(
    fresh_topics: KafkaConnection,
) -> None:
    """Kafka ended a transaction without marking its end, and the answers of a city were never sent."""
    begun, behind = intents(2)
    partition = ids.partition_of(CITY, fresh_topics.partitions)
    await logs.write(fresh_topics, [outbound(begun)])
    sending = [written(state_of(begun, "sending"))]
    await hang(fresh_topics, outbox_kafka.transactional_id(partition), sending, partition)
    await logs.write(fresh_topics, [outbound(behind)])
    assert await states(fresh_topics) == {}
    service = SlowService()
    service.go_on.set()
    async with answering(fresh_topics, service):
        told = await until_settled(fresh_topics, 2)
    assert told == {begun.outbox_id: ["sending", "unknown"], behind.outbox_id: ["sending", "accepted"]}
    assert service.sent == [behind.outbox_id]


async def test_what_somebody_else_left_open_is_named_and_ended_by_nobody(
    fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_module, "SILENT_SECONDS", 1)
    partition = ids.partition_of(CITY, fresh_topics.partitions)
    await hang(fresh_topics, f"hotline-assign-{partition}", map(outbound, intents(1)), partition)
    tools = Tools(AnswerSettings(), SlowService(), reply)
    for _ in range(2):
        with pytest.raises(UnreachableError, match=rf"partition {partition} of .* `hotline topics hanging`"):
            await Owner(partition, fresh_topics, lambda account: tools).run(asyncio.Event())


async def test_what_retention_takes_while_the_log_is_read_costs_no_answer_that_is_still_there(
    fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = intents(5)
    await logs.write(fresh_topics, map(outbound, wanted))

    def reading_on_from_what_is_gone(connection: KafkaConnection) -> AIOKafkaConsumer:
        reader = outbox_kafka.make_reader(connection)

        async def seek_to_beginning(place: TopicPartition) -> None:
            with admin(connection) as client:
                client.delete_records({kafka.TopicPartition(place.topic, place.partition): 2})
            reader.seek(place, 0)

        reader.seek_to_beginning = seek_to_beginning
        return reader

    monkeypatch.setattr(owner_module, "make_reader", reading_on_from_what_is_gone)
    service = SlowService()
    service.go_on.set()
    async with answering(fresh_topics, service):
        await until_settled(fresh_topics, 3)
    assert service.sent == [one.outbox_id for one in wanted[2:]]


async def test_what_many_accounts_tell_at_once_shares_a_transaction(fresh_topics: KafkaConnection) -> None:
    """With one for each, accounts waited for one another: a busy Kafka let forty receipts of each out in a minute."""
    accounts = [f"account{number}" for number in range(12)]
    wanted = [replace(one, account=account) for one, account in zip(intents(12), accounts, strict=True)]
    await logs.write(fresh_topics, map(outbound, wanted))
    service = SlowService()
    async with answering(fresh_topics, service):
        await soon(lambda: len(service.sent) == len(accounts))
        service.go_on.set()
        told = await until_settled(fresh_topics, len(accounts))
    assert list(told.values()) == [["sending", "accepted"]] * len(accounts)
    assert await transactions(fresh_topics) <= 6


async def test_the_end_of_an_answer_shares_a_transaction_with_the_beginning_of_the_next(
    fresh_topics: KafkaConnection,
) -> None:
    wanted = intents(10)
    await logs.write(fresh_topics, map(outbound, wanted))
    service = SlowService()
    service.go_on.set()
    async with answering(fresh_topics, service):
        told = await until_settled(fresh_topics, len(wanted))
    assert list(told.values()) == [["sending", "accepted"]] * len(wanted)
    assert service.sent == [one.outbox_id for one in wanted]
    assert await transactions(fresh_topics) == len(wanted) + 1


async def test_what_an_account_begins_side_by_side_shares_a_transaction(fresh_topics: KafkaConnection) -> None:
    wanted = intents(12)
    await logs.write(fresh_topics, map(outbound, wanted))
    service = SlowService()
    async with answering(fresh_topics, service, at_once=13):
        await soon(lambda: len(service.sent) == len(wanted))
        service.go_on.set()
        told = await until_settled(fresh_topics, len(wanted))
    assert list(told.values()) == [["sending", "accepted"]] * len(wanted)
    assert await transactions(fresh_topics) <= 4


async def transactions(connection: KafkaConnection) -> int:
    """Return how many the log holds: each ends with a marker, which takes an offset."""
    records = await logs.read(connection, topics.OUTBOX)
    return await outbox_kafka.end_of(connection, TopicPartition(topics.OUTBOX, records[0].partition)) - len(records)


async def _begun(connection: KafkaConnection, wanted: Outbox) -> bool:
    return await _told(connection, wanted, "sending")


async def _told(connection: KafkaConnection, wanted: Outbox, state: str) -> bool:
    found = await logs.read(connection, topics.OUTBOX, committed=False)
    told = [decode(one.value or b"", OutboxState) for one in found if dict(one.headers)["ce_type"] == STATE]
    return any(one.outbox_id == wanted.outbox_id and one.state == state for one in told)


async def fence(connection: KafkaConnection, folder: Path) -> None:
    """Let an owner be fenced while it has an answer to begin; it is gone at the end."""
    tools = Tools(AnswerSettings(), Service(folder), reply)
    owner = Owner(partition := ids.partition_of(CITY, connection.partitions), connection, lambda account: tools)
    running = asyncio.create_task(owner.run(asyncio.Event()))
    await soon(lambda: owner.done_before is not None)
    async with outbox_kafka.make_producer(connection, partition):
        await logs.write(connection, map(outbound, intents(1)))
        with pytest.raises(ProducerFenced):
            await asyncio.wait_for(running, 90)


async def test_an_owner_that_is_fenced_leaves_nothing_for_asyncio_to_complain_of(
    fresh_topics: KafkaConnection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fence(fresh_topics, tmp_path)
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
    assert not sent(tmp_path)


@pytest.mark.parametrize("count", [2, 40], ids=["less than before", "more than before"])
async def test_an_outbox_that_is_made_anew_is_read_from_its_beginning(
    fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Its reader went on where it stood in the old one, and nobody was sent what stands before that."""
    monkeypatch.setattr(topic_id_aio, "ASK_SECONDS", 1.0)
    service = SlowService()
    service.go_on.set()
    tools = Tools(AnswerSettings(per_minute=6000), service, reply)

    def outbox(stop: asyncio.Event) -> asyncio.Task[None]:
        return asyncio.create_task(Daemon(fresh_topics, lambda account: tools, session_seconds=3).run(stop))

    before, after = intents(5), intents(count, start=6)
    await logs.write(fresh_topics, map(outbound, before))
    former = outbox(asyncio.Event())
    try:
        await until_settled(fresh_topics, len(before))
        await asyncio.to_thread(made_anew, fresh_topics, topics.OUTBOX, fresh_topics.partitions)
        await logs.write(fresh_topics, map(outbound, after))
        with pytest.raises(MadeAnewError):
            await asyncio.wait_for(former, 60)
        stop = asyncio.Event()
        follower = outbox(stop)
        await soon(lambda: set(service.sent) >= {one.outbox_id for one in after})
        stop.set()
        await follower
    finally:
        former.cancel()
    assert Counter(service.sent) == Counter(one.outbox_id for one in [*before, *after])


async def test_what_a_rebalance_gives_to_an_outbox_that_leaves_begins_nothing(fresh_topics: KafkaConnection) -> None:
    """Its owner was ended by nobody, and went on beside the next process's."""
    outbox, stop = Daemon(fresh_topics, lambda account: Tools(None, None, reply), session_seconds=3), asyncio.Event()
    stop.set()
    await outbox.run(stop)
    await outbox.on_partitions_assigned({TopicPartition(topics.OUTBOX, 0)})
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "outbox 0"]


async def test_what_the_metadata_alone_tell_ends_the_outbox(
    fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka leaves such a topic out of the assignment: nobody would answer, and nobody would know."""
    members: list[AIOKafkaConsumer] = []

    def remembered(connection: KafkaConnection, session_seconds: float) -> AIOKafkaConsumer:
        members.append(outbox_kafka.make_member(connection, session_seconds))
        return members[0]

    monkeypatch.setattr(daemon, "make_member", remembered)
    outbox = Daemon(fresh_topics, lambda account: Tools(None, None, reply), session_seconds=3)
    running_outbox = asyncio.create_task(outbox.run(asyncio.Event()))
    try:
        await soon(lambda: bool(members and members[0].assignment()))
        members[0]._client.cluster.unauthorized_topics.add(topics.OUTBOX)
        with pytest.raises(UnauthorizedError, match=r"Kafka denies this to our user \(TopicAuthorizationFailedError\)"):
            await asyncio.wait_for(running_outbox, 30)
    finally:
        running_outbox.cancel()

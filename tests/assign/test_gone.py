"""An event log that lost decisions: nobody goes on as if they had never been made."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.errors import OffsetOutOfRangeError
from faust.types import TP
from kafka import TopicPartition
from obstore.store import LocalStore
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from hotline.admin.cluster import admin
from schemas import topics
from schemas.codec import Outbound, position_of
from schemas.errors import PartitionError, RetriableError, UnreachableError
from schemas.records import Event, Message
from streams.assign import Assign
from streams.engine.partition_worker import Chunk
from streams.state import log_reader as read_logs
from streams.state.checkpoint import save_checkpoint
from streams.state.partition import Owner, take_over
from tests.assign import logs
from tests.fresh import made_anew
from tests.tickets.build import CITY, message
from tickets import processor
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

pytestmark = pytest.mark.integration

SAID = [message(number, f"第{number}件事", sender=str(13800000000 + number)) for number in range(4)]


async def owner_of(connection: KafkaConnection, blobs: LocalStore, partition: int) -> Owner:
    return await take_over(partition, connection, blobs, TicketPolicy(), lambda point: None)


async def decided(connection: KafkaConnection, blobs: LocalStore, *, checkpoint_after: int = 0) -> int:
    """Decide in transactions of their own, and return the partition."""
    await logs.write(connection, map(logs.outbound, SAID))
    records = await logs.read(connection, topics.MESSAGE)
    owner = await owner_of(connection, blobs, records[0].partition)
    for number, record in enumerate(records, 1):
        await owner.work_off([record])
        if number == checkpoint_after:
            await save_checkpoint(blobs, records[0].partition, owner.restored)
    await owner.close()
    return records[0].partition


async def lose(connection: KafkaConnection, partition: int, decisions: int) -> None:
    """Delete the oldest decisions, each with the marker behind it."""
    await logs.settle(connection)
    with admin(connection) as client:
        client.delete_records({TopicPartition(topics.EVENT, partition): 2 * decisions})


@pytest.mark.parametrize("left", [0, 2])
async def test_lost_decisions_are_told_and_numbers_are_not_given_again(
    connection: KafkaConnection, blobs: LocalStore, left: int
) -> None:
    partition = await decided(connection, blobs)
    await lose(connection, partition, len(SAID) - left)
    with pytest.raises(PartitionError, match=rf"partition {partition} begins at {2 * (len(SAID) - left)}, but"):
        await owner_of(connection, blobs, partition)


async def test_those_behind_a_checkpoint_are_told_too(connection: KafkaConnection, blobs: LocalStore) -> None:
    partition = await decided(connection, blobs, checkpoint_after=1)
    await lose(connection, partition, 3)
    with pytest.raises(PartitionError, match="from 1 on are in no checkpoint"):
        await owner_of(connection, blobs, partition)


@pytest.mark.parametrize("lost", [1, 2, 4])
async def test_what_a_checkpoint_holds_may_go(connection: KafkaConnection, blobs: LocalStore, lost: int) -> None:
    partition = await decided(connection, blobs, checkpoint_after=lost)
    await lose(connection, partition, lost)
    owner = await owner_of(connection, blobs, partition)
    assert len(owner.restored.state.tickets) == len(SAID)
    await owner.close()


async def test_what_retention_took_after_years_is_not_missed(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_logs, "_LONG_AGO", -3600.0)
    partition = await decided(connection, blobs)
    await lose(connection, partition, 2)
    owner = await owner_of(connection, blobs, partition)
    assert len(owner.restored.state.tickets) == 2
    await owner.close()


async def test_decisions_that_go_while_they_are_read_are_not_skipped(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition = await decided(connection, blobs)
    await lose(connection, partition, 2)
    bounds = read_logs.Logs._bounds

    async def before(self: read_logs.Logs, tp: TopicPartition) -> tuple[int, int]:
        return 0, (await bounds(self, tp))[1]

    monkeypatch.setattr(read_logs.Logs, "_bounds", before)
    with pytest.raises(OffsetOutOfRangeError):
        await owner_of(connection, blobs, partition)


def again() -> float:
    return REGISTRY.get_sample_value("hotline_streams_decided_again_total") or 0


async def handle(assign: Assign, records: list[logs.Record]) -> None:
    tp = TP(topics.MESSAGE, records[0].partition)
    await assign.handle(tp, Chunk(tp, records, SimpleNamespace(ack=lambda: None)))


async def test_what_was_acknowledged_and_is_in_no_decision_is_decided_before_what_follows(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    """Kafka lost the end of the event log: an unclean election takes what the offsets of the group still tell of."""
    await logs.write(connection, map(logs.outbound, SAID))
    records = await logs.read(connection, topics.MESSAGE)
    owner = await owner_of(connection, blobs, records[0].partition)
    await owner.work_off(records[:1])
    await owner.close()
    before, assign = again(), Assign(connection, blobs, TicketPolicy())
    await handle(assign, records[3:])
    assert again() == before + 2
    await handle(assign, records[2:])
    assert again() == before + 2
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, SAID)
    numbers = {one[-1].first_message_id: one[-1].ticket_no for one in (await logs.tickets(connection)).values()}
    assert [numbers[one.message_id] for one in SAID] == sorted(numbers.values())


async def test_it_is_looked_for_again_when_the_log_is_read_again(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that comes back with less makes the transaction fail, and what memory held is thrown away."""
    await logs.write(connection, map(logs.outbound, SAID))
    records = await logs.read(connection, topics.MESSAGE)
    assign = Assign(connection, blobs, TicketPolicy())
    await handle(assign, records[:1])
    with monkeypatch.context() as patch:

        async def fails(*_: object, **__: object) -> None:
            raise UnreachableError("Kafka does not answer")

        patch.setattr(Owner, "work_off", fails)
        with pytest.raises(UnreachableError):
            await handle(assign, records[1:2])
    await handle(assign, records[2:])
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, SAID)


async def test_what_was_put_aside_or_came_twice_is_none_of_it(connection: KafkaConnection, blobs: LocalStore) -> None:
    foreign = Outbound(topics.MESSAGE, b"foreign", b"x", [("ce_type", b"other")], CITY)
    known = [logs.outbound(one) for one in SAID[:2]]
    await logs.write(connection, [*known, foreign, known[0]])
    records = await logs.read(connection, topics.MESSAGE)
    assign = Assign(connection, blobs, TicketPolicy())
    await handle(assign, records)
    await assign.close()
    await logs.write(connection, [logs.outbound(SAID[2])])
    before, assign = again(), Assign(connection, blobs, TicketPolicy())
    await handle(assign, (await logs.read(connection, topics.MESSAGE))[4:])
    await assign.close()
    assert again() == before
    assert len(await logs.dead(connection)) == 1
    await logs.assert_nothing_lost_or_doubled(connection, SAID[:3])


async def test_one_that_cannot_be_carried_out_holds_nobody_up(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await logs.write(connection, map(logs.outbound, SAID))
    records = await logs.read(connection, topics.MESSAGE)
    intent = processor.answers.intent

    def failing(decision: Event, told: Message, *rest: object) -> object:
        if told.message_id == SAID[1].message_id:
            raise ValueError
        return intent(decision, told, *rest)

    monkeypatch.setattr(processor.answers, "intent", failing)
    assign = Assign(connection, blobs, TicketPolicy())
    await handle(assign, records[:2])
    await assign.close()
    assign = Assign(connection, blobs, TicketPolicy())
    await handle(assign, records[3:])
    await assign.close()
    assert len(await logs.dead(connection)) == 1
    await logs.assert_nothing_lost_or_doubled(connection, [SAID[0], *SAID[2:]])


async def test_nobody_goes_on_from_the_snapshot_of_a_lost_decision(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    """The ticket log may keep what the event log lost: a text would be in the ticket twice."""
    answer = message(5, "还没有人来修", sender="13800000000", answers=(f"{CITY}-0",))
    await logs.write(connection, map(logs.outbound, (SAID[0], answer, SAID[1])))
    records = await logs.read(connection, topics.MESSAGE)
    owner = await owner_of(connection, blobs, records[0].partition)
    await owner.work_off(records[:1])
    await owner.close()
    lost = Desk(State(TicketPolicy()))
    for record, one in zip(records, (SAID[0], answer), strict=False):
        lost.take(one, position_of(record))
    await logs.write(connection, [one for one in lost.flush() if one.topic == topics.TICKET])
    assign = Assign(connection, blobs, TicketPolicy())
    await handle(assign, records[2:])
    await assign.close()
    (snapshots,) = [
        one for one in (await logs.tickets(connection)).values() if one[0].first_message_id == SAID[0].message_id
    ]
    assert [(one.version, one.message_count) for one in snapshots] == [(1, 1), (2, 2), (2, 2)]
    assert snapshots[-1].text == snapshots[-2].text
    assert snapshots[-1].text.count("还没有人来修") == 1


async def test_decisions_that_the_log_loses_under_their_owner_are_made_again(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    """No transaction was under way, so none failed: the next one must not go on from what the log has no more."""
    await logs.write(connection, map(logs.outbound, SAID))
    records = await logs.read(connection, topics.MESSAGE)
    assign = Assign(connection, blobs, TicketPolicy())
    await handle(assign, records[:3])
    for lost in (topics.EVENT, topics.LINK, topics.TICKET, topics.TICKET_MASKED):
        await asyncio.to_thread(made_anew, connection, lost, connection.partitions)
    async with asyncio.timeout(120):
        while True:
            try:
                await handle(assign, records[3:])
                break
            except RetriableError:  # as a lane does
                await asyncio.sleep(0.1)
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, SAID)


async def acknowledge(connection: KafkaConnection, group: str, end: int) -> None:
    options = connection.aiokafka_options()
    async with AIOKafkaConsumer(**options, group_id=group, enable_auto_commit=False) as consumer:
        places = [Place(topics.MESSAGE, number) for number in range(connection.partitions)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, end))


@pytest.mark.parametrize("beyond", [0, 7], ids=["", "and of the input the end is lost"])
async def test_a_lost_decision_waits_for_no_next_message(
    connection: KafkaConnection, blobs: LocalStore, beyond: int
) -> None:
    await logs.write(connection, map(logs.outbound, SAID))
    records = await logs.read(connection, topics.MESSAGE)
    owner = await owner_of(connection, blobs, records[0].partition)
    await owner.work_off(records[:2])
    await owner.close()
    await acknowledge(connection, "a-group", len(SAID) + beyond)
    before, assign = again(), Assign(connection, blobs, TicketPolicy())
    tp = TP(topics.MESSAGE, records[0].partition)
    await assign.look("a-group", tp)
    assert again() == before + 2
    await assign.look("a-group", tp)
    await assign.close()
    assert again() == before + 2
    await logs.assert_nothing_lost_or_doubled(connection, SAID)


async def test_repeats_behind_the_last_decision_are_told_by_their_keys_and_looked_at_once(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await logs.write(connection, [logs.outbound(SAID[0])] * 4 + [logs.outbound(SAID[1])])
    records = await logs.read(connection, topics.MESSAGE)
    owner = await owner_of(connection, blobs, records[0].partition)
    await owner.work_off(records[:1])
    await owner.close()
    worked: list[int] = []
    work_off = Owner.work_off

    async def watched(self: Owner, records: list[logs.Record], *, again: bool = False) -> None:
        worked.extend(record.offset for record in records)
        await work_off(self, records, again=again)

    monkeypatch.setattr(Owner, "work_off", watched)
    assign = Assign(connection, blobs, TicketPolicy())
    await handle(assign, records[3:4])
    assert worked == [3]
    await assign.leave([records[0].partition])
    monkeypatch.setattr(Owner, "knows", None)  # nobody is asked
    await handle(assign, records[4:])
    await assign.close()
    assert worked == [3, 4]
    await logs.assert_nothing_lost_or_doubled(connection, SAID[:2])

"""Writing the input of assign and reading back what it committed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from obstore.store import ObjectStore

from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import Outbound, decode, encode
from schemas.envelope import Envelope, type_of
from schemas.records import Command, Event, Link, Message, Ticket
from streams.state.checkpoint import Restored
from streams.state.restore import restore
from tests.tickets.build import CITY, START
from tickets.policy import TicketPolicy

Record = ConsumerRecord[bytes, bytes]

ORDERED = max(START, datetime.now(UTC))
"""Orders are given after the broker took the messages: whoever gives them may have read these."""


def outbound(message: Message) -> Outbound:
    taken = message.received_at, message.ingested_at
    return _input(message, message.message_id, "/hotline/normalize/test", *taken, message.jurisdiction)


def ordered(number: int, kind: str, target: str, args: dict[str, Any]) -> Outbound:
    """Return a clerk's order about a ticket, or about a hand-over, as `normalize` passes it on."""
    is_ticket = target.startswith(f"{CITY}-")
    command = Command(
        command_id=f"c{number}",
        jurisdiction=CITY,
        ticket_id=target if is_ticket else None,
        handover_id=None if is_ticket else target,
        kind=kind,
        author="clerk-7",
        at=ORDERED + timedelta(hours=number),
        args=args,
    )
    return given(command)


def given(command: Command) -> Outbound:
    """Return an order as `normalize` passes it on."""
    return _input(command, command.command_id, "/hotline/commands/test", command.at, command.at, CITY)


def _input(
    record: Message | Command, name: str, source: str, at: datetime, recorded: datetime, jurisdiction: str
) -> Outbound:
    kind = type_of("message" if isinstance(record, Message) else "command")
    envelope = Envelope(id=name, source=source, type=kind, time=at, recordedtime=recorded, jurisdiction=jurisdiction)
    return Outbound(topics.MESSAGE, name.encode(), encode(record), envelope.headers(), jurisdiction)


async def write(connection: KafkaConnection, outbounds: Iterable[Outbound]) -> None:
    producer = make_producer(connection)
    await producer.start()
    try:
        await Sender(producer, connection.partitions).send(outbounds)
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def consumer(connection: KafkaConnection, *, committed: bool) -> AsyncIterator[AIOKafkaConsumer]:
    isolation = "read_committed" if committed else "read_uncommitted"
    async with AIOKafkaConsumer(
        **connection.aiokafka_options(), isolation_level=isolation, retry_backoff_ms=10
    ) as started:
        yield started


async def read(connection: KafkaConnection, topic: str, *, committed: bool = True) -> list[Record]:
    """Return every record of a topic, partition by partition."""
    async with consumer(connection, committed=committed) as reader:
        places = [TopicPartition(topic, number) for number in range(connection.partitions)]
        if committed:
            await _markers(connection, reader, places)
        ends = await reader.end_offsets(places)  # once it fetches, such a question waits half a second behind that
        reader.assign(places)
        await reader.seek_to_beginning(*places)
        found: list[Record] = []
        while any([await reader.position(place) < ends[place] for place in places]):
            for records in (await reader.getmany(timeout_ms=200)).values():
                found += records
        return found


async def _markers(connection: KafkaConnection, stable: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
    """Wait for the markers of a commit that was answered before they were there; not for a transaction left open."""
    deadline = asyncio.get_running_loop().time() + 2
    async with consumer(connection, committed=False) as newest:
        while await stable.end_offsets(places) != await newest.end_offsets(places):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.02)


async def settle(connection: KafkaConnection) -> None:
    """Return when the markers of the last commit are everywhere: it was answered before they were.

    `take_over` waits for this by fencing; who reads beside a living owner has to wait himself.
    """
    places = [
        TopicPartition(topic, number)
        for topic in (
            topics.EVENT,
            topics.LINK,
            topics.TICKET,
            topics.HANDOVER,
            topics.OUTBOX,
            topics.AUDIT,
            topics.DEAD,
        )
        for number in range(connection.partitions)
    ]
    deadline = asyncio.get_running_loop().time() + 60
    async with consumer(connection, committed=True) as stable, consumer(connection, committed=False) as newest:
        while await stable.end_offsets(places) != await newest.end_offsets(places):
            assert asyncio.get_running_loop().time() < deadline, "a transaction stays open"
            await asyncio.sleep(0.02)


async def restored(connection: KafkaConnection, blobs: ObjectStore, partition: int) -> Restored:
    """Restore what the logs hold once the last transaction is over."""
    await settle(connection)
    return await restore(connection.aiokafka_options(), blobs, partition, TicketPolicy())


async def dead(connection: KafkaConnection) -> list[Record]:
    """Return the dead letters of every transaction that was committed."""
    await settle(connection)
    return await read(connection, topics.DEAD)


async def events(connection: KafkaConnection) -> list[Event]:
    return [decode(record.value or b"", Event) for record in await read(connection, topics.EVENT)]


async def links(connection: KafkaConnection) -> list[Link]:
    return [decode(record.value or b"", Link) for record in await read(connection, topics.LINK)]


async def tickets(connection: KafkaConnection, topic: str = topics.TICKET) -> dict[str, list[Ticket]]:
    """Return every committed snapshot by ticket, oldest first."""
    found: dict[str, list[Ticket]] = {}
    for record in await read(connection, topic):
        ticket = decode(record.value or b"", Ticket)
        found.setdefault(ticket.ticket_id, []).append(ticket)
    return found


async def until_decided(connection: KafkaConnection, count: int, seconds: float = 120) -> None:
    """Return when the event log holds `count` decisions."""
    deadline = asyncio.get_running_loop().time() + seconds
    while (found := len(await read(connection, topics.EVENT))) < count:
        assert asyncio.get_running_loop().time() < deadline, f"{found} of {count} decided"
        await asyncio.sleep(0.1)


async def assert_nothing_lost_or_doubled(connection: KafkaConnection, messages: Iterable[Message]) -> None:
    """Every message is decided once, linked once, counted once in a ticket; numbers are given once.

    A commit is answered before its markers are in every partition, so what is still missing may come; what is doubled
    stays doubled.
    """
    wanted = sorted({message.message_id for message in messages})
    deadline = asyncio.get_running_loop().time() + 60
    while True:
        try:
            return await _assert_accounted(connection, wanted)
        except AssertionError:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.1)


async def _assert_accounted(connection: KafkaConnection, wanted: list[str]) -> None:
    assert sorted(event.event_id for event in await events(connection)) == wanted
    assert sorted(link.message_id for link in await links(connection)) == wanted
    snapshots = await tickets(connection)
    newest = [versions[-1] for versions in snapshots.values()]
    filed = [link for link in await links(connection) if link.ticket_id]
    assert sum(ticket.message_count for ticket in newest) == len(filed)
    assert len({ticket.ticket_no for ticket in newest}) == len(newest)
    for versions in snapshots.values():
        assert [one.version for one in versions] == sorted({one.version for one in versions})
    masked = await tickets(connection, topics.TICKET_MASKED)
    assert {key: one[-1].version for key, one in masked.items()} == {
        key: one[-1].version for key, one in snapshots.items()
    }

"""Takes restricted tickets (严格保密) that an older version wrote out of the masked topic, into the topic of their own.

Run once after an upgrade, while no `assign` works: a snapshot without a word would stand behind a newer one otherwise.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from broker import kafka_reader
from broker.aio_client import running
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import Outbound, decode, encode
from schemas.envelope import WITHHELD
from schemas.records import Ticket
from tickets.records_out import RESTRICTED, withheld_of


def withhold(connection: KafkaConnection) -> int:
    """Return how many tickets were taken out. Safe to repeat. Raises as `admin.kafka_reader` and `Sender` do."""
    clear = _newest(connection, topics.TICKET)
    there = _newest(connection, topics.TICKET_RESTRICTED)
    masked = _newest(connection, topics.TICKET_MASKED)
    outbounds = [*_moved(clear, there), *_emptied(clear, masked)]
    if outbounds:
        asyncio.run(_send(connection, outbounds))
    return len({one.key for one in outbounds})


def _newest(connection: KafkaConnection, topic: str) -> dict[bytes, Any]:
    """Return the newest record of each ticket; a ticket is in one partition."""
    return {record.key: record for record in kafka_reader.read_all(connection, topic) if record.value}


def _moved(clear: Mapping[bytes, Any], there: Mapping[bytes, Any]) -> Iterator[Outbound]:
    for key, record in clear.items():
        ticket = decode(record.value, Ticket)
        if _is_restricted(ticket) and (key not in there or decode(there[key].value, Ticket).version < ticket.version):
            yield Outbound(topics.TICKET_RESTRICTED, key, record.value, list(record.headers), ticket.jurisdiction)


def _emptied(clear: Mapping[bytes, Any], masked: Mapping[bytes, Any]) -> Iterator[Outbound]:
    for key, record in masked.items():
        newest = clear.get(key)
        if WITHHELD in record.headers or newest is None:
            continue
        ticket = decode(newest.value, Ticket)
        if _is_restricted(ticket):
            value, headers = encode(withheld_of(ticket)), [*newest.headers, WITHHELD]
            yield Outbound(topics.TICKET_MASKED, key, value, headers, ticket.jurisdiction)


def _is_restricted(ticket: Ticket) -> bool:
    return ticket.confidentiality == RESTRICTED and not ticket.erased


async def _send(connection: KafkaConnection, outbounds: list[Outbound]) -> None:
    producer = make_producer(connection)
    async with running(producer):
        await Sender(producer, connection.partitions).send(outbounds)

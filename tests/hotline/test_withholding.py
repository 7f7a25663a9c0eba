"""`hotline topics withhold` takes restricted tickets of an older version out of the masked topic, on a real Kafka."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from broker import kafka_reader
from broker.aio_client import running
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import Outbound, decode, encode
from schemas.envelope import WITHHELD
from schemas.records import Ticket
from tests.hotline.letters import hotline, lines, read
from tests.tickets.build import message
from tests.tickets.commands.orders import Office
from tickets.masking.mask import mask_ticket

pytestmark = pytest.mark.integration

WORDS = "我们厂夜里偷排废水"
CODE = "confidentiality.restricted"
TOPICS = (topics.TICKET, topics.TICKET_MASKED, topics.TICKET_RESTRICTED)


def opened(number: int, *codes: str, city: str = "210100") -> Office:
    made = message(number, text=WORDS, jurisdiction=city, sender=f"138001380{number:02d}")
    return Office([replace(made, features=replace(made.features, codes=codes))])


def as_older(office: Office) -> list[Outbound]:
    """Return the snapshots as a version without the topic of restricted tickets wrote them: clear, and masked."""
    clear = [one for one in office.desk.flush() if one.topic == topics.TICKET]
    masked = [
        one._replace(topic=topics.TICKET_MASKED, value=encode(mask_ticket(decode(one.value, Ticket)))) for one in clear
    ]
    return [*clear, *masked]


def as_now(office: Office) -> list[Outbound]:
    return [one for one in office.desk.flush() if one.topic in TOPICS]


def key_of(office: Office) -> bytes:
    return office.tickets[0].encode()


def newest(connection: KafkaConnection, topic: str) -> dict[bytes, Any]:
    return {one.key: one for one in read(connection, topic)}


def as_written(record: Any) -> tuple[bytes, list[tuple[str, bytes]]]:
    return record.value, list(record.headers)


def ends(connection: KafkaConnection) -> list[dict[int, tuple[int, int]]]:
    return [kafka_reader.bounds(connection, topic) for topic in TOPICS]


def write(connection: KafkaConnection, *parts: Iterable[Outbound]) -> None:
    """As assign does: all snapshots of a ticket into its city's partition."""

    async def send() -> None:
        producer = make_producer(connection)
        async with running(producer):
            await Sender(producer, connection.partitions).send(one for part in parts for one in part)

    asyncio.run(send())


def test_restricted_tickets_leave_the_masked_topic_once_and_others_stay(operators_kafka: KafkaConnection) -> None:
    born, elsewhere, raised = opened(1, CODE), opened(2, CODE, city="110000"), opened(3)
    public, lowered, erased = opened(4), opened(5, CODE), opened(6, CODE)
    write(operators_kafka, *(as_older(one) for one in (born, elsewhere, raised, public, lowered, erased)))
    raised.order("reclassify", raised.tickets[0], confidentiality="restricted")
    lowered.order("reclassify", lowered.tickets[0], confidentiality="internal")
    erased.order("forget", erased.tickets[0], reason="pipl-47", message_ids=[erased.input[0].message_id])
    write(operators_kafka, as_older(raised), as_older(lowered), as_now(erased))
    before = newest(operators_kafka, topics.TICKET_MASKED)
    assert WORDS in before[key_of(born)].value.decode()

    assert lines(hotline("topics", "withhold", "--json")) == [{"withheld": 3}]
    clear, masked, own = (newest(operators_kafka, topic) for topic in TOPICS)
    for office in (born, elsewhere, raised):
        key = key_of(office)
        assert as_written(own[key]) == as_written(clear[key])
        left = decode(masked[key].value, Ticket)
        assert (left.text, left.title, left.masked) == ("", None, True)
        assert WORDS not in masked[key].value.decode()
        assert list(masked[key].headers) == [*clear[key].headers, WITHHELD]
        assert left.version == decode(clear[key].value, Ticket).version
        assert masked[key].partition == before[key].partition, "else compaction would leave both"
    for office in (public, lowered, erased):
        key = key_of(office)
        assert masked[key].offset == before[key].offset
    assert own.keys() == {key_of(one) for one in (born, elsewhere, raised, erased)}

    settled = ends(operators_kafka)
    assert hotline("topics", "withhold").output == "0 tickets removed.\n"
    assert ends(operators_kafka) == settled


def test_what_this_version_wrote_stays_and_a_run_that_broke_off_is_finished(operators_kafka: KafkaConnection) -> None:
    written, raised, broken = opened(1, CODE), opened(2), opened(3, CODE)
    first = as_now(raised)
    raised.order("reclassify", raised.tickets[0], confidentiality="restricted")
    old = as_older(broken)
    moved = [one._replace(topic=topics.TICKET_RESTRICTED) for one in old if one.topic == topics.TICKET]
    write(operators_kafka, as_now(written), first, as_now(raised), old, moved)
    clear, masked, own = ends(operators_kafka)

    assert hotline("topics", "withhold").output == "1 ticket removed.\n"
    assert WITHHELD in newest(operators_kafka, topics.TICKET_MASKED)[key_of(broken)].headers
    grown = sum(end for _, end in kafka_reader.bounds(operators_kafka, topics.TICKET_MASKED).values())
    assert grown == sum(end for _, end in masked.values()) + 1
    assert [kafka_reader.bounds(operators_kafka, topic) for topic in (topics.TICKET, topics.TICKET_RESTRICTED)] == [
        clear,
        own,
    ]

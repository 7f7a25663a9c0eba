"""What a subscriber refused is brought to that subscriber again, unless something newer or erased took its place."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from msgspec.structs import replace
from structlog.testing import capture_logs

from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import Outbound, Position, decode, encode
from schemas.errors import RecordError
from schemas.records import Delivery, Ticket
from schemas.records.dead_letter import REPLAYS
from sinks import Document
from tests.hotline.letters import hotline, letter, lines, read, send
from tests.sinks.webhook.receiver import SECRET, Delivered, Receiver, for_ticket, receiving, status
from tests.sinks.webhook.snapshots import snapshot
from tickets.erasure.blackout import withheld

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

STAGE = "sink:webhook.map"


@pytest.fixture
def kafka(operators_kafka: KafkaConnection) -> KafkaConnection:
    return operators_kafka


@pytest.fixture
async def map_(kafka: KafkaConnection, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """A subscriber of masked tickets who is in the operator's settings."""
    async with receiving() as receiver:
        monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__URL", receiver.url)
        monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__ALLOW_PRIVATE", "true")
        monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__SECRETS", SECRET)
        yield receiver


def published(kafka: KafkaConnection, *documents: Document) -> list[Document]:
    """Put snapshots into their topic; they come back with the places that they got there."""
    for one in documents:
        send(kafka, Outbound(one.position.topic, one.key, one.value, one.headers, jurisdiction="210100"))
    topic = documents[0].position.topic
    found = {one.value: Position(topic, one.partition, one.offset) for one in read(kafka, topic)}
    return [one._replace(position=found[one.value]) for one in documents]


def refused(kafka: KafkaConnection, *documents: Document) -> None:
    for one in documents:
        record = Outbound(one.position.topic, one.key, one.value, one.headers)
        send(kafka, letter(STAGE, one.position, record, RecordError("refused")))


async def replayed(code: int = 0) -> dict[str, object]:
    (report,) = lines(await asyncio.to_thread(hotline, "dead", "replay", "--yes", "--json"), code)
    return report


async def test_what_a_subscriber_refused_comes_to_it_again_and_to_nobody_else(
    kafka: KafkaConnection, map_: Receiver
) -> None:
    one = snapshot(version=2, topic=topics.TICKET_MASKED)
    (one,) = await asyncio.to_thread(published, kafka, one)
    await asyncio.to_thread(refused, kafka, one)
    report = await replayed()
    assert (report["put_back"], report["held"]) == ({STAGE: 1}, [])
    assert [(got.id, got.body) for got in map_.got] == [("map:210100-a:2", one.value)]
    assert len(await asyncio.to_thread(read, kafka, topics.TICKET_MASKED)) == 1
    log = [decode(record.value, Delivery) for record in await asyncio.to_thread(read, kafka, topics.DELIVERY)]
    assert [(line.outcome, line.version) for line in log] == [("delivered", 2)]
    assert (await replayed())["put_back"] == {}
    assert len(map_.got) == 1


async def test_what_it_refuses_again_is_a_letter_with_a_higher_count(kafka: KafkaConnection, map_: Receiver) -> None:
    map_.answers = [status(400)]
    one = snapshot(topic=topics.TICKET_MASKED)
    (one,) = await asyncio.to_thread(published, kafka, one)
    await asyncio.to_thread(refused, kafka, one)
    for _ in range(3):
        assert (await replayed(1))["failed_again"] == 1
    assert (await replayed(1))["failed_again"] == 0
    assert len(map_.got) == 3
    letters = [dict(record.headers) for record in await asyncio.to_thread(read, kafka, topics.DEAD)]
    assert sorted(headers[REPLAYS] for headers in letters) == [b"0", b"1", b"2", b"3"]


async def test_an_old_snapshot_does_not_bring_back_what_was_erased(kafka: KafkaConnection, map_: Receiver) -> None:
    old = snapshot(topic=topics.TICKET_MASKED)
    erased = snapshot(version=2, topic=topics.TICKET_MASKED, erased=True)
    other = snapshot("210100-b", topic=topics.TICKET_MASKED)
    old, _, other = await asyncio.to_thread(published, kafka, old, erased, other)
    await asyncio.to_thread(refused, kafka, old, other)
    report = await replayed()
    assert [held["why"] for held in report["held"]] == ["a newer snapshot of its ticket replaces it"]  # type: ignore[attr-defined] # JSON
    assert map_.ids == ["map:210100-b:1"]


async def test_nor_does_one_that_waits_for_the_endpoint_while_its_ticket_is_erased(
    kafka: KafkaConnection, map_: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever puts it back is told that it waits, and for how long."""
    monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__BACKOFF_BASE_SECONDS", "6")
    old, other = snapshot(topic=topics.TICKET_MASKED), snapshot("210100-b", topic=topics.TICKET_MASKED)
    old, other = await asyncio.to_thread(published, kafka, old, other)
    await asyncio.to_thread(refused, kafka, old, other)

    async def erase(delivered: Delivered) -> web.Response:
        erased = snapshot(delivered.ticket, version=2, topic=topics.TICKET_MASKED, erased=True)
        await asyncio.to_thread(published, kafka, erased)
        map_.answers = [status(204)]
        return web.Response(status=500)

    map_.answers = [for_ticket("210100-a", erase)]
    with capture_logs() as told:
        await replayed()
    assert sorted(map_.ids) == ["map:210100-a:1", "map:210100-b:1"]
    assert [line["sentence"] for line in told if line["event"] == "delivery_waits"] == [
        "each is retried for up to 120 minutes; Ctrl-C leaves the dead letters unchanged"
    ]


async def test_an_old_snapshot_does_not_bring_back_what_was_redacted(
    kafka: KafkaConnection, map_: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the filter leaves the redacted one out; what is told since is no news of before, and goes."""
    monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__FILTER__STATUSES", '["received"]')
    old, _, since, _ = await asyncio.to_thread(
        published,
        kafka,
        snapshot(topic=topics.TICKET_MASKED, status="received"),
        snapshot(version=2, topic=topics.TICKET_MASKED, status="dispatched", redacted_version=2),
        snapshot("210100-b", 3, topic=topics.TICKET_MASKED, status="received", redacted_version=2),
        snapshot("210100-b", 4, topic=topics.TICKET_MASKED, status="dispatched", redacted_version=2),
    )
    await asyncio.to_thread(refused, kafka, old, since)
    report = await replayed()
    assert [held["why"] for held in report["held"]] == ["words of its ticket were erased since then"]  # type: ignore[attr-defined] # JSON
    assert map_.ids == ["map:210100-b:3"]


async def test_only_what_its_filter_wants_goes_to_it(
    kafka: KafkaConnection, map_: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscriber of first versions gets them although there are newer ones."""
    monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__FILTER__FIRST_VERSION_ONLY", "true")
    first = snapshot(topic=topics.TICKET_MASKED)
    second = snapshot(version=2, topic=topics.TICKET_MASKED)
    first, second = await asyncio.to_thread(published, kafka, first, second)
    await asyncio.to_thread(refused, kafka, first, second)
    report = await replayed()
    assert [held["why"] for held in report["held"]] == ["the subscriber's filter excludes it"]  # type: ignore[attr-defined] # JSON
    assert map_.ids == ["map:210100-a:1"]


async def test_a_ticket_that_was_restricted_since_is_not_told_to_who_may_not_read_such(
    kafka: KafkaConnection, map_: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its older snapshot passes the filter, and a report or a minor stands in it all the same."""
    monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__FILTER__CONFIDENTIALITY", '["internal", "confidential"]')
    old = snapshot(topic=topics.TICKET_MASKED, confidentiality="internal")
    restricted = snapshot(version=2, topic=topics.TICKET_MASKED, confidentiality="restricted")
    back = [
        snapshot("210100-b", version, topic=topics.TICKET_MASKED, confidentiality=level)
        for version, level in ((1, "internal"), (2, "restricted"), (3, "confidential"))
    ]
    old, _, first, _, last = await asyncio.to_thread(published, kafka, old, restricted, *back)
    await asyncio.to_thread(refused, kafka, old, first, last)
    report = await replayed()
    assert sorted(held["why"] for held in report["held"]) == [  # type: ignore[attr-defined] # JSON
        "a newer snapshot of its ticket replaces it",
        "its ticket is one now that the subscriber may not read",
    ]
    assert map_.ids == ["map:210100-b:3"]


async def test_that_a_ticket_may_be_read_no_more_is_told_again_to_who_did_not_take_it(
    kafka: KafkaConnection, map_: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__FILTER__CONFIDENTIALITY", '["internal"]')
    hidden = snapshot(
        version=2, topic=topics.TICKET_MASKED, confidentiality="restricted", confidentiality_version=2, text="秘密"
    )
    (hidden,) = await asyncio.to_thread(published, kafka, hidden)
    ticket = decode(hidden.value, Ticket)
    notice = hidden._replace(value=encode(withheld(replace(ticket, redacted_version=2))))
    await asyncio.to_thread(refused, kafka, notice)
    report = await replayed()
    assert report["held"] == []
    assert [decode(one.body, Ticket).text for one in map_.got] == [""]


async def test_a_subscriber_of_masked_tickets_never_gets_one_in_clear(kafka: KafkaConnection, map_: Receiver) -> None:
    """Its letters are older than its settings: it was trusted with personal data then."""
    clear = snapshot(topic=topics.TICKET)
    (clear,) = await asyncio.to_thread(published, kafka, clear)
    await asyncio.to_thread(refused, kafka, clear)
    report = await replayed(1)
    assert "no such subscriber, or it now gets other snapshots" in report["held"][0]["why"]  # type: ignore[index] # JSON
    assert map_.got == []

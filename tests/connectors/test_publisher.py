"""A message is published when the broker holds it, by the claim check when it is large, and never lost silently."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import obstore
import pytest
from kafka import KafkaProducer
from msgspec.structs import replace
from obstore.store import LocalStore, S3Store

from broker.config import KafkaConnection
from broker.sync_producer import SETTINGS, Producer
from broker.sync_producer import _end as ended
from connectors.publish.publisher import Publisher
from hotline.dev.stack.stack import Stack
from schemas import ids, topics
from schemas.codec import Position
from schemas.envelope import Envelope
from schemas.errors import MalformedError, UnreachableError
from schemas.records import DeadLetter, RawMessage
from schemas.records.raw import BEGINNING, INLINE_LIMIT, SIZE_LIMIT
from tests.connectors.looking import seldom
from tests.connectors.reader import Reader
from tests.frozen import frozen

pytestmark = pytest.mark.integration

Make = Callable[..., RawMessage]
RAW = topics.raw("sms")
DELIVERY, GRACE = 2.0, 0.2


def headers(record: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


@pytest.fixture
def nowhere() -> Iterator[KafkaConnection]:
    """A broker that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and not listened at; nobody else can take it meanwhile
        yield KafkaConnection(bootstrap_servers=f"127.0.0.1:{free.getsockname()[1]}")


def test_bytes_come_back_as_they_went(publisher: Publisher, raw: Make, reader: Reader, account: str) -> None:
    value = bytes(range(256)) * 4
    publisher.publish([raw(value)])
    (record,) = reader.read(RAW, account)
    assert record.value == value
    assert record.key == f"{account}\n13800000000".encode()
    envelope = Envelope.of(record.headers)
    assert replace(envelope, traceparent=None, hop=None) == raw(value).envelope
    assert envelope.traceparent == envelope.hop == ids.traceparent(envelope.source, "1")


def test_turns_of_a_conversation_stay_in_order(publisher: Publisher, raw: Make, reader: Reader, account: str) -> None:
    publisher.publish(raw(b"%d" % n, str(n)) for n in range(500))
    assert [record.value for record in reader.read(RAW, account)] == [b"%d" % n for n in range(500)]


def test_large_bytes_go_to_the_blob_store_first(
    publisher: Publisher, raw: Make, reader: Reader, account: str, blobs: LocalStore
) -> None:
    message = raw(b"x" * (INLINE_LIMIT + 1))
    publisher.publish([message, raw(b"y" * INLINE_LIMIT, "2")])
    claimed, inline = reader.read(RAW, account)
    path = headers(claimed)["ce_dataref"]
    assert claimed.value == b""
    assert path == f"430100/{message.message_id}/{message.envelope.sha256}"
    assert bytes(obstore.get(blobs, path).bytes()) == message.value
    assert inline.value == b"y" * INLINE_LIMIT


def test_bytes_over_the_limit_become_a_dead_letter(
    publisher: Publisher, raw: Make, reader: Reader, account: str
) -> None:
    publisher.publish([raw(bytes(SIZE_LIMIT + 1)), raw(b"next", "2")])
    (dead,) = reader.read(topics.DEAD, account)
    assert dead.value == b""
    assert headers(dead)["hotline.error.code"] == "too_large"
    assert headers(dead)["__connect.errors.stage"] == "connector"
    assert headers(dead)["__connect.errors.topic"] == RAW
    assert headers(dead)["ce_id"] == "1"
    assert [record.value for record in reader.read(RAW, account)] == [b"next"]


def test_a_sender_without_end_becomes_a_dead_letter_that_keeps_the_bytes(
    publisher: Publisher, raw: Make, reader: Reader, account: str
) -> None:
    publisher.publish([raw(b"bytes", sender="x" * 2_000_000)])
    (dead,) = reader.read(topics.DEAD, account)
    assert dead.value == b"bytes"
    assert headers(dead)["hotline.error.code"] == "too_large"


def test_dead_letters_travel_with_the_batch(publisher: Publisher, raw: Make, reader: Reader, account: str) -> None:
    record = raw(b"half a mail").outbound()
    letter = DeadLetter.of(
        MalformedError("cannot be fetched"),
        stage="connector",
        position=Position(RAW, -1, -1),
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
    publisher.publish([raw(b"good", "2")], [letter])
    (dead,) = reader.read(topics.DEAD, account)
    assert dead.value == b"half a mail"
    assert len(reader.read(RAW, account)) == 1


def test_a_broker_that_is_away_is_an_error_and_not_a_wait_for_ever(
    nowhere: KafkaConnection, raw: Make, blobs: LocalStore
) -> None:
    publisher = Publisher(nowhere, blobs)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="Kafka"):
        publisher.publish(raw(b"x", str(number)) for number in range(20))
    publisher.close()
    assert time.monotonic() - began < 50  # twenty that wait one after the other would need twice as long


def test_a_broker_that_stalls_confirms_nothing(
    kafka: KafkaConnection, local_stack: Stack, raw: Make, blobs: LocalStore, reader: Reader, account: str
) -> None:
    producer = Producer(kafka, delivery_seconds=2)
    publisher = Publisher(kafka, blobs, producer)
    until_published(publisher, raw(b"before", "1"))
    with frozen(local_stack.pid("kafka")), seldom(producer):
        for _ in range(2):
            with pytest.raises(UnreachableError):
                publisher.publish([raw(b"during", "2")])
    until_published(publisher, raw(b"during", "2"))  # the same producer goes on
    publisher.close()
    assert {record.value for record in reader.read(RAW, account)} == {b"before", b"during"}


def test_a_blob_store_that_fails_leaves_nothing_published(
    kafka: KafkaConnection, raw: Make, tmp_path: Any, reader: Reader, account: str
) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "430100").write_text("a file where a folder is needed")
    publisher = Publisher(kafka, LocalStore(tmp_path / "blobs"))
    with pytest.raises(UnreachableError, match="blob store"):
        publisher.publish([raw(b"small"), raw(bytes(INLINE_LIMIT + 1), "2")])
    publisher.close()
    (told,) = reader.read(RAW, account, beginnings=True)  # how the large one begins, for screen alone
    assert ("ce_type", BEGINNING.encode()) in told.headers


async def test_a_push_channel_waits_for_the_broker(
    publisher: Publisher, raw: Make, reader: Reader, account: str
) -> None:
    await asyncio.gather(*(publisher.publish_async([raw(b"%d" % n, str(n))], 10) for n in range(50)))
    assert len(reader.read(RAW, account)) == 50


async def test_a_large_message_waits_for_no_thread_of_others(
    publisher: Publisher, raw: Make, reader: Reader, account: str, busy_threads: None
) -> None:
    await publisher.publish_async([raw(bytes(INLINE_LIMIT + 1))], 60)
    assert len(reader.read(RAW, account)) == 1


async def test_a_push_channel_gives_up_in_time(nowhere: KafkaConnection, raw: Make, blobs: LocalStore) -> None:
    publisher = Publisher(nowhere, blobs)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="confirm"):
        await publisher.publish_async([raw(b"x")], 0.5)
    assert time.monotonic() - began < SETTINGS["bootstrap_timeout_ms"] / 1000
    await asyncio.to_thread(publisher.close)


async def test_a_blob_store_that_hangs_is_not_taken_for_kafka(nowhere: KafkaConnection, raw: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = S3Store(
            "blobs",
            endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}",
            access_key_id="x",
            secret_access_key="x",
            client_options={"allow_http": True, "timeout": "2s"},
            retry_config={"max_retries": 0},
        )
        publisher = Publisher(nowhere, store)
        with pytest.raises(UnreachableError, match="the blob store did not accept"):
            await publisher.publish_async([raw(bytes(INLINE_LIMIT + 1))], 0.5)
    await asyncio.to_thread(publisher.close)


@pytest.fixture
def hanging(
    kafka: KafkaConnection, raw: Make, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Publisher, Producer]]:
    """A publisher that brought `before` to Kafka, and whose client hangs since: it neither delivers nor gives up."""
    monkeypatch.setattr("broker.sync_producer.GRACE_SECONDS", GRACE)
    producer = Producer(kafka, delivery_seconds=DELIVERY)
    publisher = Publisher(kafka, blobs, producer)
    until_published(publisher, raw(b"before"))
    producer._theirs._sender.run_once = lambda: time.sleep(0.05)
    yield publisher, producer
    publisher.close()


def test_a_batch_that_arrives_at_the_end_keeps_nobody_waiting(kafka: KafkaConnection, account: str) -> None:
    """kafka-python lets go of a batch a moment after it tells of it; who fails the rest meanwhile stumbles over it."""
    theirs = KafkaProducer(**kafka.client_options(), linger_ms=60_000)
    arrived, left = (theirs.send(RAW, account.encode(), partition=number) for number in (0, 1))
    accumulator = theirs._accumulator
    batches = accumulator._incomplete.all()
    settled = next(batch for batch in batches if batch.topic_partition.partition == 0)

    def at_this_moment() -> list[Any]:
        accumulator._incomplete.all = lambda: accumulator.deallocate(settled) or [batches[1]]
        settled.complete(1, -1)
        return [settled, *(batch for batch in batches if batch is not settled)]

    batches.sort(key=lambda batch: batch is not settled)
    accumulator._incomplete.all = at_this_moment
    theirs.flush = lambda _: None  # it gave up waiting
    ended(theirs, 0.01)
    assert arrived.succeeded()
    assert left.is_done
    assert not left.succeeded()


def test_a_client_that_hangs_for_good_is_replaced(
    hanging: tuple[Publisher, Producer], raw: Make, reader: Reader, account: str
) -> None:
    publisher, producer = hanging
    hung = producer._theirs
    with pytest.raises(UnreachableError, match="confirmed nothing"):
        publisher.publish([raw(b"after", "2")])
    until_published(publisher, raw(b"after", "2"))
    assert producer._theirs is not hung
    assert {record.value for record in reader.read(RAW, account)} == {b"before", b"after"}


async def test_a_client_that_hangs_for_good_is_replaced_for_those_who_do_not_wait_as_long(
    hanging: tuple[Publisher, Producer], raw: Make, reader: Reader, account: str
) -> None:
    publisher, producer = hanging
    hung, began, tries = producer._theirs, time.monotonic(), 0
    while producer._theirs is hung:
        with pytest.raises(UnreachableError, match="confirm"):
            await publisher.publish_async([raw(b"after", "2")], 0.5)
        tries += 1
        assert tries < 100, "the client that hangs is never replaced"
    assert time.monotonic() - began > DELIVERY + GRACE, "a client has its time"
    await asyncio.to_thread(until_published, publisher, raw(b"after", "2"))
    found = await asyncio.to_thread(reader.read, RAW, account)
    assert {record.value for record in found} == {b"before", b"after"}


def test_a_client_that_hangs_for_good_is_replaced_when_too_much_waits(
    hanging: tuple[Publisher, Producer], raw: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, producer = hanging
    hung, waiting = producer._theirs, producer.deliver([raw(b"after", "2").outbound()])
    monkeypatch.setattr("connectors.publish.publisher.WAITING_LIMIT", 0)
    deadline = time.monotonic() + 60
    while producer._theirs is hung:
        assert time.monotonic() < deadline, "the client that hangs is never replaced"
        with pytest.raises(UnreachableError, match="too many messages wait"):
            asyncio.run(publisher.publish_async([raw(b"more", "3")], 0.5))
    with pytest.raises(UnreachableError):
        waiting.result(60)  # given up by the client that was let go


def until_published(publisher: Publisher, message: RawMessage) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            return publisher.publish([message])
        except UnreachableError:
            assert time.monotonic() < deadline


async def test_what_waits_for_a_stalled_broker_is_bounded(
    kafka: KafkaConnection, local_stack: Stack, raw: Make, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.publish.publisher.WAITING_LIMIT", 8 * INLINE_LIMIT)
    publisher = Publisher(kafka, blobs, Producer(kafka, delivery_seconds=10))
    await asyncio.to_thread(until_published, publisher, raw(b"before"))
    large = msgspec.structs.replace(raw(b""), value=bytes(INLINE_LIMIT))
    with frozen(local_stack.pid("kafka")):
        attempts = [publisher.publish_async([large], 1.0) for _ in range(8 + 8)]
        errors = await asyncio.gather(*attempts, return_exceptions=True)
    assert all(isinstance(error, UnreachableError) for error in errors)
    assert sum("too many messages wait" in str(error) for error in errors) == 8
    deadline = time.monotonic() + 90
    while True:  # until the old ones have arrived, or are given up: there is room again
        try:
            await publisher.publish_async([raw(b"after", "2")], 10)
            break
        except UnreachableError:
            assert time.monotonic() < deadline
    await asyncio.to_thread(publisher.close)

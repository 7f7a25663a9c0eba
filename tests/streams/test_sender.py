"""Batches: what fits, where it goes, and what a fault means."""

import asyncio

import pytest
from aiokafka import errors as kafka
from aiokafka.producer.message_accumulator import BatchBuilder
from kafka.partitioner import murmur2 as theirs

from broker.aio_producer import Sender, _fill, translated
from schemas import ids
from schemas.codec import Outbound
from schemas.errors import (
    FatalError,
    MisconfiguredError,
    PipelineError,
    RetriableError,
    TooLargeError,
    UnauthorizedError,
)
from tests.rows import each_row

ALL = [e for e in vars(kafka).values() if isinstance(e, type) and issubclass(e, Exception)]


@each_row("error", [*ALL, OSError, TimeoutError], ids=lambda e: e.__name__)
def test_every_fault_of_the_client_becomes_ours(error: type[Exception]) -> None:
    ours = translated(error())
    assert isinstance(ours, PipelineError | kafka.ProducerFenced)
    if getattr(error, "retriable", False):
        assert isinstance(ours, RetriableError)


def test_what_to_do_follows_from_the_family() -> None:
    assert isinstance(translated(kafka.KafkaTimeoutError()), RetriableError)
    assert isinstance(translated(kafka.TopicAuthorizationFailedError()), UnauthorizedError)
    assert isinstance(translated(kafka.MessageSizeTooLargeError()), TooLargeError)
    assert isinstance(translated(kafka.UnsupportedVersionError()), FatalError)


@pytest.mark.parametrize("error", [kafka.OutOfOrderSequenceNumber, kafka.UnknownProducerId])
def test_an_owner_whose_log_lost_its_end_goes_on_anew_and_ends_no_worker(error: type[Exception]) -> None:
    assert isinstance(translated(error()), RetriableError)


def test_a_batch_takes_what_fits_and_always_the_first() -> None:
    records = [Outbound("t", b"k", b"x" * 400, [("h", b"v")]) for _ in range(5)]
    assert _fill(BatchBuilder(1000, 0), records) == 2
    assert _fill(BatchBuilder(100, 0), records) == 1


class FakeBatches:
    """The part of a producer that a Sender uses, with batches of two records; one batch may fail."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.sent: list[tuple[str, int, list[bytes]]] = []
        self.fails_at = fails_at

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(5))

    def create_batch(self) -> "FakeBatch":
        return FakeBatch()

    async def send_batch(self, batch: "FakeBatch", topic: str, *, partition: int) -> asyncio.Future:
        future = asyncio.get_running_loop().create_future()
        if self.fails_at == len(self.sent):
            self.fails_at = None
            future.set_exception(kafka.NotEnoughReplicasError())
        else:
            self.sent.append((topic, partition, batch.values))
            future.set_result(kafka_metadata(len(self.sent)))
        return future


class FakeBatch:
    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, timestamp, key, value, headers):
        if len(self.values) == 2:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        pass


class kafka_metadata:  # noqa: N801 - stands for aiokafka's RecordMetadata
    def __init__(self, offset: int) -> None:
        self.offset = offset


async def test_a_city_has_one_partition_and_a_key_kafkas_own() -> None:
    producer = FakeBatches()
    await Sender(producer, 8).send([Outbound("a", b"k", b"1", [], "210100"), Outbound("b", b"key-7", b"2", [])])
    assert ("a", ids.partition_of("210100", 8), [b"1"]) in producer.sent
    assert ("b", (theirs(b"key-7") & 0x7FFFFFFF) % 5, [b"2"]) in producer.sent


async def test_a_topic_with_too_few_partitions_is_told_with_the_setting_and_nothing_is_sent() -> None:
    producer = FakeBatches()
    city = next(city for city in ("210100", "210200", "310000", "440300") if ids.partition_of(city, 64) >= 5)
    records = [Outbound("b", b"key-7", b"2", []), Outbound("a", b"k", b"1", [], city)]
    with pytest.raises(MisconfiguredError, match="a has 5 partitions, and cities are spread over 64"):
        await Sender(producer, 64).send(records)
    assert producer.sent == []


async def test_nothing_overtakes_a_batch_that_failed() -> None:
    producer = FakeBatches(fails_at=1)
    records = [Outbound("a", b"k", b"%d" % number, [], "210100") for number in range(6)]
    with pytest.raises(RetriableError):
        await Sender(producer, 8).send(records)
    assert [values for _, _, values in producer.sent] == [[b"0", b"1"]]


class FakeForgetful(FakeBatches):
    """A client whose task has ended without a word: what it is given never comes to an end."""

    async def send_batch(self, batch: "FakeBatch", topic: str, *, partition: int) -> asyncio.Future:
        return asyncio.get_running_loop().create_future()


async def test_a_client_that_neither_delivers_nor_gives_up_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.aio_producer.STUCK_SECONDS", 0.05)
    with pytest.raises(FatalError, match="neither delivers nor fails"):
        await asyncio.wait_for(Sender(FakeForgetful(), 8).send([Outbound("a", b"k", b"1", [], "210100")]), 60)

"""Slim records say what aiokafka's own would have said, and aborted and control batches stay left out."""

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchError, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from streams.engine.fetched_record import Buffer, Fetched, buffer_slim

TP = TopicPartition("t", 3)
FIELDS = ("topic", "partition", "offset", "timestamp", "key", "value")


def batch(first: int, *values: bytes | None, producer: int = -1) -> bytes:
    """Return one batch as Kafka stores it, of a transaction when it has a producer."""
    built = DefaultRecordBatchBuilder(2, 0, int(producer >= 0), producer, 0, 0, 1 << 20)
    for offset, value in enumerate(values):
        assert built.append(offset, 1000 + offset, b"key", value, [("ce_id", b"\xff"), ("empty", None)]) is not None
    data = bytearray(built.build())
    data[0:8] = first.to_bytes(8, "big")  # the broker writes the offset; no checksum covers it
    return bytes(data)


def fetched(data: bytes, aborted: list[tuple[int, int]] | None = None) -> PartitionRecords:
    return PartitionRecords(TP, MemoryRecords(data), aborted, 0, None, None, True, READ_COMMITTED)


def in_buffer(records: PartitionRecords) -> list[Fetched]:
    buffer = Buffer()
    buffer[TP] = FetchResult(TP, assignment=None, partition_records=records, backoff=0)
    return list(buffer[TP]._partition_records)


def test_a_slim_record_holds_what_aiokafka_makes_of_the_same_bytes() -> None:
    data = batch(0, b"one", None, b"") + batch(7, b"two")
    slim, theirs = in_buffer(fetched(data)), list(fetched(data))
    assert [type(one) for one in slim] == [Fetched] * 4
    for name in FIELDS:
        assert [getattr(one, name) for one in slim] == [getattr(one, name) for one in theirs]
    assert [tuple(one.headers) for one in slim] == [one.headers for one in theirs]


def test_an_aborted_transaction_is_left_out() -> None:
    data = batch(0, b"kept", producer=1) + batch(1, b"aborted", producer=2) + batch(2, b"kept, too", producer=1)
    assert [one.value for one in in_buffer(fetched(data, [(2, 1)]))] == [b"kept", b"kept, too"]


def test_an_error_passes_through() -> None:
    buffer = Buffer()
    buffer[TP] = error = FetchError(error=ValueError("said"), backoff=0)
    assert buffer[TP] is error
    with pytest.raises(ValueError, match="said"):
        buffer[TP].check_raise()


def test_what_was_fetched_before_stays() -> None:
    class Fetcher:
        def __init__(self) -> None:
            self._records = Buffer({TP: "before"})

    fetcher = Fetcher()
    before = fetcher._records
    buffer_slim(fetcher)
    assert fetcher._records is before

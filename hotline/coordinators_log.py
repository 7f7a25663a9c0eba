"""Reads records of `__transaction_state`, in which Kafka's coordinators keep what becomes of each transaction."""

from collections.abc import Iterator
from datetime import UTC, datetime
from struct import Struct as Packed

from kafka import TopicPartition
from msgspec import Struct

_STATES = (
    "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence"
)  # fmt: skip

_SHORT, _INT, _LONG = Packed(">h"), Packed(">i"), Packed(">q")
_HEAD = Packed(">hqhib")


class Entry(Struct, frozen=True, kw_only=True):
    """What a transaction came to; `places` are those that were to be marked."""

    producer_id: int
    producer_epoch: int
    state: str
    places: frozenset[TopicPartition]
    at: datetime
    started_at: datetime


def partition_of(transactional_id: str, partitions: int) -> int:
    """Return where the log of a transactional id is: Java's hash of it says so."""
    value = 0
    for unit in transactional_id.encode("utf-16-be")[1::2]:  # ours are ASCII
        value = (31 * value + unit) & 0xFFFFFFFF
    return (value & 0x7FFFFFFF) % partitions


def entries(key: bytes | None, value: bytes | None, transactional_id: str) -> Iterator[Entry]:
    """Yield the entry of a record if it is one of this transactional id; none for a version that we do not know."""
    if key is None or value is None or key[:2] != b"\0\0" or key[4:] != transactional_id.encode():
        return
    version, producer_id, epoch, _, state = _HEAD.unpack_from(value)
    if version not in (0, 1) or state >= len(_STATES):
        return
    reading = _Reading(value, _HEAD.size, compact=version == 1)
    places = frozenset(reading.places())
    at, started_at = reading.moment(), reading.moment()
    yield Entry(
        producer_id=producer_id,
        producer_epoch=epoch,
        state=_STATES[state],
        places=places,
        at=at,
        started_at=started_at,
    )


class _Reading:
    """Goes through a value; Kafka's later format has compact lengths, and room for fields that nobody knows yet."""

    def __init__(self, value: bytes, at: int, *, compact: bool) -> None:
        self._value = value
        self._at = at
        self._compact = compact

    def places(self) -> Iterator[TopicPartition]:
        for _ in range(self._length(_INT)):
            length = self._length(_SHORT)
            topic = self._value[self._at : self._at + length].decode()
            self._at += length
            for _ in range(self._length(_INT)):
                yield TopicPartition(topic, self._number(_INT))
            if self._compact:
                self._skip_tags()

    def moment(self) -> datetime:
        return datetime.fromtimestamp(max(self._number(_LONG), 0) / 1000, UTC)

    def _number(self, packed: Packed) -> int:
        (number,) = packed.unpack_from(self._value, self._at)
        self._at += packed.size
        return int(number)

    def _length(self, packed: Packed) -> int:
        """Return how many follow; nothing is none."""
        return max(self._varint() - 1 if self._compact else self._number(packed), 0)

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._value[self._at]
            self._at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def _skip_tags(self) -> None:
        for _ in range(self._varint()):
            self._varint()
            self._at += self._varint()

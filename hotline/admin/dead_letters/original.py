"""The record of a dead letter before it failed: key, value and headers byte for byte, and its stage."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from broker import kafka_reader
from broker.config import KafkaConnection
from hotline.admin.dead_letters.query import Letter, letter_of, message_id_of
from schemas import ids
from schemas.codec import Position
from schemas.envelope import Headers
from schemas.errors import MalformedError, MisconfiguredError, MissingBlobError
from schemas.records.dead_letter import MOVED, OURS, REPLAY_LIMIT, REPLAYS
from schemas.topics import BACKFILL, COMMAND, EVENT, FLOOD, LIVE_RAW, MESSAGE
from sinks import SINKS, Document
from sinks.webhook import SubscriberSettings
from storage.paths import folder
from streams.blobs import Blobs

_RAW = frozenset((*LIVE_RAW, BACKFILL, FLOOD))
SINK = "sink"
SUBSCRIBER = "sink:webhook."

Inputs = Mapping[str, frozenset[str]]

INPUTS: Inputs = MappingProxyType(
    {
        "normalize": _RAW,
        "screen": frozenset((*LIVE_RAW, BACKFILL)),
        "commands": frozenset((COMMAND,)),
        "assign": frozenset((MESSAGE,)),
        SINK: frozenset((EVENT, *(route.topic for routes in SINKS.values() for route in routes.values()))),
    }
)
"""Inputs of each stage that do not depend on the settings."""


def inputs_of(subscribers: Mapping[str, SubscriberSettings]) -> Inputs:
    """Return the inputs of each stage; a subscriber reads either masked tickets or those in clear."""
    return {
        **INPUTS,
        **{f"{SUBSCRIBER}{name}": frozenset((one.topic,)) for name, one in subscribers.items()},
    }


def is_of_a_sink(stage: str) -> bool:
    """Return whether a stage's letters go to a service; those of others go back into a topic."""
    return stage == SINK or stage.startswith(SUBSCRIBER)


class Original(NamedTuple):
    """A record as its stage read it; `replays` is how often it will have been put back."""

    letter: Letter
    position: Position
    key: bytes
    value: bytes
    headers: Headers
    replays: int

    def again(self) -> Headers:
        """Return the headers with the count behind them: a stage that fails again writes it into its letter."""
        return [*self.headers, (REPLAYS, str(self.replays).encode())]

    @property
    def document(self) -> Document:
        """Return it as a sink takes it."""
        return Document(self.position, self.key, self.value, self.headers)

    @property
    def folder(self) -> str | None:
        """Return the folder of its message's blobs, or of the eraser's mark; None for other records."""
        told = {name: value.decode(errors="replace") for name, value in self.headers if value is not None}
        city, name = told.get("ce_jurisdiction"), message_id_of(told)
        return folder(city, name) if city and name else None

    def partition(self, partitions: int) -> int:
        """Return its partition: a city's records go to the city's partition, others to their former one."""
        city = dict(self.headers).get("ce_jurisdiction")  # the letter may have had no room for it
        if self.position.topic != MESSAGE or not city:
            return self.position.partition
        return ids.partition_of(city.decode(errors="replace"), partitions)


def place_of(letter: Letter) -> Position:
    """Return the record's former position. Raises MalformedError if the letter does not have it."""
    topic, _, rest = letter.came_from.partition(":")
    partition, _, offset = rest.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise MalformedError("it was never a record in Kafka: send it again from its source")
    return Position(topic, int(partition), int(offset))


class Obstacle(NamedTuple):
    """Why a letter cannot be replayed; `settled` if nothing is left to do about it."""

    why: str
    settled: bool = False


_LIMIT = Obstacle(f"replayed {REPLAY_LIMIT} times and failed again: inspect it with `hotline dead show`")
_BEFORE = Obstacle(
    "replayed before: if it failed again, its new dead letter has the higher count (--again replays it again)", True
)
_NO_STAGE = Obstacle("no stage of this version accepts it")
_NO_SUBSCRIBER = Obstacle("the settings have no such subscriber, or it now gets other snapshots (masked or clear)")


def obstacle(letter: Letter, inputs: Inputs = INPUTS, *, again: bool = False) -> Obstacle | None:
    """Return why a letter cannot be replayed, or None; no blob store is asked."""
    if letter.replays >= REPLAY_LIMIT:
        return _LIMIT
    if letter.replayed and not again:
        return _BEFORE
    if letter.replays + letter.replayed >= REPLAY_LIMIT:
        return _LIMIT
    try:
        place = place_of(letter)
    except MalformedError as error:
        return Obstacle(str(error))
    if place.topic in inputs.get(letter.stage, ()):
        return None
    return _NO_SUBSCRIBER if letter.stage.startswith(SUBSCRIBER) else _NO_STAGE


async def original_of(record: Any, replayed: int, blobs: Blobs, connection: KafkaConnection) -> Original:
    """Return the record of a dead letter.

    Raises MissingBlobError while its bytes are missing, MalformedError if the stored ones differ.
    """
    letter = letter_of(record)
    headers = [header for header in record.headers if not header[0].startswith(OURS)]
    value: bytes = record.value or b""
    if not (record.key or value or headers):
        return _where_it_stands(letter, replayed, connection)
    if any(name == MOVED for name, _ in record.headers):
        reference = max(index for index, (name, _) in enumerate(headers) if name == "ce_dataref")
        value = await _moved(headers.pop(reference)[1].decode(), blobs)
    elif not value:
        value = await _empty(letter, record.key or b"", dict(headers).get("ce_dataref"), blobs, connection)
    return Original(letter, place_of(letter), record.key or b"", value, headers, letter.replays + replayed + 1)


def _where_it_stands(letter: Letter, replayed: int, connection: KafkaConnection) -> Original:
    """Return the record of a letter that had room for nothing of it."""
    place = place_of(letter)
    found = kafka_reader.read_one(connection, place)
    if found is None:
        raise MissingBlobError(f"{place.topic} no longer has it: send it again from its source")
    headers = [header for header in found.headers if header[0] != REPLAYS]
    return Original(letter, place, found.key or b"", found.value or b"", headers, letter.replays + replayed + 1)


async def bytes_shown(record: Any, letter: Letter, blobs: Blobs) -> bytes:
    """Return the bytes that a person may read. Raises MisconfiguredError for those of an erased message.

    Kafka keeps them until their retention; until then they are not used.
    """
    place = folder(letter.jurisdiction, letter.message_id) if letter.jurisdiction and letter.message_id else None
    if place is not None and await blobs.erased({place}):
        raise MisconfiguredError(
            f"The message of dead letter {letter.id} was erased or redacted: its bytes are not shown."
        )
    return await bytes_of(record, blobs)


async def bytes_of(record: Any, blobs: Blobs) -> bytes:
    """Return the bytes of a letter, from the blob store if they had to go there."""
    reference = dict(record.headers).get("ce_dataref")
    if record.value or reference is None:
        return record.value or b""
    return await blobs.fetch(reference.decode())


async def _moved(path: str, blobs: Blobs) -> bytes:
    value = await blobs.fetch(path)
    if hashlib.sha256(value).hexdigest() != path.rpartition("/")[2]:
        raise MalformedError("the stored bytes differ from those that failed")
    return value


async def _empty(
    letter: Letter, key: bytes, reference: bytes | None, blobs: Blobs, connection: KafkaConnection
) -> bytes:
    """Return the value of a letter without one: it had none, or the letter had no room for it."""
    if reference is not None:
        await blobs.fetch(reference.decode())  # the stage will do so again: without the blob it would fail again
    elif letter.stage == "assign" or is_of_a_sink(letter.stage):
        place = place_of(letter)
        record = kafka_reader.read_one(connection, place)
        if record is None or (record.key or b"") != key:  # another record stands there in a topic that was made anew
            raise MissingBlobError(f"{place.topic} no longer has it: replay the record that it was made from")
        return record.value or b""
    return b""

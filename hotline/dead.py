"""Dead letters as a person reads them: where they failed and why; what a citizen wrote only when asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from hotline import reading
from schemas import ids, topics
from schemas.connection import KafkaConnection
from schemas.errors import MisconfiguredError
from schemas.records.dead import PREFIX
from schemas.wire import Position

_SAFE = (
    "ce_type", "ce_source", "ce_channel", "ce_channelkind", "ce_account", "ce_jurisdiction", "ce_time",
    "ce_recordedtime", "ce_sha256", "ce_dataref", "content-type",
)  # fmt: skip
"""Headers that name no person; `ce_id` and `ce_sender` can."""


class Letter(Struct, frozen=True, kw_only=True):
    """One dead letter; `id` is its place in the topic, `partition:offset`."""

    id: str
    at: datetime
    stage: str
    code: str
    reason: str
    channel: str | None
    message_id: str | None
    came_from: str
    retryable: bool
    replays: int
    bytes: int
    headers: dict[str, str] = field(default_factory=dict)


class Filters(Struct, frozen=True, kw_only=True):
    """What narrows a list of dead letters."""

    code: str | None = None
    stage: str | None = None
    channel: str | None = None

    def let_through(self, letter: Letter) -> bool:
        """Say whether a letter is asked for."""
        asked = ((self.code, letter.code), (self.stage, letter.stage), (self.channel, letter.channel))
        return all(wanted in (None, found) for wanted, found in asked)


def letters(connection: KafkaConnection, filters: Filters) -> Iterator[Letter]:
    """Yield the dead letters that the filters let through, oldest first in each partition."""
    for record in reading.read_all(connection, topics.DEAD):
        letter = letter_of(record)
        if filters.let_through(letter):
            yield letter


def find(connection: KafkaConnection, identifier: str) -> Any:
    """Return the Kafka record of a dead letter. Raises MisconfiguredError when there is none."""
    partition, _, offset = identifier.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise MisconfiguredError(f"{identifier!r} is no dead letter's id: it looks like 3:42, see `hotline dead list`.")
    record = reading.read_one(connection, Position(topics.DEAD, int(partition), int(offset)))
    if record is None:
        raise MisconfiguredError(f"There is no dead letter {identifier}: see `hotline dead list`.")
    return record


def letter_of(record: Any, *, clear: bool = False) -> Letter:
    """Return a Kafka record of the dead-letter topic as a letter; `clear` keeps the headers that name persons."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
    return Letter(
        id=f"{record.partition}:{record.offset}",
        at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        stage=headers.get(f"{PREFIX}stage", "unknown"),
        code=headers.get("hotline.error.code", "unknown"),
        reason=headers.get(f"{PREFIX}exception.message", ""),
        channel=headers.get("ce_channel"),
        message_id=_message_id(headers),
        came_from=":".join(headers.get(f"{PREFIX}{part}", "?") for part in ("topic", "partition", "offset")),
        retryable=headers.get("hotline.error.retryable") == "true",
        replays=_number(headers.get("hotline.error.replay.count")),
        bytes=len(record.value or b""),
        headers={name: value for name, value in headers.items() if clear or name in _SAFE},
    )


def _message_id(headers: dict[str, str]) -> str | None:
    source, identifier = headers.get("ce_source"), headers.get("ce_id")
    return ids.message_id(source, identifier) if source and identifier else None


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0

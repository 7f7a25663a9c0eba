"""Dead letters for a person: stage and reason; a citizen's words only on request."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from broker import kafka_reader
from broker.config import KafkaConnection
from schemas import ids, topics
from schemas.codec import Position
from schemas.envelope import type_of
from schemas.errors import MisconfiguredError
from schemas.records.dead_letter import PREFIX, REPLAYS

_SAFE = (
    "ce_type", "ce_source", "ce_channel", "ce_channelkind", "ce_account", "ce_jurisdiction", "ce_time",
    "ce_recordedtime", "ce_dataref", "content-type",
)  # fmt: skip
"""Headers that name no person; `ce_id` and `ce_sender` can, and by `ce_sha256` all telephones could be tried."""


_NO_MESSAGES = frozenset(map(type_of, ("command", "event", "link", "ticket")))


class Letter(Struct, frozen=True, kw_only=True):
    """One dead letter; `id` is its place in the topic, `partition:offset`.

    `replays` is how often the record had been put back when it failed, `replayed` how often this letter was since.
    """

    id: str
    at: datetime
    stage: str
    code: str
    reason: str
    channel: str | None
    account: str | None
    jurisdiction: str | None
    message_id: str | None
    came_from: str
    retryable: bool
    replays: int
    replayed: int = 0
    bytes: int
    headers: dict[str, str] = field(default_factory=dict)


class Filters(Struct, frozen=True, kw_only=True):
    """Filters of a list of dead letters; `since` inclusive, `until` exclusive, of the time of the letter."""

    code: str | None = None
    stage: str | None = None
    channel: str | None = None
    account: str | None = None
    jurisdiction: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    only: frozenset[str] = frozenset()

    def let_through(self, letter: Letter) -> bool:
        """Return whether a letter passes the filters."""
        names = ("code", "stage", "channel", "account", "jurisdiction")
        return (
            all(getattr(self, name) in (None, getattr(letter, name)) for name in names)
            and (self.since is None or self.since <= letter.at)
            and (self.until is None or letter.at < self.until)
            and (not self.only or letter.id in self.only)
        )


Replays = Mapping[tuple[str, str], int]
"""How often a letter was replayed, by id and `came_from`."""


def letters(connection: KafkaConnection, filters: Filters, replays: Replays = MappingProxyType({})) -> Iterator[Letter]:
    """Yield the dead letters that the filters let through, oldest first in each partition."""
    for record in records(connection, filters):
        letter = letter_of(record)
        yield replace(letter, replayed=replays.get((letter.id, letter.came_from), 0))


def records(connection: KafkaConnection, filters: Filters) -> Iterator[Any]:
    """Yield the Kafka records of these letters, with their bytes.

    A stage that lost Kafka in the middle of a chunk does it again, and writes its letters once more: each comes once.
    """
    seen: set[tuple[object, ...]] = set()
    for record in kafka_reader.read_all(connection, topics.DEAD, filters.since):
        letter = letter_of(record)
        name = letter.came_from, letter.stage, letter.message_id, letter.replays, hash(record.value)
        if filters.let_through(letter) and (name not in seen or "?" in letter.came_from):
            seen.add(name)
            yield record


def find(connection: KafkaConnection, identifier: str) -> Any:
    """Return the Kafka record of a dead letter. Raises MisconfiguredError when there is none."""
    partition, _, offset = identifier.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise MisconfiguredError(
            f"{identifier!r} is not the id of a dead letter, such as 3:42: use `hotline dead list`."
        )
    record = kafka_reader.read_one(connection, Position(topics.DEAD, int(partition), int(offset)))
    if record is None:
        raise MisconfiguredError(f"There is no dead letter {identifier}: use `hotline dead list`.")
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
        account=headers.get("ce_account"),
        jurisdiction=headers.get("ce_jurisdiction"),
        message_id=message_id_of(headers),
        came_from=":".join(headers.get(f"{PREFIX}{part}", "?") for part in ("topic", "partition", "offset")),
        retryable=headers.get("hotline.error.retryable") == "true",
        replays=_number(headers.get(REPLAYS)),
        bytes=len(record.value or b""),
        headers={name: value for name, value in headers.items() if clear or name in _SAFE},
    )


def message_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the message's id by which it can be erased; a record of the message itself has it, others are none."""
    source, identifier, kind = (headers.get(name) for name in ("ce_source", "ce_id", "ce_type"))
    if not source or not identifier or kind in _NO_MESSAGES:
        return None
    return identifier if kind == type_of("message") else ids.message_id(source, identifier)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0

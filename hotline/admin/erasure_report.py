"""Reach of an erasure: what is gone now, checked place by place, and when the rest leaves Kafka by itself."""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import obstore
from msgspec import Struct
from obstore.exceptions import BaseError as BlobError
from obstore.store import LocalStore, ObjectStore

from hotline.search.archive import Archive
from schemas import ids, topics
from schemas.errors import PipelineError, UnreachableError
from schemas.records import Event, event
from storage import blob_store
from storage.paths import ERASED, REDACTED, checkpoints, folder, raw_names
from tickets.search import SIGHTS

if TYPE_CHECKING:
    from hotline.config.settings import Settings


Change = event.Erased | event.Redacted | event.MessagesErased
State = Literal["gone", "waits", "unknown", "expires"]

PERSONAL: tuple[str, ...] = (
    *topics.LIVE_RAW,
    topics.BACKFILL,
    topics.FLOOD,
    topics.MESSAGE,
    topics.HANDOVER,
    topics.COMMAND,
    topics.OUTBOX,
    topics.CURSOR,
    topics.DEAD,
    topics.TICKET,
    topics.TICKET_MASKED,
    topics.TICKET_RESTRICTED,
)
"""Topics whose records hold citizens' words, masked ones included: undetected personal data are in them.

Cursors name recordings of calls that did not exist yet.
"""

_PAUSE_SECONDS = 0.3


class Place(Struct, frozen=True, kw_only=True):
    """One place: gone; `waits` for a component that works; `expires` at the latest `by`; `unknown` for a reason."""

    place: str
    state: State
    left: int = 0
    by: datetime | None = None
    reason: str | None = None


class Report(Struct, frozen=True, kw_only=True):
    """Result of one erasure, of a ticket or of messages without one; it names nobody."""

    ticket_id: str | None = None
    message_ids: tuple[str, ...] = ()
    action: Literal["erased", "redacted"]
    command_id: str | None
    author: str | None
    at: datetime
    messages: int
    places: tuple[Place, ...]


def change_of(decision: Event) -> Change | None:
    """Return what a decision erases, or None."""
    return next((one for one in decision.changes if isinstance(one, Change)), None)


def expiries(at: datetime) -> list[Place]:
    """Return when each topic has dropped the records from before `at`, by the settings in `schemas/topics.py`."""
    found: dict[str, datetime] = {}
    for name in PERSONAL:
        shown = "hotline.raw.*" if name.startswith("hotline.raw.") else name
        found[shown] = max(found.get(shown, at), at + bound(topics.TOPICS[name]))
    return [Place(place=name, state="expires", by=by) for name, by in found.items()]


def bound(topic: topics.Topic) -> timedelta:
    """Return how long after an erasure the topic may still hold earlier records.

    Kafka deletes whole segments, so a segment's age is added to the retention. It compacts a segment that is closed
    after the longest lag, and not before its last record has the shortest. The cleaner's own work adds minutes to
    either.
    """
    if topic.cleanup_policy == "compact":
        lags = (int(topic.extra[f"{name}.compaction.lag.ms"]) for name in ("max", "min"))
        return timedelta(milliseconds=sum(lags))
    return timedelta(milliseconds=(topic.retention_ms or 0) + int(topic.extra["segment.ms"]))


async def report(settings: "Settings", decision: Event, seconds: float) -> Report | None:
    """Look until nothing waits, at most for `seconds`; None for a decision that erases nothing."""
    from hotline.config import clients

    change = change_of(decision)
    if change is None:
        return None
    async with clients.elasticsearch(settings) as client:
        archive = Archive(client.options(request_timeout=15))
        places = await _settled(archive, clients.blobs(settings), decision, change, settings.kafka.partitions, seconds)
    return Report(
        ticket_id=None if isinstance(change, event.MessagesErased) else change.ticket_id,
        message_ids=_alone(change),
        action="redacted" if isinstance(change, event.Redacted) else "erased",
        command_id=decision.input.command_id,
        author=decision.author,
        at=decision.at,
        messages=len(change.messages),
        places=(*places, *expiries(decision.at)),
    )


async def _settled(
    archive: Archive, blobs: ObjectStore, decision: Event, change: Change, partitions: int, seconds: float
) -> Sequence[Place]:
    deadline = time.monotonic() + seconds
    while True:
        places = [
            *[
                await _looked("older versions of the ticket in the archive", _tickets(archive, decision, one))
                for one in _of_tickets(change)
            ],
            await _looked("its messages in the archive", _messages(archive, change)),
            await _looked(_stored(change), _blobs(blobs, decision, change)),
            await _looked("older checkpoints of assign", _checkpoints(blobs, decision, partitions)),
        ]
        if time.monotonic() > deadline or all(one.state != "waits" for one in places):
            return places
        await asyncio.sleep(_PAUSE_SECONDS)


def _alone(change: Change) -> tuple[str, ...]:
    return tuple(one.message_id for one in change.messages) if isinstance(change, event.MessagesErased) else ()


def _of_tickets(change: Change) -> list[event.Erased | event.Redacted]:
    return [] if isinstance(change, event.MessagesErased) else [change]


async def _looked(place: str, look: Awaitable[int]) -> Place:
    try:
        left = await look
    except PipelineError as error:  # the erasure is decided: that we cannot look undoes nothing of it
        return Place(place=place, state="unknown", reason=str(error))
    return Place(place=place, state="waits" if left else "gone", left=left)


async def _tickets(archive: Archive, decision: Event, change: event.Erased | event.Redacted) -> int:
    """Return how many of the three indices still have an older version."""
    version = next((one.version for one in decision.tickets if one.ticket_id == change.ticket_id), 0)
    found = [await archive.ticket(change.ticket_id, sight=sight) for sight in SIGHTS]
    return sum(one is not None and one.version < version for one in found)


async def _messages(archive: Archive, change: Change) -> int:
    """Return how many messages are not emptied yet; one that was never indexed is not there."""
    found = [await archive.message(one.message_id) for one in change.messages]
    return sum(one is not None and one.message_class != "erased" for one in found)


def _takes_attachments(change: Change) -> bool:
    return not isinstance(change, event.Redacted) or "attachments" in change.fields


def _stored(change: Change) -> str:
    """Return what has to go from the blob store: what is still there is not reported as gone."""
    if _takes_attachments(change):
        return "its attachments and raw bytes in the blob store"
    return "its raw bytes in the blob store; its attachments stay, as `fields` does not name them"


async def _blobs(blobs: ObjectStore, decision: Event, change: Change) -> int:
    """Return how many objects are left, or marks of the eraser missing."""
    whole = _takes_attachments(change)
    left = 0
    for one in change.messages:
        there = {
            path.rsplit("/", 1)[1] for path, _ in await _list(blobs, folder(decision.jurisdiction, one.message_id))
        }
        marked = (ERASED if whole else REDACTED) in there
        left += len(there - {ERASED, REDACTED} if whole else raw_names(there)) + (not marked)
        left += await _unfinished(blobs, folder(decision.jurisdiction, one.message_id))
    return left


async def _unfinished(blobs: ObjectStore, place: str) -> int:
    try:
        return await asyncio.to_thread(blob_store.unfinished, blobs, place)
    except OSError as error:
        raise UnreachableError(f"the blob store does not answer ({type(error).__name__})") from error


async def _checkpoints(blobs: ObjectStore, decision: Event, partitions: int) -> int:
    """Return how many checkpoints of the city's partition are older than the decision."""
    place = checkpoints(ids.partition_of(decision.jurisdiction, partitions))
    second = decision.at.replace(microsecond=0)  # S3 has no finer time
    return sum(at < second for _, at in await _list(blobs, place))


async def _list(blobs: ObjectStore, place: str) -> Iterable[tuple[str, datetime]]:
    prefix = blobs.prefix if isinstance(blobs, LocalStore) else None
    if prefix is not None and not await asyncio.to_thread(Path(prefix).is_dir):
        raise UnreachableError("the folder of the blob store does not exist: mount it, or correct `blobs.url`")
    try:
        found = await obstore.list(blobs, f"{place}/").collect_async()
    except (BlobError, OSError) as error:
        raise UnreachableError(f"the blob store does not answer ({type(error).__name__})") from error
    return [(one["path"], one["last_modified"]) for one in found]

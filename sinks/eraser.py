"""Eraser: deletes erased content from the archive's messages and from the blob store, by the event log."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, get_args

import msgspec
from elasticsearch import AsyncElasticsearch
from msgspec import Struct, field
from obstore.store import ObjectStore

from schemas import topics
from schemas.codec import built, decode, encode
from schemas.contract.index_templates import PREFIX, indices
from schemas.errors import RecordError, RetriableError, SchemaError, UnreachableError
from schemas.records import Event, Message, RawRef, event
from sinks import metrics
from sinks.base import Document, Refusal, Route, Verdicts
from sinks.blobs import Blobs
from sinks.elastic.errors import translated
from sinks.elastic.response import passes
from storage.paths import ERASED, REDACTED, folder, raw_names

LAST_VERSION = 2**53
"""Version of an emptied message: every late or repeated write is older."""

MOST_COPIES = 10_000
"""Most results of Elasticsearch at a time; messages behind them would stay."""

AT_ONCE = 500
"""Messages that are searched together: each may be in 20 monthly indices; a frequent writer's ticket has more."""

MOST_FAULTS = 3
"""Most erasures of one batch that may wait for the next try; then the others wait with them."""

_WAITS = "unreachable"
_MONTH = re.compile(r"(20\d\d)\.(\d\d)$")

_NEWER = (
    "hotline.event.v1 holds a change of the kind {}, which this version of hotline does not know, and which may be an "
    "erasure: finish the upgrade, or start the later version of the eraser again"
)
_KINDS = frozenset(kind.__struct_config__.tag for kind in get_args(event.AnyChange))
_ERASING = frozenset(kind.__struct_config__.tag for kind in (event.Erased, event.Redacted, event.MessagesErased))
_DONE = (200, 201, 409)

_BACK_DAYS = (0, 16, 32)
"""Months in which Kafka may still hold a message that the archive lacks."""


class Target(Struct, frozen=True):
    """One message that goes. `whole`: its attachments with it; else the bytes as they came alone, which say it all."""

    message_id: str
    month: str | None
    jurisdiction: str
    at: datetime
    whole: bool


class _Kind(Struct, frozen=True):
    change: str


@built
class _Kinds(Struct, frozen=True):
    """The kinds of a decision's changes, those of a later version too."""

    changes: tuple[_Kind, ...] = ()


class Copies(Struct, frozen=True):
    """Places of one message: indices, and the names of its raw bytes in the blob store.

    `others` are indices in which a message of another city has the same id: an erasure of this city does not touch
    it.
    """

    indices: set[str]
    raw: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    @property
    def own(self) -> list[str]:
        """Return the indices in which it is emptied."""
        return sorted(self.indices - self.others)


def routes(prefix: str = PREFIX) -> list[Route]:
    """Return the topics to read; the index is the one whose messages are emptied."""
    return [Route(topic=topics.EVENT, index=indices(prefix)["message"])]


class Eraser:
    """Empties erased messages in every monthly index that has them, and deletes their blobs. Safe to repeat."""

    name: ClassVar[str] = "eraser"

    def __init__(self, client: AsyncElasticsearch, blobs: ObjectStore, prefix: str = PREFIX) -> None:
        self._owner = client
        self._client = client.options(max_retries=0, retry_on_timeout=False, request_timeout=60.0)
        self._blobs = Blobs(blobs)
        self._index = indices(prefix)["message"]

    async def open(self) -> None:
        """Make nothing: the messages' own sink makes the indices."""

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        """Carry out the erasures in these events; other events need nothing.

        An event with a change of an unknown kind is held until an eraser that knows the kind reads it: it may be an
        erasure. An erasure that is impossible now, because its index takes no writes, delays no other. Its error is
        raised when all others are done.
        """
        verdicts, erased, fault = Verdicts(), 0, None
        for document in documents:
            if fault is not None and len(verdicts.retry) >= MOST_FAULTS:
                verdicts.retry.append(Refusal(document, _WAITS, str(fault)))
                continue
            try:
                erased += await self._carry_out(_targets(document))
            except RetriableError as error:
                fault = error
                verdicts.retry.append(Refusal(document, _WAITS, str(error)))
            except RecordError as error:
                verdicts.rejected.append(Refusal(document, error.code, str(error)))
            else:
                verdicts.stored.append(document)
        if fault is not None and not erased:
            raise fault
        return verdicts

    async def close(self) -> None:
        """Close the client."""
        await self._owner.close()

    async def _carry_out(self, targets: Sequence[Target]) -> bool:
        """Delete blobs first: the message, which is emptied afterwards, has the names of its raw bytes."""
        if not targets:
            return False
        await self._require_open(targets)
        for begin in range(0, len(targets), AT_ONCE):
            await self._empty_out(targets[begin : begin + AT_ONCE])
        return True

    async def _empty_out(self, targets: Sequence[Target]) -> None:
        copies = await self._copies(targets)
        once = {one.message_id: one for one in targets}
        for target in once.values():
            await self._delete_blobs(target, copies[target.message_id].raw)
        await self._empty([(target, index) for target in once.values() for index in copies[target.message_id].own])

    async def _require_open(self, targets: Sequence[Target]) -> None:
        """Raise UnreachableError if an index that may hold one of these messages is closed: its content is unknown."""
        with translated():
            closed = await self._client.indices.get(
                index=f"{self._index.alias}-2*", expand_wildcards="closed", features=["aliases"]
            )
        since = min(one.month or "" for one in targets)  # a later intake of it lies in a later month's index
        months = {"-".join(found.groups()) for name in closed if (found := _MONTH.search(name))}
        if any(month >= since for month in months):
            raise UnreachableError(
                "A closed index of messages may contain text to erase: open it, or delete it when its retention is over"
            )

    async def _empty(self, copies: Sequence[tuple[Target, str]]) -> None:
        lines = [line for target, index in copies for line in _put(index, target)]
        if not lines:
            return
        with translated():
            answer = await self._client.bulk(operations=lines, filter_path="items.*.status,items.*.error.type")
        results = [result for item in answer.get("items", ()) for result in item.values()]
        left = [result for result in results if int(result["status"]) not in _DONE]
        # An index that takes no writes for a moment does that, too: another is put in its place.
        if any(passes(int(result["status"]), result["error"]["type"]) for result in left):
            raise UnreachableError("Elasticsearch could not empty every message: check its log")
        if left:
            raise SchemaError("Elasticsearch refuses an emptied message: check its mapping")

    async def _copies(self, targets: Sequence[Target]) -> dict[str, "Copies"]:
        """Return the places of each message: the index of its month, and those of its repeats."""
        found = {one.message_id: Copies(set()) for one in targets}
        cities = {one.message_id: one.jurisdiction for one in targets}
        for one in targets:
            found[one.message_id].indices.update([self._index.of_month(one.month)] if one.month else ())
        pattern = f"{self._index.alias}-2*"
        with translated():
            await self._client.indices.refresh(index=pattern, ignore_unavailable=True, allow_no_indices=True)
            answer: Any = await self._client.search(
                index=pattern,
                ignore_unavailable=True,
                allow_no_indices=True,
                allow_partial_search_results=False,  # a copy in a lost shard is none that is emptied
                query={"terms": {"message_id": list(found)}},
                size=MOST_COPIES,
                source={"includes": ["raw.dataref", "jurisdiction"]},
            )
        for hit in answer["hits"]["hits"]:
            copies = found[hit["_id"]]
            copies.indices.add(hit["_index"])
            if (hit["_source"].get("jurisdiction") or cities[hit["_id"]]) != cities[hit["_id"]]:
                copies.others.add(hit["_index"])
                continue
            dataref = hit["_source"].get("raw", {}).get("dataref")
            if dataref:
                copies.raw.add(dataref.rsplit("/", 1)[-1])
        return found

    async def _delete_blobs(self, target: Target, raw: set[str]) -> None:
        """Leave a mark, then delete: a concurrent writer looks for the mark and deletes what it stored."""
        place, mark = folder(target.jurisdiction, target.message_id), ERASED if target.whole else REDACTED
        await self._blobs.require()
        await self._blobs.put(f"{place}/{mark}", b"")
        there = await self._blobs.names(place) - {ERASED, REDACTED}
        gone = there if target.whole else raw_names(there) | raw & there
        await self._blobs.delete(place, gone)
        await self._blobs.clear(place)
        await self._blobs.settle(f"{place}/{name}" for name in (mark, *gone))


def _targets(document: Document) -> list[Target]:
    """Return the messages that an event erases. Raises RetriableError for a change of an unknown kind."""
    kinds = {one.change for one in decode(document.value, _Kinds).changes}
    if unknown := kinds - _KINDS:
        metrics.NEWER_EVENTS.inc()
        raise RetriableError(_NEWER.format(", ".join(sorted(unknown))))
    if not kinds & _ERASING:
        return []
    decision = decode(document.value, Event)
    return [target for change in decision.changes for target in _of(change, decision)]


def _of(change: event.AnyChange, decision: Event) -> Iterable[Target]:
    if isinstance(change, event.MessagesErased):
        return [
            Target(one.message_id, month, decision.jurisdiction, decision.at, whole=True)
            for one in change.messages
            for month in ([one.month] if one.month else _months_before(decision.at))
        ]
    if not isinstance(change, event.Erased | event.Redacted):
        return []
    whole = isinstance(change, event.Erased) or "attachments" in change.fields
    return [Target(one.message_id, one.month, decision.jurisdiction, decision.at, whole) for one in change.messages]


def _months_before(at: datetime) -> list[str]:
    """Return the months of which a message may be that comes later: a dead letter that is put back does."""
    return sorted({f"{at - timedelta(days=days):%Y-%m}" for days in _BACK_DAYS})


def _put(index: str, target: Target) -> tuple[dict[str, Any], dict[str, Any]]:
    action = {"_index": index, "_id": target.message_id, "version": LAST_VERSION, "version_type": "external_gte"}
    return {"index": action}, msgspec.json.decode(encode(emptied(target)))


def emptied(target: Target) -> Message:
    """Return the message that says nothing but that there was one."""
    return Message(
        message_id=target.message_id,
        source="erased",
        id="erased",
        channel="erased",
        channel_kind="erased",
        account="erased",
        jurisdiction=target.jurisdiction,
        received_at=target.at,
        ingested_at=target.at,
        message_class="erased",
        raw=RawRef(sha256=""),
        normalizer_version=0,
    )

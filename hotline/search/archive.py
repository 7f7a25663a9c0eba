"""Queries of the command line, the web door and the monitor to Elasticsearch; masked by default."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from elastic_transport import ObjectApiResponse
from elasticsearch import AsyncElasticsearch, NotFoundError

from connectors.web.archive import Wanted
from hotline.search.query import matching, overdue, published
from schemas import ids
from schemas.contract.index_templates import PREFIX, indices
from schemas.errors import MisconfiguredError, SchemaError
from schemas.records import Link, Message, Ticket
from sinks.elastic.errors import translated
from tickets.search import Answer, Filters, Hit, Query, Rung, Sight

T = TypeVar("T")

_INDEX_OF: Mapping[Sight, str] = {"masked": "ticket_masked", "clear": "ticket", "restricted": "ticket_restricted"}
_SHOWN = [
    "ticket_id", "ticket_no", "title", "status", "channel", "received_at", "urgency", "request_kind", "category.path",
    "location.adcode", "dispatch.organizer_name", "due", "confidentiality", "minor_protection.flag", "jurisdiction",
    "cluster_id",
]  # fmt: skip
_OPEN, _CLOSE = "\x02", "\x03"
"""Marks of a match; `fold` lets no control character into `search_text`."""

_HIGHLIGHT: dict[str, Any] = {
    "pre_tags": [_OPEN],
    "post_tags": [_CLOSE],
    "fields": {"search_text": {"fragment_size": 80, "number_of_fragments": 1, "no_match_size": 80}},
}
_MAX_LINKS = 1000
_PAGE = 500

Tickets = AsyncIterator[Ticket]


class Archive:
    """Reads the archive; of tickets those that are `restricted` (严格保密) alone, or all others.

    Raises UnreachableError, MisconfiguredError, or SchemaError for a foreign document.
    """

    def __init__(self, client: AsyncElasticsearch, prefix: str = PREFIX, *, restricted: bool = False) -> None:
        self._client = client
        self._prefix = prefix
        self._restricted = restricted
        self._alias = {name: index.alias for name, index in indices(prefix).items()}

    async def search(self, query: Query) -> Answer:
        """Return what a query finds, in one request; two-character names and road + number are found as written.

        A ticket's number finds that ticket. Raises also MisconfiguredError for a cursor of another search.
        """
        answer = await self._search(
            index=self._index(query.sight),
            track_total_hits=True,
            query=matching(query.text, query.filters),
            size=query.limit,
            source={"includes": _SHOWN},
            highlight=_HIGHLIGHT,
            sort=[{"received_at": "desc"}, {"ticket_id": "asc"}],
        )
        hits = tuple(_hit(found) for found in answer["hits"]["hits"])
        total = int(answer["hits"]["total"]["value"])
        return Answer(total=total, rungs=(Rung(name="words", total=total, hits=hits),))

    async def count(self, query: str = "", *, masked: bool = True, filters: Filters | None = None) -> int:
        """Return how many tickets a search finds; all of them for an empty query."""
        wanted = matching(query, filters or Filters())
        answer = await self._search(index=self._tickets(masked), query=wanted, size=0, track_total_hits=True)
        return int(answer["hits"]["total"]["value"])

    async def overdue(self, now: datetime) -> dict[tuple[str, str], int]:
        """Return how many tickets wait for longer than they may (超期), by clock and urgency; none without an index."""
        answer = await self._search(index=self._tickets(True), size=0, aggs=overdue(now), ignore_unavailable=True)
        return {
            (clock, one["key"]): one["doc_count"]
            for clock, found in answer.get("aggregations", {}).items()
            for one in found["by_urgency"]["buckets"]
        }

    async def ticket(self, name: str, *, sight: Sight = "masked", jurisdictions: tuple[str, ...] = ()) -> Ticket | None:
        """Return the ticket of an id or an official number (工单编号), if it is of these cities (none: any)."""
        field = "ticket_no" if ids.valid_ticket_no(name) else "ticket_id"
        index = self._index("restricted" if self._restricted else sight)
        ticket = await self._newest(index, {"term": {field: name}}, Ticket)
        return ticket if ticket is None or not jurisdictions or ticket.jurisdiction in jurisdictions else None

    async def tickets(self, query: str = "", *, masked: bool = True, filters: Filters | None = None) -> Tickets:
        """Yield every ticket that a search finds, by their ids."""
        after: list[Any] | None = None
        while True:
            answer = await self._search(
                index=self._tickets(masked),
                query=matching(query, filters or Filters()),
                size=_PAGE,
                sort=[{"ticket_id": "asc"}],
                search_after=after,
            )
            for found in answer["hits"]["hits"]:
                yield _read(found["_source"], Ticket)
                after = found["sort"]
            if len(answer["hits"]["hits"]) < _PAGE:
                return

    async def message(self, message_id: str) -> Message | None:
        """Return a message, in clear."""
        # A pattern, because the first message makes the first month's index: before it there is no alias.
        return await self._newest(f"{self._alias['message']}*", {"term": {"message_id": message_id}}, Message)

    async def filed(self, message: str) -> Ticket | None:
        """Return the masked ticket that a message was filed in; the first characters of its id are enough."""
        found = await self._newest(self._alias["link"], {"prefix": {"message_id": message}}, Link)
        return await self.ticket(found.ticket_id) if found is not None and found.ticket_id else None

    async def requests(self, wanted: Wanted) -> list[Ticket]:
        """Return the newest tickets, masked, that the web door asks for; none that is confidential (保密)."""
        answer = await self._search(
            index=self._tickets(True),
            query=published(wanted),
            size=wanted.limit,
            sort=[{"received_at": "desc"}, {"ticket_id": "asc"}],
        )
        return [_read(found["_source"], Ticket) for found in answer["hits"]["hits"]]

    async def link(self, message_id: str) -> Link | None:
        """Return the link of one message."""
        return await self._newest(self._alias["link"], {"term": {"message_id": message_id}}, Link)

    async def links(self, ticket_id: str) -> list[Link]:
        """Return the links of the messages filed in a ticket, oldest first."""
        links: list[Link] = []
        after: list[Any] | None = None
        while True:
            answer = await self._search(
                index=self._alias["link"],
                query={"term": {"ticket_id": ticket_id}},
                size=_MAX_LINKS,
                sort=[{"decided_at": "asc"}, {"message_id": "asc"}],
                search_after=after,
            )
            hits = answer["hits"]["hits"]
            links += [_read(found["_source"], Link) for found in hits]
            if len(hits) < _MAX_LINKS:
                return links
            after = hits[-1]["sort"]

    async def close(self) -> None:
        """Close the client of Elasticsearch, if this object owns it."""
        await self._client.close()

    async def refresh(self) -> None:
        """Make everything that was written findable now, not within a second; for tests and the demo."""
        with _asked():
            await self._client.indices.refresh(index=list(self._alias.values()), ignore_unavailable=True)

    def _tickets(self, masked: bool) -> str:
        return self._index("restricted" if self._restricted else "masked" if masked else "clear")

    def _index(self, sight: Sight) -> str:
        return self._alias[_INDEX_OF[sight]]

    async def _newest(self, alias: str, query: Mapping[str, Any], kind: type[T]) -> T | None:
        """Return the document of the highest version: a message taken in twice can lie in two months' indices."""
        answer = await self._search(index=alias, query=query, size=10, version=True)
        found = max(answer["hits"]["hits"], key=lambda hit: hit["_version"], default=None)
        return None if found is None else _read(found["_source"], kind)

    async def _search(self, *, track_total_hits: bool = False, **asked: Any) -> ObjectApiResponse[Any]:
        """Search all shards: the contents of a lost one must not be reported as missing."""
        with _asked():
            answer = await self._client.search(
                **asked, track_total_hits=track_total_hits, allow_partial_search_results=False
            )
        return answer


@contextlib.contextmanager
def _asked() -> Iterator[None]:
    with translated():
        try:
            yield
        except NotFoundError as error:
            raise MisconfiguredError("The archive has no index yet: run `hotline index create`") from error


def _hit(found: Mapping[str, Any]) -> Hit:
    source = found["_source"]
    (marked,) = found.get("highlight", {}).get("search_text", [""])
    snippet, marks = _unmark(marked)
    due = [at for at in (source.get("due") or {}).values() if at]
    flat = {
        "category": "/".join((source.get("category") or {}).get("path", ())) or None,
        "adcode": (source.get("location") or {}).get("adcode"),
        "organizer": (source.get("dispatch") or {}).get("organizer_name"),
        "due_at": min(due, default=None),
        "minor": bool((source.get("minor_protection") or {}).get("flag")),
    }
    return _read({**source, **flat, "snippet": snippet, "marks": marks}, Hit)


def _unmark(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Part a snippet from the marks in it; marks side by side become one."""
    plain, marks = "", list[tuple[int, int]]()
    for piece in text.replace(_CLOSE + _OPEN, "").split(_OPEN):
        inside, closed, after = piece.partition(_CLOSE)
        if closed:
            marks.append((len(plain), len(plain) + len(inside)))
        plain += inside + after
    return plain, marks


def _read(source: Mapping[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(source, kind)
    except msgspec.ValidationError as error:  # its text can quote a value
        raise SchemaError(
            f"The archive holds a document that is no {kind.__name__} of this version: read it with the version that "
            "wrote it, and see that nobody but the sink writes there"
        ) from error

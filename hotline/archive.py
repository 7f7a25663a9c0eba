"""What search, show, explain and the console ask of Elasticsearch; masked unless somebody may see it all."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from elasticsearch import AsyncElasticsearch, NotFoundError
from msgspec import Struct

from connectors.web.archive import Wanted
from normalizers.text import fold
from schemas import ids
from schemas.elastic import PREFIX, indices
from schemas.errors import MisconfiguredError, SchemaError
from schemas.records import Link, Message, Ticket
from sinks.elastic.errors import translated
from tickets.lifecycle import CLOSED

T = TypeVar("T")

_SHOWN = ["ticket_id", "ticket_no", "title", "status", "channel", "received_at", "urgency"]
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


class Filters(Struct, frozen=True, kw_only=True):
    """What narrows a search beside its words; times are of the first message, from inclusive, to exclusive."""

    channel: str | None = None
    status: str | None = None
    jurisdiction: str | None = None
    request_kind: str | None = None
    category: str | None = None
    """A category's code or name; what is below it counts, too."""
    adcode: str | None = None
    """How the place's 行政区划代码 begins."""
    cluster_id: str | None = None
    requester: str | None = None
    """A person's hash; masked tickets have none."""
    received_from: datetime | None = None
    received_to: datetime | None = None
    revisited: bool = False
    """Only those whose citizens were asked (回访)."""
    is_open: bool = False
    """Only those that are not closed, and not erased."""
    due_before: datetime | None = None
    """Only those of which some deadline runs out before this."""
    provisional: bool = False
    """Only those of which some deadline was counted by a calendar that ends too early (暂定)."""


class Hit(Struct, frozen=True, kw_only=True):
    """One ticket that a search found; `marks` are the matches in `snippet`, as start and end."""

    ticket_id: str
    ticket_no: str
    title: str | None = None
    status: str
    channel: str
    received_at: datetime
    urgency: str = "normal"
    snippet: str = ""
    marks: tuple[tuple[int, int], ...] = ()


class Archive:
    """Reads the archive. Raises UnreachableError, MisconfiguredError, or SchemaError for a foreign document."""

    def __init__(self, client: AsyncElasticsearch, prefix: str = PREFIX) -> None:
        self._client = client
        self._alias = {name: index.alias for name, index in indices(prefix).items()}

    async def search(
        self, query: str, *, masked: bool = True, limit: int = 20, filters: Filters | None = None
    ) -> list[Hit]:
        """Return the newest tickets that hold every word of the query, exactly; ``-word`` excludes.

        Two-character names and road + number are found as written; a ticket's number or id finds that ticket.
        """
        with _asked():
            answer = await self._client.search(
                index=self._tickets(masked),
                query=_query(query, filters or Filters()),
                size=limit,
                source={"includes": _SHOWN},
                highlight=_HIGHLIGHT,
                sort=[{"received_at": "desc"}, {"ticket_id": "asc"}],
                track_total_hits=False,
            )
        return [_hit(found) for found in answer["hits"]["hits"]]

    async def count(self, query: str = "", *, masked: bool = True, filters: Filters | None = None) -> int:
        """Return how many tickets a search finds; all of them for an empty query."""
        with _asked():
            answer = await self._client.count(index=self._tickets(masked), query=_query(query, filters or Filters()))
        return int(answer["count"])

    async def ticket(self, name: str, *, masked: bool = True) -> Ticket | None:
        """Return the ticket of an id or an official number (工单编号)."""
        field = "ticket_no" if ids.valid_ticket_no(name) else "ticket_id"
        return await self._newest(self._tickets(masked), {"term": {field: name}}, Ticket)

    async def tickets(self, query: str = "", *, masked: bool = True, filters: Filters | None = None) -> Tickets:
        """Yield every ticket that a search finds, by their ids."""
        after: list[Any] | None = None
        while True:
            with _asked():
                answer = await self._client.search(
                    index=self._tickets(masked),
                    query=_query(query, filters or Filters()),
                    size=_PAGE,
                    sort=[{"ticket_id": "asc"}],
                    search_after=after,
                    track_total_hits=False,
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
        """Return the newest tickets, masked, that the web door asks for; none that is restricted (严格保密)."""
        with _asked():
            answer = await self._client.search(
                index=self._tickets(True),
                query=_requests(wanted),
                size=wanted.limit,
                sort=[{"received_at": "desc"}, {"ticket_id": "asc"}],
                track_total_hits=False,
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
            with _asked():
                answer = await self._client.search(
                    index=self._alias["link"],
                    query={"term": {"ticket_id": ticket_id}},
                    size=_MAX_LINKS,
                    sort=[{"decided_at": "asc"}, {"message_id": "asc"}],
                    search_after=after,
                    allow_partial_search_results=False,  # an erasure that did not know of all would leave some
                )
            hits = answer["hits"]["hits"]
            links += [_read(found["_source"], Link) for found in hits]
            if len(hits) < _MAX_LINKS:
                return links
            after = hits[-1]["sort"]

    async def close(self) -> None:
        """Let go of Elasticsearch, where nobody else does."""
        await self._client.close()

    async def refresh(self) -> None:
        """Make everything that was written findable now, not within a second; for tests and the demo."""
        with _asked():
            await self._client.indices.refresh(index=list(self._alias.values()), ignore_unavailable=True)

    def _tickets(self, masked: bool) -> str:
        return self._alias["ticket_masked" if masked else "ticket"]

    async def _newest(self, alias: str, query: Mapping[str, Any], kind: type[T]) -> T | None:
        """Return the document of the highest version: a message taken in twice can lie in two months' indices."""
        with _asked():
            answer = await self._client.search(
                index=alias, query=query, size=10, version=True, allow_partial_search_results=False
            )
        found = max(answer["hits"]["hits"], key=lambda hit: hit["_version"], default=None)
        return None if found is None else _read(found["_source"], kind)


@contextlib.contextmanager
def _asked() -> Iterator[None]:
    with translated():
        try:
            yield
        except NotFoundError as error:
            raise MisconfiguredError("The archive has no index yet: run `hotline index create`") from error


def _query(text: str, filters: Filters) -> dict[str, Any]:
    number = text.strip()
    if ids.valid_ticket_no(number):
        return _bool([{"term": {"ticket_no": number}}, *_narrowed(filters)], [])
    words = [word for word in fold(text).split() if _has_token(word)]
    if text.strip() and not words:
        return {"match_none": {}}
    wanted = [_phrase(word) for word in words if not word.startswith("-")]
    unwanted = [_phrase(word.lstrip("-")) for word in words if word.startswith("-")]
    return _bool([*wanted, *_narrowed(filters)], unwanted)


def _bool(filters: list[dict[str, Any]], unwanted: list[dict[str, Any]]) -> dict[str, Any]:
    # Filters only: a phrase is there or not, and the newest ticket comes first, not the shortest.
    return {"bool": {"filter": filters, "must_not": unwanted}}


def _phrase(word: str) -> dict[str, Any]:
    """Match one word exactly: its characters side by side, its numbers whole (12号 is not in 128号)."""
    return {"match_phrase": {"search_text": word}}


def _has_token(word: str) -> bool:
    """Say whether anything of a word is searched; punctuation is not."""
    return any(character.isalnum() or character > "\u2fff" for character in word)


def _narrowed(filters: Filters) -> list[dict[str, Any]]:
    equal = {
        "channel": filters.channel,
        "status": filters.status,
        "jurisdiction": filters.jurisdiction,
        "request_kind": filters.request_kind,
        "cluster_id": filters.cluster_id,
        "requester.id": filters.requester,
    }
    terms: list[dict[str, Any]] = [{"term": {name: value}} for name, value in equal.items() if value is not None]
    if filters.category is not None:
        terms.append(_category(filters.category))
    if filters.adcode is not None:
        terms.append({"prefix": {"location.adcode": filters.adcode}})
    if filters.revisited:
        terms.append({"exists": {"field": "revisits.at"}})
    times = {"gte": filters.received_from, "lt": filters.received_to}
    if filters.provisional:
        terms.append({"term": {"deadlines.provisional": True}})
    if filters.due_before is not None:
        terms.append({"range": {"deadlines.due_at": {"lt": filters.due_before.isoformat()}}})
    if filters.is_open:
        over = [{"terms": {"status": sorted(CLOSED)}}, {"term": {"erased": True}}]
        terms.append({"bool": {"must_not": over}})
    span = {bound: at.isoformat() for bound, at in times.items() if at is not None}
    return [*terms, {"range": {"received_at": span}}] if span else terms


def _category(said: str) -> dict[str, Any]:
    """Match a category by its code, by the code of one above it, or by a name on its path."""
    ways = [{"term": {"category.code": said}}, {"prefix": {"category.code": f"{said}."}}]
    return {"bool": {"should": [*ways, {"term": {"category.path": said}}]}}


def _requests(wanted: Wanted) -> dict[str, Any]:
    span = {"gte": wanted.start.isoformat(), "lte": wanted.end.isoformat()}
    filters: list[dict[str, Any]] = [
        {"term": {"jurisdiction": wanted.jurisdiction}},
        {"range": {"received_at": span}},
    ]
    if wanted.codes:
        filters.append({"terms": {"category.code": list(wanted.codes)}})
    unwanted: list[dict[str, Any]] = [{"term": {"confidentiality": "restricted"}}]
    if wanted.closed is not None:
        (filters if wanted.closed else unwanted).append({"terms": {"status": sorted(CLOSED)}})
    return _bool(filters, unwanted)


def _hit(found: Mapping[str, Any]) -> Hit:
    (marked,) = found.get("highlight", {}).get("search_text", [""])
    snippet, marks = _unmark(marked)
    return _read({**found["_source"], "snippet": snippet, "marks": marks}, Hit)


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

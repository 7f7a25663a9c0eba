"""Queries of the command line, the web door and the monitor to Elasticsearch; masked by default."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from connectors.web.archive import Wanted
from hotline.search.facets import aggregations, facets, timeline
from hotline.search.ladder import Ladder, ladder
from hotline.search.page import cursor_behind, hit, request
from hotline.search.query import overdue, published
from hotline.search.synonyms import Table, load
from schemas import ids
from schemas.contract.index_templates import PREFIX, indices
from schemas.errors import MisconfiguredError, PipelineError, RetriableError, SchemaError
from schemas.records import Link, Message, Ticket
from sinks.elastic.status_errors import MissingError
from tickets.search import LADDER_BELOW, Answer, Filters, Hit, Query, Rung, RungName, Sight

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

    from sinks.elastic.rest_client import RestClient

T = TypeVar("T")

_INDEX_OF: Mapping[Sight, str] = {"masked": "ticket_masked", "clear": "ticket", "restricted": "ticket_restricted"}
_MAX_LINKS = 1000
_PAGE = 500

Tickets = AsyncIterator[Ticket]


class Archive:
    """Reads the archive; of tickets those that are `restricted` (严格保密) alone, or all others.

    Raises UnreachableError, MisconfiguredError, or SchemaError for a foreign document.
    """

    def __init__(
        self,
        client: "AsyncElasticsearch | RestClient",
        prefix: str = PREFIX,
        *,
        restricted: bool = False,
        rules_folder: Path | None = None,
    ) -> None:
        self._client: Any = client
        self._prefix = prefix
        self._restricted = restricted
        self._rules_folder = rules_folder
        self._alias = {name: index.alias for name, index in indices(prefix).items()}

    async def search(self, query: Query) -> Answer:
        """Return what a query finds: its first rung with facets in one request, and lower rungs if it found few.

        Raises also MisconfiguredError for a cursor of another search, or a page that begins too deep.
        """
        asked, now = ladder(query, self._synonyms), datetime.now(UTC)
        first = query.rung or "words"
        index, late = self._index(query.sight), False
        found = aggregations(query, now)
        try:
            answer = await self._rung(index, query, asked, first, found)
        except RetriableError:  # too slow, says Elasticsearch by 429: without the facets it may be quick enough
            if not found:
                raise
            late, answer = True, await self._rung(index, query, asked, first, {})
        rung = self._read_rung(answer, query, asked, first)
        rungs = [rung]
        if query.rung is None and rung.total < LADDER_BELOW:
            rungs += await self._lower_rungs(index, query, asked)
        sums = answer.get("aggregations") if found and not late else None
        return Answer(
            total=rung.total,
            rungs=tuple(rungs),
            facets=facets(query.facets, sums) if sums else (),
            timeline=timeline(query, sums, now) if sums and query.timeline else None,
            incidents=sums["incidents"]["value"] if sums and "incidents" in sums else None,
            late=late,
            synonyms=asked.synonyms,
        )

    async def _lower_rungs(self, index: str, query: Query, asked: Ladder) -> list[Rung]:
        names: list[RungName] = [name for name in ("sounds", "most") if asked.of(name) is not None]
        answers = await asyncio.gather(*(self._rung(index, query, asked, name, {}) for name in names))
        found = [self._read_rung(answer, query, asked, name) for name, answer in zip(names, answers, strict=True)]
        return [rung for rung in found if rung.total]

    async def _rung(
        self, index: str, query: Query, asked: Ladder, name: RungName, found: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        return await self._search(index=index, track_total_hits=True, **request(query, asked, name, found))

    def _read_rung(self, answer: Mapping[str, Any], query: Query, asked: Ladder, name: RungName) -> Rung:
        hits = answer["hits"]["hits"]
        return Rung(
            name=name,
            total=int(answer["hits"]["total"]["value"]),
            hits=tuple(_read(hit(found, asked, name), Hit) for found in hits),
            next=cursor_behind(hits, query, name) if len(hits) == query.limit else None,
        )

    async def count(self, query: str = "", *, masked: bool = True, filters: Filters | None = None) -> int:
        """Return how many tickets the first rung of a search finds; all of them for an empty query."""
        answer = await self._search(
            index=self._tickets(masked), query=self._matching(query, filters, masked), size=0, track_total_hits=True
        )
        return int(answer["hits"]["total"]["value"])

    def _matching(self, text: str, filters: Filters | None, masked: bool) -> dict[str, Any]:
        sight: Sight = "restricted" if self._restricted else "masked" if masked else "clear"
        return ladder(Query(text=text, filters=filters or Filters(), sight=sight), self._synonyms).words

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
                query=self._matching(query, filters, masked),
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

    @property
    def _synonyms(self) -> Table:
        return load(self._rules_folder)

    def _tickets(self, masked: bool) -> str:
        return self._index("restricted" if self._restricted else "masked" if masked else "clear")

    def _index(self, sight: Sight) -> str:
        return self._alias[_INDEX_OF[sight]]

    async def _newest(self, alias: str, query: Mapping[str, Any], kind: type[T]) -> T | None:
        """Return the document of the highest version: a message taken in twice can lie in two months' indices."""
        answer = await self._search(index=alias, query=query, size=10, version=True)
        found = max(answer["hits"]["hits"], key=lambda hit: hit["_version"], default=None)
        return None if found is None else _read(found["_source"], kind)

    async def _search(self, *, track_total_hits: bool = False, **asked: Any) -> Mapping[str, Any]:
        """Search all shards: the contents of a lost one must not be reported as missing."""
        with _asked():
            answer: Mapping[str, Any] = await self._client.search(
                **asked, track_total_hits=track_total_hits, allow_partial_search_results=False
            )
        return answer


@contextlib.contextmanager
def _asked() -> Iterator[None]:
    try:
        with _translated():
            yield
    except MissingError as error:
        raise MisconfiguredError("The archive has no index yet: run `hotline index create`") from error


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PipelineError:  # of the REST client
        raise
    except Exception:  # only now: who asks with Elasticsearch's own client has its errors already
        from sinks.elastic.errors import translated

        with translated():
            raise


def _read(source: Mapping[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(source, kind)
    except msgspec.ValidationError as error:  # its text can quote a value
        raise SchemaError(
            f"The archive holds a document that is no {kind.__name__} of this version: read it with the version that "
            "wrote it, and see that nobody but the sink writes there"
        ) from error

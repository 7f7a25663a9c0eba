"""A search of the archive and its answer, as pages and commands see them; `hotline/search` asks Elasticsearch.

The answer is a ladder: `words` (every word as written, or a synonym), `sounds` (written otherwise, read alike), `most`
(most of it). Each ticket is on its highest rung alone, so a page can show where each begins.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

Sight = Literal["masked", "clear", "restricted"]
"""Whose right a search uses: masked tickets; clear ones; restricted ones (严格保密) alone, in clear.

Masked and clear searches never find a restricted ticket.
"""

Sort = Literal["newest", "relevance", "deadline"]
"""Newest first; best match first; the next running deadline (办结时限) first, tickets without one last."""

SIGHTS: tuple[Sight, ...] = ("masked", "clear", "restricted")
RungName = Literal["words", "sounds", "most"]
FacetName = Literal[
    "channel", "request_kind", "category", "status", "adcode", "organizer", "urgency", "cluster_id"
]  # fmt: skip
Interval = Literal["day", "week", "month"]

FACETS: tuple[FacetName, ...] = (
    "channel", "request_kind", "category", "status", "adcode", "organizer", "urgency", "cluster_id"
)  # fmt: skip
LADDER_BELOW = 20
"""The lower rungs are asked for if the first has fewer tickets."""
MAX_ROWS = 10_000
"""How deep a search goes; `hotline export` goes on."""


class Filters(Struct, frozen=True, kw_only=True):
    """Filters of a search beside its words: any value of each, all of them together.

    Times are those of the first message, from inclusive, to exclusive.
    """

    channel: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    jurisdiction: tuple[str, ...] = ()
    """Adcodes of cities; empty is every city."""
    request_kind: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    """Codes or names of categories; sub-categories count, too."""
    adcode: tuple[str, ...] = ()
    """Prefixes of the place's 行政区划代码; an empty string is a ticket without one."""
    organizer: tuple[str, ...] = ()
    """Codes of who deals with it (承办单位)."""
    urgency: tuple[str, ...] = ()
    confidentiality: tuple[str, ...] = ()
    minor: bool = False
    """Only those that concern a minor (涉未成年人)."""
    cluster_id: tuple[str, ...] = ()
    requesters: tuple[str, ...] = ()
    """A person's hashes, any of them; masked tickets have none."""
    received_from: datetime | None = None
    received_to: datetime | None = None
    revisited: bool = False
    """Only tickets with a revisit (回访)."""
    is_open: bool = False
    """Only those that are not closed, and not erased."""
    due_before: datetime | None = None
    """Only those of which some deadline runs out before this."""
    provisional: bool = False
    """Only those of which some deadline was counted by a calendar that ends too early (暂定)."""


class Query(Struct, frozen=True, kw_only=True):
    """One search. `text` is what a person typed: words, "exact phrases", `或` or `|` for OR, `-` for not."""

    text: str = ""
    filters: Filters = Filters()
    sight: Sight = "masked"
    sort: Sort = "newest"
    limit: int = 20
    """Hits of a page, at most 1,000."""
    rung: RungName | None = None
    """One rung alone, for its next page; None is the ladder."""
    after: str | None = None
    """`Rung.next` of the page before; needs its `rung`, and the same text, filters and sort."""
    skip: int = 0
    """Hits to leave out, at most 1,000 with `limit`: pages of a search with `fold_incidents`."""
    facets: tuple[FacetName, ...] = ()
    timeline: bool = False
    fold_incidents: bool = False
    """One hit for each incident, `Hit.more` others behind it."""
    as_written: tuple[str, ...] = ()
    """Words whose synonyms are not looked for (a chip that was taken away)."""


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
    rung: RungName = "words"
    request_kind: str | None = None
    category: str | None = None
    """Its name, with those above it: 城乡建设/市政设施与市容."""
    adcode: str | None = None
    organizer: str | None = None
    due_at: datetime | None = None
    """The next of its running deadlines."""
    confidentiality: str = "internal"
    minor: bool = False
    jurisdiction: str = ""
    cluster_id: str = ""
    more: int = 0
    """Other tickets of the incident that this hit stands for, of those that the search found."""


class Rung(Struct, frozen=True, kw_only=True):
    """One rung of the ladder: how many tickets are on it and on none above, and a page of them."""

    name: RungName
    total: int
    hits: tuple[Hit, ...] = ()
    next: str | None = None
    """`Query.after` of the next page; None behind the last one."""


class FacetValue(Struct, frozen=True, kw_only=True):
    """A value of a facet and the tickets that have it; `chinese` names it, if the project has a Chinese name."""

    value: str
    count: int
    chinese: str | None = None


class Facet(Struct, frozen=True, kw_only=True):
    """Values of a field among the tickets of the first rung, the most frequent first.

    `missing` have no value, `others` have one that is not listed.
    """

    name: FacetName
    values: tuple[FacetValue, ...]
    missing: int = 0
    others: int = 0


class Bar(Struct, frozen=True, kw_only=True):
    """Tickets that were received in one interval; `start` is its beginning, in Chinese time."""

    start: datetime
    count: int


class Timeline(Struct, frozen=True, kw_only=True):
    """Tickets by time of intake, without gaps."""

    interval: Interval
    bars: tuple[Bar, ...]


class Synonyms(Struct, frozen=True, kw_only=True):
    """What was looked for beside a word; `Query.as_written` takes it back."""

    word: str
    also: tuple[str, ...]


class Answer(Struct, frozen=True, kw_only=True):
    """What a search found. `rungs` holds the first rung, and lower ones that have tickets."""

    total: int
    """Tickets of the first rung, counted exactly."""
    rungs: tuple[Rung, ...]
    facets: tuple[Facet, ...] = ()
    timeline: Timeline | None = None
    incidents: int | None = None
    """Incidents among them, about (约)."""
    late: bool = False
    """Facets, time line and incidents were not ready in time, and are left out."""
    synonyms: tuple[Synonyms, ...] = ()

    @property
    def hits(self) -> tuple[Hit, ...]:
        """Return the hits of all rungs, in their order."""
        return tuple(hit for rung in self.rungs for hit in rung.hits)

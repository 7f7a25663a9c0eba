"""What a search page shows, from a query and its answer. Pure; the URL of a search is the search."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from schemas.enums import CHANNELS, REQUEST_KINDS, STATUSES, URGENCIES
from schemas.ids import SHANGHAI, is_adcode
from tickets.search import Answer, Facet, FacetName, Filters, Hit, Query, Rung, RungName, Sort, Timeline

PAGE_HITS = 20
DEEPEST_PAGE = 50
"""Folded pages go by number, as deep as Elasticsearch lets them: 1,000 hits."""

SHOWN: tuple[FacetName, ...] = ("channel", "request_kind", "category", "status", "urgency", "organizer")
"""Facets beside the hits; districts and incidents have boxes of their own."""

PARAMETERS: Mapping[str, str] = {
    "channel": "channel",
    "kind": "request_kind",
    "category": "category",
    "status": "status",
    "urgency": "urgency",
    "organizer": "organizer",
    "district": "adcode",
    "incident": "cluster_id",
    "city": "jurisdiction",
}
"""Parameter of the URL to field of the filters."""

_OF_FIELD = {field: parameter for parameter, field in PARAMETERS.items()}
NOWHERE = "none"
"""In the URL: tickets without a district."""

_MOST_VALUES, _LONGEST_VALUE, LONGEST_QUESTION = 20, 80, 200
_DAY = timedelta(days=1)


class Asked(Struct, frozen=True, kw_only=True):
    """A search as the URL holds it: days are inclusive, in Chinese time; `page` counts folded pages."""

    text: str = ""
    chosen: Mapping[str, tuple[str, ...]] = {}
    since: date | None = None
    until: date | None = None
    is_open: bool = False
    minor: bool = False
    sort: Sort = "newest"
    folded: bool = True
    page: int = 1
    rung: RungName | None = None
    after: str | None = None
    as_written: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is asked for."""
        return self == Asked(sort=self.sort, folded=self.folded)

    def query(self, *, facets: bool = True) -> Query:
        """Return the search."""
        chosen = {field: self.chosen.get(parameter, ()) for parameter, field in PARAMETERS.items()}
        chosen["adcode"] = tuple("" if value == NOWHERE else value for value in chosen["adcode"])
        filters = replace(
            Filters(),
            **chosen,
            received_from=_midnight(self.since),
            received_to=_midnight(self.until + _DAY if self.until else None),
            is_open=self.is_open,
            minor=self.minor,
        )
        is_folded = self.folded and self.rung is None
        return Query(
            text=self.text,
            filters=filters,
            sort=self.sort,
            limit=PAGE_HITS,
            rung=self.rung,
            after=self.after,
            skip=(self.page - 1) * PAGE_HITS if is_folded else 0,
            facets=(*SHOWN, "adcode", "cluster_id") if facets else (),
            timeline=facets,
            fold_incidents=is_folded,
            as_written=self.as_written,
        )

    def parameters(self) -> list[tuple[str, str]]:
        """Return the parameters of its URL, in one order, without those that have their default."""
        found = [("q", self.text)] if self.text else []
        found += [(name, value) for name in PARAMETERS for value in self.chosen.get(name, ())]
        found += [(name, day.isoformat()) for name, day in (("since", self.since), ("until", self.until)) if day]
        found += [("as_written", word) for word in self.as_written]
        flags = {"open": self.is_open, "minor": self.minor, "unfolded": not self.folded}
        found += [(name, "1") for name, is_set in flags.items() if is_set]
        others = {"sort": self.sort, "page": str(self.page), "rung": self.rung, "after": self.after}
        defaults = {"sort": "newest", "page": "1"}
        return found + [(name, value) for name, value in others.items() if value and value != defaults.get(name)]

    def url(self, path: str = "/search", **changes: Any) -> str:
        """Return the URL of this search, or of a changed one, which begins at its first page."""
        first = {"page": 1, "rung": None, "after": None}
        asked = replace(self, **{**first, **changes}) if changes else self
        query = urlencode(asked.parameters())
        return f"{path}?{query}" if query else path

    def toggled(self, name: str, value: str) -> str:
        """Return the URL of this search with a filter's value chosen, or no longer chosen."""
        values = self.chosen.get(name, ())
        now = tuple(one for one in values if one != value) if value in values else (*values, value)
        return self.url(chosen={**self.chosen, name: now})


def asked(given: Iterable[tuple[str, str]]) -> Asked:
    """Return the search of these parameters; what cannot be meant is left out."""
    values: dict[str, list[str]] = {}
    for name, value in given:
        if value.strip():
            values.setdefault(name, []).append(value.strip()[:_LONGEST_VALUE])
    text = next((value.strip()[:LONGEST_QUESTION] for name, value in given if name == "q"), "")
    chosen = {name: tuple(dict.fromkeys(values[name][:_MOST_VALUES])) for name in PARAMETERS if name in values}
    if "district" in chosen:
        chosen["district"] = tuple(one for one in chosen["district"] if one == NOWHERE or one.isdecimal())
    if "city" in chosen:
        chosen["city"] = tuple(one for one in chosen["city"] if is_adcode(one))
    one = {name: found[-1] for name, found in values.items()}
    sort, rung, page = one.get("sort"), one.get("rung"), one.get("page", "1")
    return Asked(
        text=text,
        chosen={name: found for name, found in chosen.items() if found},
        since=_day(one.get("since")),
        until=_day(one.get("until")),
        is_open="open" in one,
        minor="minor" in one,
        sort=sort if sort in get_args(Sort) else "newest",  # type: ignore[arg-type] # mypy does not narrow by get_args
        folded="unfolded" not in one,
        page=min(int(page), DEEPEST_PAGE) if page.isascii() and page.isdecimal() and int(page) > 0 else 1,
        rung=rung if rung in get_args(RungName) else None,  # type: ignore[arg-type] # mypy does not narrow by get_args
        after=next((value for name, value in given if name == "after" and value), None) if rung else None,
        as_written=tuple(values.get("as_written", ())[:_MOST_VALUES]),
    )


class Choice(Struct, frozen=True, kw_only=True):
    """A value that can be chosen, or is: its name, its tickets, and the URL that turns it on or off."""

    name: str
    url: str
    count: int | None = None
    is_chosen: bool = False
    shade: int = 0
    """0 to 4, by its share of the greatest."""


class Group(Struct, frozen=True, kw_only=True):
    """The values of one facet; `others` tickets have values that are not listed, `missing` have none."""

    name: str
    choices: tuple[Choice, ...]
    others: int = 0
    missing: int = 0


class Row(Struct, frozen=True, kw_only=True):
    """A hit: its text as pieces, each with whether it was found, and the facts below it."""

    hit: Hit
    url: str
    pieces: tuple[tuple[str, bool], ...]
    channel: str
    kind: str | None
    status: str
    urgency: str
    incident_url: str | None


class Section(Struct, frozen=True, kw_only=True):
    """A rung of the ladder: its hits, and the URLs of the pages beside it."""

    name: RungName
    total: int
    rows: tuple[Row, ...]
    before: str | None = None
    next: str | None = None


class Bars(Struct, frozen=True, kw_only=True):
    """A time line as bars of a drawing, x, y, width and height each in its units."""

    interval: str
    bars: tuple["Column", ...]
    greatest: int
    width: int
    height: int


class Column(Struct, frozen=True, kw_only=True):
    """One interval: where its bar stands, and the URL of its tickets."""

    start: datetime
    count: int
    url: str
    x: float
    y: float
    width: float
    height: float


class View(Struct, frozen=True, kw_only=True):
    """Everything that the page of an answer shows."""

    asked: Asked
    answer: Answer
    chips: tuple[Choice, ...]
    sections: tuple[Section, ...]
    groups: tuple[Group, ...]
    districts: Group | None
    incidents: tuple[Choice, ...]
    bars: Bars | None
    sorts: tuple[Choice, ...]
    milliseconds: int

    @property
    def is_first(self) -> bool:
        """Return whether it shows the first page of the ladder."""
        return self.asked.page == 1 and self.asked.rung is None


def view(asked: Asked, answer: Answer, words: Mapping[str, Any], milliseconds: int) -> View:
    """Return what the page of an answer shows; `words` are those of the reader's language."""
    names = Names(words)
    facets = {facet.name: facet for facet in answer.facets}
    groups = (_group(asked, facets[name], names) for name in SHOWN if name in facets)
    districts = _group(asked, facets["adcode"], names) if "adcode" in facets else None
    return View(
        asked=asked,
        answer=answer,
        chips=tuple(_chips(asked, answer, names)),
        sections=tuple(_section(asked, rung, names, _marks(asked, answer)) for rung in answer.rungs),
        groups=tuple(group for group in groups if group.choices),
        districts=districts if districts and (districts.choices or districts.missing) else None,
        incidents=tuple(_incidents(asked, answer, facets.get("cluster_id"))),
        bars=_bars(asked, answer.timeline) if answer.timeline else None,
        sorts=tuple(
            Choice(name=words["sorts"][sort], url=asked.url(sort=sort), is_chosen=sort == asked.sort)
            for sort in get_args(Sort)
        ),
        milliseconds=milliseconds,
    )


class Names:
    """Names of coded values in the reader's language."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self._words = words
        self._is_chinese = words["code"] == "zh"

    def of(self, table: Mapping[str, str], value: str) -> str:
        """Return the name of a value that a table of enumerations may hold."""
        return table.get(value, value) if self._is_chinese else value.replace("_", " ")

    def value(self, field: str, value: str, chinese: str | None = None) -> str:
        """Return the name of a filter's value."""
        if field == "adcode" and value in ("", NOWHERE):
            return str(self._words["no_district"])
        table = _TABLES.get(field)
        return chinese or value if table is None else self.of(table, value)

    def filter(self, name: str) -> str:
        """Return the name of a filter."""
        return str(self._words["filters"][name])


_TABLES: Mapping[str, Mapping[str, str]] = {
    "channel": CHANNELS,
    "request_kind": REQUEST_KINDS,
    "status": STATUSES,
    "urgency": URGENCIES,
}


def _chips(asked: Asked, answer: Answer, names: Names) -> Iterator[Choice]:
    """Yield what narrows or widens the search, each with the URL without it."""
    for synonyms in answer.synonyms:
        more = (*asked.as_written, synonyms.word)
        yield Choice(name=names.filter("also") + "、".join(synonyms.also), url=asked.url(as_written=more))
    for word in asked.as_written:
        rest = tuple(one for one in asked.as_written if one != word)
        yield Choice(name=names.filter("as_written") + word, url=asked.url(as_written=rest))
    known: dict[tuple[str, str], str | None] = {
        (facet.name, one.value): one.chinese for facet in answer.facets for one in facet.values
    }
    for name, values in asked.chosen.items():
        for value in values:
            told = names.value(PARAMETERS[name], value, known.get((PARAMETERS[name], value)))
            yield Choice(name=f"{names.filter(name)}{told}", url=asked.toggled(name, value))
    if asked.since:
        yield Choice(name=f"{names.filter('since')}{asked.since.isoformat()}", url=asked.url(since=None))
    if asked.until:
        yield Choice(name=f"{names.filter('until')}{asked.until.isoformat()}", url=asked.url(until=None))
    if asked.is_open:
        yield Choice(name=names.filter("open"), url=asked.url(is_open=False))
    if asked.minor:
        yield Choice(name=names.filter("minor"), url=asked.url(minor=False))


def _group(asked: Asked, facet: Facet, names: Names) -> Group:
    parameter = _OF_FIELD[facet.name]
    chosen = asked.chosen.get(parameter, ())
    greatest = max((one.count for one in facet.values), default=1)
    choices = tuple(
        Choice(
            name=names.value(facet.name, one.value, one.chinese),
            url=asked.toggled(parameter, one.value),
            count=one.count,
            is_chosen=one.value in chosen,
            shade=min(4, 5 * one.count // (greatest + 1)),
        )
        for one in facet.values
    )
    return Group(name=facet.name, choices=choices, others=facet.others, missing=facet.missing)


def _incidents(asked: Asked, answer: Answer, facet: Facet | None) -> Iterator[Choice]:
    """Yield the largest incidents of several tickets; the title of a hit names one, else its id."""
    titles = {hit.cluster_id: hit.title for hit in answer.hits if hit.title}
    for one in facet.values if facet else ():
        if one.count > 1:
            name = one.chinese or titles.get(one.value) or one.value
            yield Choice(name=name, url=asked.toggled("incident", one.value), count=one.count)


def _section(asked: Asked, rung: Rung, names: Names, marks: Sequence[str]) -> Section:
    rows = tuple(_row(asked, hit, names, marks) for hit in rung.hits)
    if asked.rung is None and asked.folded and rung.name == "words":
        shown = sum(1 + row.hit.more for row in rows)
        is_last = len(rows) < PAGE_HITS or shown >= rung.total or asked.page == DEEPEST_PAGE
        return Section(
            name=rung.name,
            total=rung.total,
            rows=rows,
            before=asked.url(page=asked.page - 1) if asked.page > 1 else None,
            next=None if is_last else asked.url(page=asked.page + 1),
        )
    further = asked.url(rung=rung.name, after=rung.next, folded=False) if rung.next else None
    return Section(name=rung.name, total=rung.total, rows=rows, next=further)


def _row(asked: Asked, hit: Hit, names: Names, marks: Sequence[str]) -> Row:
    query = urlencode([("mark", word) for word in marks])
    return Row(
        hit=hit,
        url=f"/ticket/{hit.ticket_no}" + (f"?{query}" if query else ""),
        pieces=tuple(pieces(hit.snippet or hit.title or "", hit.marks)),
        channel=names.of(CHANNELS, hit.channel),
        kind=names.of(REQUEST_KINDS, hit.request_kind) if hit.request_kind else None,
        status=names.of(STATUSES, hit.status),
        urgency=names.of(URGENCIES, hit.urgency),
        incident_url=asked.url(chosen={**asked.chosen, "incident": (hit.cluster_id,)}, folded=False)
        if hit.more
        else None,
    )


_MOST_MARKS = 20


def _marks(asked: Asked, answer: Answer) -> list[str]:
    """Return the words to mark on a ticket's page: those that were looked for, and their synonyms."""
    wanted = (word.strip('"“”') for word in asked.text.split() if not word.startswith("-"))
    also = (word for one in answer.synonyms for word in one.also)
    return [word for word in dict.fromkeys((*wanted, *also)) if len(word) > 1 and word not in ("OR", "或")][
        :_MOST_MARKS
    ]


def pieces(text: str, marks: Iterable[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    """Yield a text in pieces, each with whether it is marked."""
    end = 0
    for start, stop in marks:
        if start > end:
            yield text[end:start], False
        yield text[max(start, end) : stop], True
        end = max(end, stop)
    if end < len(text):
        yield text[end:], False


_WIDTH, _HEIGHT = 320, 120
_GAP = 0.2
"""Share of an interval's width that is left free."""


def _bars(asked: Asked, timeline: Timeline) -> Bars | None:
    if not timeline.bars:
        return None
    greatest = max(1, *(bar.count for bar in timeline.bars))
    step = _WIDTH / len(timeline.bars)
    starts = [bar.start.astimezone(SHANGHAI) for bar in timeline.bars]
    ends = [*(start.date() - _DAY for start in starts[1:]), _last_day(starts[-1], timeline.interval)]
    columns = tuple(
        Column(
            start=bar.start,
            count=bar.count,
            url=asked.url(since=start.date(), until=end),
            x=round(number * step + step * _GAP / 2, 2),
            y=round(_HEIGHT * (1 - bar.count / greatest), 2),
            width=round(step * (1 - _GAP), 2),
            height=round(_HEIGHT * bar.count / greatest, 2),
        )
        for number, (bar, start, end) in enumerate(zip(timeline.bars, starts, ends, strict=True))
    )
    return Bars(interval=timeline.interval, bars=columns, greatest=greatest, width=_WIDTH, height=_HEIGHT)


def _last_day(start: datetime, interval: Literal["day", "week", "month"]) -> date:
    days = {"day": 1, "week": 7}.get(interval)
    if days is None:
        return (start.date().replace(day=28) + 4 * _DAY).replace(day=1) - _DAY
    return start.date() + (days - 1) * _DAY


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) if day else None


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 2100 else None  # no ticket has another

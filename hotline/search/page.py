"""One page of a rung: the request, the cursor of the next page, and the hits with what is marked in them."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from hotline.search.ladder import Ladder
from normalizers.text.sounds import syllables
from schemas.errors import MisconfiguredError
from tickets.search import MAX_ROWS, Query, RungName, Sort

_SHOWN = [
    "ticket_id", "ticket_no", "title", "status", "channel", "received_at", "urgency", "request_kind", "category.path",
    "location.adcode", "dispatch.organizer_name", "due", "confidentiality", "minor_protection.flag", "jurisdiction",
    "cluster_id",
]  # fmt: skip
_SNIPPET = 80
_MAX_SKIP = 1_000
"""Hits; deeper pages of a folded search cost too much, and Elasticsearch has no `search_after` for them."""

_OPEN, _CLOSE = "\x02", "\x03"
"""Marks of a match; `fold` lets no control character into `search_text`."""

_TIE: dict[str, Any] = {"ticket_id": "asc"}
_SORTS: Mapping[Sort, list[dict[str, Any] | str]] = MappingProxyType(
    {
        "newest": [{"received_at": "desc"}, _TIE],
        "relevance": ["_score", {"received_at": "desc"}, _TIE],
        "deadline": [{"due.resolve_at": {"order": "asc", "missing": "_last"}}, _TIE],
    }
)
QUICK, PATIENT = "300ms", "2s"
"""Time for the hits with facets, and for the hits alone."""


def request(query: Query, asked: Ladder, name: RungName, sums: Mapping[str, Any]) -> dict[str, Any]:
    """Return the search request for a page of a rung; `sums` are aggregations.

    Raises MisconfiguredError for a cursor that is not of this search, and for a page that begins too deep.
    """
    body: dict[str, Any] = {
        "query": asked.of(name) or {"match_none": {}},
        "source": {"includes": [*_SHOWN, "search_text"] if name == "sounds" else _SHOWN},
        "size": query.limit,
        "sort": _SORTS[_sort(query, name)],
        "highlight": _highlight(asked, name),
        "timeout": QUICK if sums else PATIENT,
    }
    if sums:
        body["aggs"] = dict(sums)
    skip, after = query.skip, None
    if query.after is not None:
        skip, after = _read_cursor(query, name)
    if after is not None:
        body["search_after"] = after
    if query.fold_incidents:
        body["collapse"] = {"field": "cluster_id", "inner_hits": {"name": "incident", "size": 0}}
    if skip:
        body["from"] = skip
    if skip + query.limit > (_MAX_SKIP if query.fold_incidents or skip else MAX_ROWS):
        raise MisconfiguredError(f"A search shows {_MAX_SKIP} tickets so: narrow it, or use `hotline export`.")
    return body


def _sort(query: Query, name: RungName) -> Sort:
    return "relevance" if name == "most" and query.sort == "newest" else query.sort


def _highlight(asked: Ladder, name: RungName) -> dict[str, Any]:
    field: dict[str, Any] = {"fragment_size": _SNIPPET, "number_of_fragments": 1, "no_match_size": _SNIPPET}
    if name == "most" and asked.marked is not None:
        field["highlight_query"] = asked.marked
    return {"pre_tags": [_OPEN], "post_tags": [_CLOSE], "fields": {"search_text": field}}


def cursor_behind(hits: Sequence[Mapping[str, Any]], query: Query, name: RungName) -> str | None:
    """Return the cursor of the page behind these hits; None if none can follow.

    The values by which a search is sorted do not change (the time of intake, the id), so its pages neither repeat nor
    omit a ticket while others are written, and no context has to be kept open at Elasticsearch.
    """
    if not hits:
        return None
    if query.fold_incidents:
        skip = (_read_cursor(query, name)[0] if query.after else query.skip) + len(hits)
        told: Any = skip if skip + query.limit <= _MAX_SKIP else None
    else:
        told = hits[-1]["sort"]
    if told is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode([_sort(query, name), name, told])).decode().rstrip("=")


def _read_cursor(query: Query, name: RungName) -> tuple[int, list[Any] | None]:
    """Return how many hits to leave out, or behind which values of the sort to go on."""
    fault = MisconfiguredError("That page is of another search: search again from the first page.")
    try:
        text = (query.after or "").encode("ascii")
        sort, rung, told = msgspec.json.decode(
            base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)), type=tuple[str, str, int | list[Any]]
        )
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise fault from error
    if (sort, rung) != (_sort(query, name), name) or isinstance(told, int) != query.fold_incidents:
        raise fault
    if isinstance(told, int):
        return max(told, 0), None
    if len(told) != len(_SORTS[_sort(query, name)]) or not all(isinstance(one, str | int | float) for one in told):
        raise fault
    return 0, told


def hit(found: Mapping[str, Any], asked: Ladder, name: RungName) -> dict[str, Any]:
    """Return the fields of one `Hit` of an answer."""
    source = found["_source"]
    (marked,) = found.get("highlight", {}).get("search_text", [""])
    snippet, marks = _unmark(marked)
    if name == "sounds":
        snippet, marks = _sounding(source.get("search_text", ""), asked.heard, snippet, marks)
    due: list[str] = [at for at in (source.get("due") or {}).values() if at]
    folded = found.get("inner_hits", {}).get("incident")
    flat = {
        "category": "/".join((source.get("category") or {}).get("path", ())) or None,
        "adcode": (source.get("location") or {}).get("adcode"),
        "organizer": (source.get("dispatch") or {}).get("organizer_name"),
        "due_at": min(map(datetime.fromisoformat, due), default=None),
        "minor": bool((source.get("minor_protection") or {}).get("flag")),
        "more": folded["hits"]["total"]["value"] - 1 if folded else 0,
        "rung": name,
    }
    return {**source, **flat, "snippet": snippet, "marks": marks}


Marks = list[tuple[int, int]]


def _unmark(text: str) -> tuple[str, Marks]:
    """Part a snippet from the marks in it; marks side by side become one."""
    plain, marks = "", Marks()
    for piece in text.replace(_CLOSE + _OPEN, "").split(_OPEN):
        inside, closed, after = piece.partition(_CLOSE)
        if closed:
            marks.append((len(plain), len(plain) + len(inside)))
        plain += inside + after
    return plain, marks


def _sounding(text: str, heard: Sequence[str], snippet: str, marks: Marks) -> tuple[str, Marks]:
    """Return the snippet around the first words that sound like these, which are marked."""
    read = list(syllables(text))
    found: Marks = []
    for said in heard:
        wanted = said.split()
        for at in range(len(read) - len(wanted) + 1):
            if [one.sound for one in read[at : at + len(wanted)]] == wanted:
                found.append((read[at].start, read[at + len(wanted) - 1].end))
    if not found:
        return snippet, marks
    start = max(0, min(found)[0] - _SNIPPET // 2)
    shown = text[start : start + _SNIPPET]
    return shown, sorted({(a - start, b - start) for a, b in found if start <= a and b <= start + len(shown)})

"""Facets, time line and number of incidents: aggregations beside the hits of a search, and what they say."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from normalizers.geo import divisions
from schemas import enums
from schemas.enums import Words
from schemas.ids import SHANGHAI
from tickets.search import Bar, Facet, FacetName, FacetValue, Filters, Interval, Query, Timeline

_FIELDS: Mapping[FacetName, str] = MappingProxyType(
    {
        "channel": "channel",
        "request_kind": "request_kind",
        "category": "category.path",
        "status": "status",
        "adcode": "location.adcode",
        "organizer": "dispatch.organizer_code",
        "urgency": "urgency",
        "cluster_id": "cluster_id",
    }
)
_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "channel": enums.CHANNELS,
        "request_kind": enums.REQUEST_KINDS,
        "status": enums.STATUSES,
        "urgency": enums.URGENCIES,
    }
)
_VALUES = 50
_INCIDENTS = 10
_LEAST_OF_INCIDENT = 3
"""Tickets: a ticket alone is no incident worth a line."""

_PRECISION = 1000
_ZONE = "Asia/Shanghai"
_DAYS, _WEEKS = timedelta(days=62), timedelta(days=400)


def aggregations(query: Query, now: datetime) -> dict[str, Any]:
    """Return the aggregations that a query asks for; none if it asks for none."""
    asked: dict[str, Any] = {}
    for name in query.facets:
        field = _FIELDS[name]
        asked[name] = {"terms": {"field": field, "size": _VALUES}}
        asked[f"{name}.missing"] = {"missing": {"field": field}}
        if name == "cluster_id":
            # Nearly every ticket has another value: numbering them all anew after each refresh would cost more.
            asked[name]["terms"] |= {
                "size": _INCIDENTS,
                "min_doc_count": _LEAST_OF_INCIDENT,
                "execution_hint": "map",
            }
            asked["incidents"] = {
                "cardinality": {"field": field, "precision_threshold": _PRECISION, "execution_hint": "direct"}
            }
    if query.timeline:
        asked["timeline"] = {
            "date_histogram": {
                "field": "received_at",
                "calendar_interval": interval(query.filters, now),
                "time_zone": _ZONE,
            }
        }
    return asked


def interval(filters: Filters, now: datetime) -> Interval:
    """Return days, weeks or months by the span that is asked for; without a beginning, months."""
    if filters.received_from is None:
        return "month"
    span = (filters.received_to or now) - filters.received_from
    return "day" if span <= _DAYS else "week" if span <= _WEEKS else "month"


def facets(names: Iterable[FacetName], found: Mapping[str, Any]) -> tuple[Facet, ...]:
    """Return the facets of an answer."""
    return tuple(_facet(name, found[name], found[f"{name}.missing"]["doc_count"]) for name in names)


def _facet(name: FacetName, terms: Mapping[str, Any], missing: int) -> Facet:
    values = tuple(
        FacetValue(value=one["key"], count=one["doc_count"], chinese=_chinese(name, one["key"]))
        for one in terms["buckets"]
    )
    return Facet(name=name, values=values, missing=missing, others=terms["sum_other_doc_count"])


def _chinese(name: FacetName, value: str) -> str | None:
    if name == "category":
        return value
    if name == "adcode":
        return divisions.called().get(value[:6])
    return _WORDS.get(name, {}).get(value)


def timeline(query: Query, found: Mapping[str, Any], now: datetime) -> Timeline:
    """Return the time line of an answer."""
    bars = tuple(
        Bar(start=datetime.fromtimestamp(one["key"] / 1000, SHANGHAI), count=one["doc_count"])
        for one in found["timeline"]["buckets"]
    )
    return Timeline(interval=interval(query.filters, now), bars=bars)

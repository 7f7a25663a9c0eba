"""Filters of a search, and what the web door and the monitor ask, in Elasticsearch's language."""

from datetime import datetime
from typing import Any

from connectors.web.archive import Wanted
from schemas import enums
from tickets.lifecycle import CLOSED
from tickets.search import Filters
from tickets.sla.overdue import WAITING


def _bool(filters: list[dict[str, Any]], unwanted: list[dict[str, Any]]) -> dict[str, Any]:
    # Filters only: a phrase is there or not, and the newest ticket comes first, not the shortest.
    return {"bool": {"filter": filters, "must_not": unwanted}}


def narrowed(filters: Filters) -> list[dict[str, Any]]:
    """Return a clause for each filter."""
    equal = {
        "channel": filters.channel,
        "status": filters.status,
        "jurisdiction": filters.jurisdiction,
        "request_kind": filters.request_kind,
        "dispatch.organizer_code": filters.organizer,
        "urgency": filters.urgency,
        "confidentiality": filters.confidentiality,
        "cluster_id": filters.cluster_id,
        "requester.id": filters.requesters,
    }
    terms: list[dict[str, Any]] = [{"terms": {name: list(values)}} for name, values in equal.items() if values]
    if filters.category:
        terms.append(_any([way for said in filters.category for way in _category(said)]))
    if filters.adcode:
        terms.append(_any([_place(prefix) for prefix in filters.adcode]))
    if filters.minor:
        terms.append({"term": {"minor_protection.flag": True}})
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


def overdue(now: datetime) -> dict[str, Any]:
    """Return the aggregations that count, by clock and urgency, the tickets whose limit ran out before `now`."""
    by_urgency = {"by_urgency": {"terms": {"field": "urgency"}}}
    before = {"lt": now.isoformat()}
    return {clock: {"filter": {"range": {f"due.{clock}_at": before}}, "aggs": by_urgency} for clock in WAITING}


def _any(ways: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": ways}}


def _category(said: str) -> list[dict[str, Any]]:
    """Match a category by its code, by the code of one above it, or by a name on its path."""
    return [
        {"term": {"category.code": said}},
        {"prefix": {"category.code": f"{said}."}},
        {"term": {"category.path": said}},
    ]


def _place(prefix: str) -> dict[str, Any]:
    if not prefix:
        return {"bool": {"must_not": {"exists": {"field": "location.adcode"}}}}
    return {"prefix": {"location.adcode": prefix}}


def published(wanted: Wanted) -> dict[str, Any]:
    """Return the query for tickets that Open311 may publish: none that is confidential or restricted."""
    span = {"gte": wanted.start.isoformat(), "lte": wanted.end.isoformat()}
    filters: list[dict[str, Any]] = [
        {"term": {"jurisdiction": wanted.jurisdiction}},
        {"range": {"received_at": span}},
        {"terms": {"confidentiality": sorted(enums.OPEN_TO_ALL)}},
    ]
    if wanted.codes:
        filters.append({"terms": {"category.code": list(wanted.codes)}})
    unwanted: list[dict[str, Any]] = []
    if wanted.closed is not None:
        (filters if wanted.closed else unwanted).append({"terms": {"status": sorted(CLOSED)}})
    return _bool(filters, unwanted)

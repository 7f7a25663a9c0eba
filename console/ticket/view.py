"""What a ticket's page shows. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from msgspec import UNSET, Struct

from console.search.view import Names, pieces
from normalizers.geo import divisions
from normalizers.pii.detect import known_spans
from normalizers.text.fold import fold
from schemas.enums import (
    CHANNELS,
    CLOCKS,
    COMMAND_KINDS,
    CONFIDENTIALITY,
    DECIDED_BY,
    EDGE_KINDS,
    EMERGENCY_CLASSES,
    EMERGENCY_LEVELS,
    MESSAGE_CLASSES,
    RELATIONS,
    REQUEST_KINDS,
    STATUSES,
    UNAVAILABLE,
    URGENCIES,
)
from schemas.ids import SHANGHAI
from schemas.records import Link, Ticket
from schemas.records.ticket import Deadline
from tickets.lifecycle import CLOSED
from tickets.sla.calendar import Calendar


class Stage(Struct, frozen=True, kw_only=True):
    """A stage that the ticket reached."""

    name: str
    at: datetime


class Limit(Struct, frozen=True, kw_only=True):
    """A deadline: what it is for, when, and what is left; `state` is open, near, over or done."""

    name: str
    at: datetime
    left: str
    state: str
    provisional: bool


class Filing(Struct, frozen=True, kw_only=True):
    """Why a message was filed in the ticket."""

    link: Link
    relation: str
    method: str
    evidence: tuple[tuple[str, str], ...]
    """Names of codes and the codes as they are recorded."""


class File(Struct, frozen=True, kw_only=True):
    """An attachment as kind and size; its name may name a person."""

    kind: str
    size: str


class View(Struct, frozen=True, kw_only=True):
    """Everything that the page shows beside the ticket's own codes."""

    status: str
    stages: tuple[Stage, ...]
    limits: tuple[Limit, ...]
    facts: tuple[tuple[str, str], ...]
    title: tuple[tuple[str, bool], ...]
    text: tuple[tuple[str, bool], ...]
    filings: tuple[Filing, ...]
    edges: tuple[tuple[str, str, float], ...]
    proposals: tuple[tuple[str, str, float], ...]
    files: tuple[File, ...]
    incident_url: str | None
    result: str | None


def view(
    ticket: Ticket,
    links: Sequence[Link],
    marks: Sequence[str],
    words: Mapping[str, Any],
    now: datetime,
    calendar: Calendar | None,
) -> View:
    """Return what the page shows; `marks` are the words that a search looked for."""
    names, wanted = Names(words), [folded for mark in marks if (folded := fold(mark))]
    incident = urlencode({"incident": ticket.cluster_id, "unfolded": 1})
    return View(
        status=names.of(STATUSES, ticket.status),
        stages=tuple(_stages(ticket, names)),
        limits=tuple(_limits(ticket, names, words, now, calendar)),
        facts=tuple(_facts(ticket, names, words)),
        title=tuple(pieces(ticket.title or ticket.ticket_no, known_spans(ticket.title or "", wanted))),
        text=tuple(pieces(ticket.text, known_spans(ticket.text, wanted))),
        filings=tuple(_filing(one, names, words) for one in links),
        edges=tuple((names.of(EDGE_KINDS, edge.kind), edge.ticket_id, edge.score) for edge in ticket.edges),
        proposals=tuple((names.of(RELATIONS, one.relation), one.target, one.score) for one in ticket.proposals),
        files=tuple(_files(ticket, names)),
        incident_url=f"/search?{incident}" if ticket.cluster_id != ticket.ticket_id or ticket.edges else None,
        result=ticket.result.text if ticket.result else None,
    )


def _filing(link: Link, names: Names, words: Mapping[str, Any]) -> Filing:
    return Filing(
        link=link,
        relation=names.of(RELATIONS, link.relation),
        method=_method(link.method, names, words),
        evidence=tuple((_evidence(code, words), code) for code in link.evidence),
    )


def _method(method: str | None, names: Names, words: Mapping[str, Any]) -> str:
    """Return the name of a test; a message without a ticket has its class there, a person's decision its command."""
    if method is None:
        return "—"
    return str(words["methods"].get(method) or names.of({**MESSAGE_CLASSES, **COMMAND_KINDS}, method))


def _evidence(code: str, words: Mapping[str, Any]) -> str:
    """Return `相同的名称 2.70` for `names:2.70`; an id stays as it is."""
    name, _, value = code.partition(":")
    return f"{words['evidence'][name]} {value}".rstrip() if name in words["evidence"] else code


def _stages(ticket: Ticket, names: Names) -> Iterator[Stage]:
    yield Stage(name=names.of(STATUSES, "received"), at=ticket.received_at)
    for step in ticket.history:
        yield Stage(name=names.of(STATUSES, step.status), at=step.at)


def _limits(
    ticket: Ticket, names: Names, words: Mapping[str, Any], now: datetime, calendar: Calendar | None
) -> Iterator[Limit]:
    for deadline in () if ticket.deadlines is UNSET else ticket.deadlines:
        state, left = _left(ticket, deadline, words, now, calendar)
        yield Limit(
            name=names.of(CLOCKS, deadline.clock),
            at=deadline.due_at,
            left=left,
            state=state,
            provisional=deadline.provisional,
        )


_NEAR_DAYS = 1


def _left(
    ticket: Ticket, deadline: Deadline, words: Mapping[str, Any], now: datetime, calendar: Calendar | None
) -> tuple[str, str]:
    """Return the state of a deadline and what is left of it: in working days if it is counted in them."""
    if ticket.status in CLOSED:
        return "done", ""
    waits = None if ticket.due is None else getattr(ticket.due, f"{deadline.clock}_at", None)
    if waits is None:
        return "done", ""
    if deadline.due_at <= now:
        return "over", str(words["overdue"])
    today, last = now.astimezone(SHANGHAI).date(), deadline.due_at.astimezone(SHANGHAI).date()
    if last == today or calendar is None:
        hours = int((deadline.due_at - now).total_seconds() // 3600)
        return "near", words["hours_left"].format(count=hours)
    days = calendar.working_days(today, last)
    return ("near" if days <= _NEAR_DAYS else "open"), words["days_left"].format(count=days)


def _facts(ticket: Ticket, names: Names, words: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    w = words["facts"]
    yield w["channel"], "、".join(names.of(CHANNELS, one) for one in ticket.channels or (ticket.channel,))
    if ticket.request_kind:
        by = f"（{names.of(DECIDED_BY, ticket.request_kind_source)}）" if ticket.request_kind_source else ""
        yield w["kind"], names.of(REQUEST_KINDS, ticket.request_kind) + by
    if ticket.category and ticket.category.path:
        yield w["category"], " / ".join(ticket.category.path)
    yield w["urgency"], names.of(URGENCIES, ticket.urgency)
    if ticket.emergency:
        classes = "、".join(names.of(EMERGENCY_CLASSES, one) for one in ticket.emergency.classes)
        yield w["emergency"], f"{names.of(EMERGENCY_LEVELS, ticket.emergency.level)} {classes}"
    if ticket.location and ticket.location.adcode:
        adcode = ticket.location.adcode
        yield w["district"], f"{divisions.called().get(adcode[:6], '')} {adcode}".lstrip()
    yield w["confidentiality"], names.of(CONFIDENTIALITY, ticket.confidentiality)
    if ticket.minor_protection is not UNSET and ticket.minor_protection.flag:
        yield w["minor"], w["yes"]
    if ticket.dispatch is not UNSET and (organizer := ticket.dispatch.organizer_name or ticket.dispatch.organizer_code):
        yield w["organizer"], organizer
    elif ticket.dispatch_proposal is not UNSET and ticket.dispatch_proposal.organizer_name:
        yield w["proposed_organizer"], ticket.dispatch_proposal.organizer_name
    yield w["messages"], str(ticket.message_count)


_KIB = 1024


def _files(ticket: Ticket, names: Names) -> Iterator[File]:
    for one in ticket.attachments:
        if one.size is None:
            size = names.of(UNAVAILABLE, one.unavailable) if one.unavailable else "—"
        else:
            size = f"{one.size / _KIB:,.0f} KiB" if one.size >= _KIB else f"{one.size} B"
        yield File(kind=one.media_type, size=size)

"""The life of a ticket (办理状态) as data: its stages, and which may follow which."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas import enums

STATUSES = enums.STATUSES
"""Every stage, with its 中文."""

NEXT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "received": frozenset({"screened", "handed_over", "not_accepted", "registered"}),
        "screened": frozenset({"handed_over", "not_accepted", "registered"}),
        "handed_over": frozenset({"registered", "resolved", "archived"}),
        "not_accepted": frozenset({"reopened", "archived"}),
        "registered": frozenset({"answered", "dispatched", "not_accepted"}),
        "answered": frozenset({"resolved", "reopened"}),
        "dispatched": frozenset({"signed", "returned"}),
        "signed": frozenset({"in_progress", "returned"}),
        "returned": frozenset({"redispatched", "answered"}),
        "redispatched": frozenset({"signed", "returned"}),
        "in_progress": frozenset({"extended", "supervised", "resolved"}),
        "extended": frozenset({"in_progress", "supervised", "resolved"}),
        "supervised": frozenset({"in_progress", "extended", "resolved"}),
        "resolved": frozenset({"revisited", "reopened", "archived"}),
        "revisited": frozenset({"evaluated", "reopened", "archived"}),
        "evaluated": frozenset({"reopened", "archived"}),
        "reopened": frozenset({"registered", "answered", "dispatched", "in_progress", "resolved"}),
        "archived": frozenset({"reopened"}),
    }
)
"""Which stage may follow which: the way of JT/T 1019 and 国办函〔2025〕66号."""

CLOSED = frozenset({"resolved", "revisited", "evaluated", "archived", "not_accepted"})
"""Stages after which a ticket may leave the memory."""

WITH_AN_ORGANIZER = frozenset({"dispatched", "redispatched", "signed", "in_progress", "extended", "supervised"})
"""Stages in which an organizer (主办单位) has the ticket, so that supervision can reach somebody."""


def may_become(status: str, following: str) -> bool:
    """Return True if one stage may follow another; an unknown stage, of a later version, may lead to any."""
    return following in NEXT.get(status, STATUSES)

"""Rights of roles, and the part of the archive that a person may see. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from msgspec.structs import replace

from schemas.records import Ticket
from tickets.search import Query

Right = Literal["search", "export", "handovers", "acknowledge"]
"""`search`: masked tickets. `export`: the hits of a search as a file, masked as well. `handovers`: hand-overs
(紧急转接) in clear. `acknowledge`: answering them."""

ROLES: Mapping[str, frozenset[Right]] = MappingProxyType(
    {
        "analyst": frozenset({"search", "export"}),
        "clerk": frozenset({"search", "export"}),
        "desk": frozenset({"search", "handovers", "acknowledge"}),
        "operator": frozenset(),
        "auditor": frozenset({"search"}),
    }
)
"""Role to rights; a person with several roles has the rights of all.

Only the component `console:desk` can read hand-overs: in `console` there are no pages for those two rights.
"""


IDLE_ROLES = frozenset({"clerk"})
"""Roles whose sessions end when nobody uses them: they see tickets in clear (`see_clear`)."""

SHIFT_ROLES = frozenset({"desk"})
"""Roles that watch a screen for a whole shift: nobody may be thrown out of it during an emergency."""


def ends_idle(roles: Iterable[str]) -> bool:
    """Return whether a session of these roles ends after a time without use."""
    given = set(roles)
    return not given.isdisjoint(IDLE_ROLES) and given.isdisjoint(SHIFT_ROLES)


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """Return the rights of these roles; an unknown role has none."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))


def within(query: Query, cities: Sequence[str]) -> Query:
    """Return a search that finds masked tickets of these cities alone; it may ask for some of them.

    Masked searches find no restricted ticket (严格保密): it has no masked snapshot.
    """
    asked = tuple(city for city in query.filters.jurisdiction if city in cities)
    filters = replace(query.filters, jurisdiction=asked or tuple(cities), requesters=())
    return replace(query, filters=filters, sight="masked")


def may_see(ticket: Ticket, cities: Sequence[str]) -> bool:
    """Return whether a ticket is masked, of one of these cities, and not restricted (严格保密)."""
    return ticket.masked and ticket.jurisdiction in cities and ticket.confidentiality != "restricted"

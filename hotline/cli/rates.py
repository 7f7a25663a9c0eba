"""`hotline rates`: what citizens say when they are asked, by whom or what it is about; aggregates alone."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from msgspec import structs

from hotline.cli.archive import ask
from hotline.cli.common import span
from hotline.cli.narrowing import City, Since, Until
from hotline.cli.output import Column, lists

if TYPE_CHECKING:
    from hotline.search.archive import Archive
    from schemas.records import Ticket
    from tickets.satisfaction import Rates
    from tickets.search import Filters

ALL, FEW, NONE = "all", "few", "-"


def _organizer(ticket: "Ticket") -> str | None:
    from tickets.satisfaction import had_by

    return had_by(ticket)


_GROUPS: Mapping[str, "Callable[[Ticket], str | None]"] = {
    "organizer": _organizer,
    "kind": lambda ticket: ticket.request_kind,
    "category": lambda ticket: None if ticket.category is None else ticket.category.code,
    "channel": lambda ticket: ticket.channel,
}


COLUMNS = (
    Column("group", "分组"),
    Column("asked", "工单数", right=True),
    Column("response", "响应率", lambda one: _share(one["response"]), right=True),
    Column("resolution", "解决率", lambda one: _share(one["resolution"]), right=True),
    Column("satisfaction", "满意率", lambda one: _share(one["satisfaction"]), right=True),
)


@lists(COLUMNS, nothing="Too few responses: --least is the minimum, to protect privacy.")
def rates(
    ctx: typer.Context,
    by: Annotated[
        Literal["organizer", "kind", "category", "channel"] | None,
        typer.Option(help="One line for each value of these."),
    ] = None,
    jurisdiction: City = None,
    since: Since = None,
    until: Until = None,
    least: Annotated[int, typer.Option(min=1, help="Merge groups with fewer tickets into one line.")] = 10,
) -> "list[dict[str, Any]]":
    """Print 响应率, 解决率 and 满意率 from the last 回访 of each ticket in the archive."""
    from tickets.search import Filters

    first, end = span(since, until)
    filters = Filters(
        jurisdiction=(jurisdiction,) if jurisdiction else (), received_from=first, received_to=end, revisited=True
    )
    found = ask(ctx, lambda archive: _groups(archive, filters, by))
    return [{"group": name, **structs.asdict(one)} for name, one in lines_of(found, least).items()]


async def _groups(archive: "Archive", filters: "Filters", by: str | None) -> "Mapping[str, list[Ticket]]":
    found: defaultdict[str, list[Ticket]] = defaultdict(list)
    async for ticket in archive.tickets(filters=filters):
        found[(_GROUPS[by](ticket) or NONE) if by else ALL].append(ticket)
    return found


def lines_of(groups: "Mapping[str, list[Ticket]]", least: int) -> "dict[str, Rates]":
    """Return the rates of each group, of the small ones together, and of all; none is of fewer answers than `least`.

    The small ones take the next larger group in when they are too few even together: what is missing from the sum
    would be theirs.
    """
    from tickets.satisfaction import fewest
    from tickets.satisfaction import rates as rates_of

    every = [ticket for group in groups.values() for ticket in group]
    if len(every) < least:
        return {}
    large = sorted(((name, group) for name, group in groups.items() if name != ALL), key=lambda one: fewest(one[1]))
    few: list[Ticket] = []
    while large and (fewest(large[0][1]) < least or 0 < fewest(few) < least):
        few += large.pop(0)[1]
    lines = {name: rates_of(group) for name, group in sorted(large)}
    return lines | ({FEW: rates_of(few)} if few and large else {}) | {ALL: rates_of(every, least)}


def _share(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"

"""`hotline deadlines`: which limits have run out, and those that are reckoned anew once the calendar has grown."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.archive import ask
from hotline.cli.common import print_json, say, settings_of, there
from hotline.cli.narrowing import City
from hotline.cli.output import Column, lists
from schemas.enums import counted

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from hotline.search.archive import Archive
    from schemas.records import Command, Ticket
    from tickets.sla.deadlines import Limits

deadlines = typer.Typer(no_args_is_help=True, help="Time limits (办理时限) of the tickets that are open.")

GIVEN_AT_ONCE = 500

Line = dict[str, str | None]

OfRestricted = Annotated[
    bool, typer.Option("--restricted", help="Only restricted tickets (严格保密); needs a role of its own.")
]


COLUMNS = (
    Column("due_at", "期限"),
    Column("clock", "环节"),
    Column("status", "工单状态"),
    Column("organizer", "承办单位"),
    Column("ticket_no", "工单编号"),
    Column("ticket_id", "工单标识"),
)


@deadlines.command()
@lists(COLUMNS, nothing="Nothing is overdue.")
def overdue(
    ctx: typer.Context,
    jurisdiction: City = None,
    within_hours: Annotated[float, typer.Option(min=0, help="Also list tickets due within this many hours.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number, the longest overdue first.")] = 100,
    restricted: OfRestricted = False,
) -> list[Line]:
    """List open tickets that are past the deadline (超期) to accept, sign or resolve them."""
    from tickets.search import Filters

    settings = settings_of(ctx, accounts=False)
    limits, until = _limits(settings), datetime.now(UTC) + timedelta(hours=within_hours)
    filters = Filters(jurisdiction=(jurisdiction,) if jurisdiction else (), is_open=True, due_before=until)

    async def found(archive: "Archive") -> list[Line]:
        return [line async for ticket in archive.tickets(filters=filters) for line in lines_of(ticket, limits, until)]

    lines = sorted(ask(ctx, found, restricted=restricted), key=lambda line: f"{line['due_at']} {line['ticket_id']}")
    if len(lines) > limit:
        say(f"{len(lines) - limit} more: raise --limit.", err=True)
    return lines[:limit]


@deadlines.command()
def recompute(
    ctx: typer.Context,
    jurisdiction: City = None,
    restricted: OfRestricted = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands, but give none.")] = False,
) -> None:
    """Recalculate provisional deadlines (暂定) after the next year was added to the calendar and assign restarted.

    Each is a `set_deadline` command; deadlines that a clerk set stay, and granted extensions are kept.
    """
    from hotline.admin import commands
    from hotline.config import clients
    from tickets.search import Filters

    settings = settings_of(ctx, accounts=False)
    limits = _limits(settings)
    filters = Filters(jurisdiction=(jurisdiction,) if jurisdiction else (), is_open=True, provisional=True)

    async def found(archive: "Archive") -> list[tuple[str, str, bool]]:
        return [one async for ticket in archive.tickets(filters=filters) for one in provisional(ticket, limits)]

    deadlines_found = ask(ctx, found, restricted=restricted)
    orders = [_order(settings, name, clock) for name, clock, is_known in deadlines_found if is_known]
    for first in range(0, len(orders), GIVEN_AT_ONCE):
        if dry_run:
            for order in orders[first : first + GIVEN_AT_ONCE]:
                print_json(order)
        else:
            commands.send(settings, clients.kafka(settings), *orders[first : first + GIVEN_AT_ONCE])
    number = counted(len(orders), "deadline")
    say(f"{number} would be recalculated." if dry_run else f"{number} recalculated.", err=True)
    if left := len(deadlines_found) - len(orders):
        stay = counted(left, "stays", "stay")
        say(f"{stay} provisional: the calendar does not reach so far, see docs/how-to/rules.md.", err=True)


def lines_of(ticket: "Ticket", limits: "Limits", until: datetime) -> Iterator[Line]:
    """Yield a line for each deadline of a ticket that is overdue at `until`."""
    from tickets.sla.overdue import overdue as overdue_of

    for due in overdue_of(ticket, limits, until):
        yield {
            "due_at": there(due.due_at),
            "clock": due.clock,
            "status": ticket.status,
            "organizer": ticket.dispatch.organizer_code if ticket.dispatch else None,
            "ticket_no": ticket.ticket_no,
            "ticket_id": ticket.ticket_id,
        }


def provisional(ticket: "Ticket", limits: "Limits") -> Iterator[tuple[str, str, bool]]:
    """Yield ticket and clock of each provisional deadline, and whether the calendar knows its days by now."""
    from tickets.sla.overdue import running

    for due in running(ticket):
        if due.provisional:
            yield ticket.ticket_id, due.clock, limits.knows_days_of(due)


def _order(settings: "Settings", ticket_id: str, clock: str) -> "Command":
    from hotline.admin.commands import made

    return made(settings, "set_deadline", ticket_id, [f"clock={clock}", "recompute=true"])


def _limits(settings: "Settings") -> "Limits":
    from hotline.config.clients import verified_rules
    from tickets.policy import limits_of

    return limits_of(verified_rules(settings))

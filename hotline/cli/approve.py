"""`hotline approve`: a second person confirms what one person alone cannot order."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.archive import ask
from hotline.cli.command import LOOK_SECONDS, named, report_of, tell
from hotline.cli.common import AsJson, say, settings_of, there, write
from hotline.cli.output import Column, print_records
from hotline.output import readable
from hotline.translation import t

if TYPE_CHECKING:
    from broker.config import KafkaConnection
    from hotline.search.archive import Archive
    from schemas.records import Command

Line = dict[str, str | None]

COLUMNS = (
    Column("command_id", "指令标识"),
    Column("kind", "指令"),
    Column("jurisdiction", "行政区划"),
    Column("ticket", "工单", lambda one: one["ticket_no"] or one["ticket_id"]),
    Column("author", "申请人"),
    Column("at", "时间"),
    Column("reason", "原因"),
)


def approve(
    ctx: typer.Context,
    request: Annotated[str | None, typer.Argument(metavar="ID", help="Id of the waiting command.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the waiting commands, but confirm nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    timeout_seconds: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the decision.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Confirm a forget, a lowered level or a clear export that another person requested; it is then carried out."""
    from hotline.admin import commands, placement
    from hotline.config import clients
    from schemas.codec import decode
    from schemas.errors import MisconfiguredError
    from schemas.records import Command

    if list_ is (request is not None):
        raise MisconfiguredError("Give the id of one command, or --list to list the waiting ones.")
    settings = settings_of(ctx, accounts=False)
    connection = clients.kafka(settings)
    placement.check(connection)  # the outcome stands in the city's partition
    if request is None:
        _list(ctx, connection, as_json)
        return
    record = commands.request(connection, request)
    asked = decode(record.value or b"", Command)
    given, outbound = commands.confirmation(settings, record)
    if as_json and not yes:
        raise MisconfiguredError("--json cannot ask: add --yes.")
    if not as_json:
        _show(asked)
    if not yes:
        typer.confirm(t("Confirm it?"), abort=True)
    with named(given.command_id):
        commands.deliver(connection, outbound)
        decision = commands.outcome_of(connection, given, given_before=True, seconds=timeout_seconds)
    tell(given.command_id, decision, as_json=as_json)
    if decision is not None:
        report_of(settings, decision, min(timeout_seconds, LOOK_SECONDS), as_json=as_json)


def _list(ctx: typer.Context, connection: "KafkaConnection", as_json: bool) -> None:
    from hotline.admin import commands

    requests = commands.waiting(connection, datetime.now(UTC))
    numbers = _numbers(ctx, {one.ticket_id for one in requests if one.ticket_id})
    lines = [line_of(one, numbers.get(one.ticket_id or "")) for one in requests]
    print_records(lines, COLUMNS, "jsonl" if as_json else None, nothing="No command waits for a second person.")


def _numbers(ctx: typer.Context, tickets: Collection[str]) -> dict[str, str]:
    """Return the numbers (工单编号) of tickets, as far as the archive shows them to this user."""
    from schemas.errors import PipelineError

    async def found(archive: "Archive") -> dict[str, str]:
        read = [await archive.ticket(one) for one in tickets]
        return {one.ticket_id: one.ticket_no for one in read if one}

    numbers: dict[str, str] = {}
    try:
        for restricted in (False, True):
            tickets = [one for one in tickets if one not in numbers]
            if tickets:
                numbers |= ask(ctx, found, restricted=restricted)
    except PipelineError as error:
        say(f"The archive does not return the number of each ticket: {error}", err=True)
    return numbers


def line_of(request: "Command", ticket_no: str | None) -> Line:
    """Return what is listed of a request."""
    from tickets.admission import CONFIRM_WITHIN

    return {
        "command_id": request.command_id,
        "kind": request.kind,
        "jurisdiction": request.jurisdiction,
        "ticket_no": ticket_no,
        "ticket_id": request.ticket_id,
        "author": request.author,
        "at": there(request.at),
        "until": there(request.at + CONFIRM_WITHIN),
        "reason": request.reason,
    }


def _show(asked: "Command") -> None:
    from msgspec import json

    rows = {
        "kind": asked.kind,
        "ticket": asked.ticket_id or "-",
        "city": asked.jurisdiction,
        "requested by": asked.author,
        "at": asked.at.isoformat(),
        "reason": asked.reason or "-",
        "arguments": json.encode(asked.args).decode(),
    }
    for name, text in rows.items():
        write(f"{t(name):<10} {readable(text)}")

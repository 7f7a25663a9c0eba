"""`hotline approve`: a second person confirms what one person alone cannot order."""

from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.command import LOOK_SECONDS, named, report_of, tell
from hotline.cli.common import AsJson, say, settings_of
from hotline.output import readable

if TYPE_CHECKING:
    from schemas.records import Command


def approve(
    ctx: typer.Context,
    request: Annotated[str, typer.Argument(metavar="ID", help="Id of the command that waits.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    timeout_seconds: Annotated[float, typer.Option(min=0.1, help="How long to wait for the decision.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Confirm a forget, a lowered level or a clear export that somebody else asked for; then it is carried out."""
    from hotline import commands, placement, services
    from schemas.errors import MisconfiguredError
    from schemas.records import Command
    from schemas.wire import decode

    settings = settings_of(ctx, accounts=False)
    connection = services.kafka(settings)
    placement.check(connection)  # the outcome stands in the city's partition
    record = commands.request(connection, request)
    asked = decode(record.value or b"", Command)
    given, outbound = commands.confirmation(settings, record)
    if as_json and not yes:
        raise MisconfiguredError("Nobody can be asked with --json: add --yes.")
    if not as_json:
        _show(asked)
    if not yes:
        typer.confirm("Confirm it?", abort=True)
    with named(given.command_id):
        commands.deliver(connection, outbound)
        decision = commands.outcome_of(connection, given, given_before=True, seconds=timeout_seconds)
    tell(given.command_id, decision, as_json=as_json)
    if decision is not None:
        report_of(settings, decision, min(timeout_seconds, LOOK_SECONDS), as_json=as_json)


def _show(asked: "Command") -> None:
    from msgspec import json

    rows = {
        "kind": asked.kind,
        "ticket": asked.ticket_id or "-",
        "city": asked.jurisdiction,
        "asked by": asked.author,
        "at": asked.at.isoformat(),
        "reason": asked.reason or "-",
        "arguments": json.encode(asked.args).decode(),
    }
    for name, text in rows.items():
        say(f"{name:<10} {readable(text)}")

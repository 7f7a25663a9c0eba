"""`hotline dead`: what could not be processed, and why."""

from collections import Counter
from datetime import datetime
from heapq import nsmallest
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.cli.common import (
    AsJson,
    Reason,
    known_channel,
    moment,
    print_json,
    settings_of,
    span,
    there,
    write,
)
from hotline.cli.narrowing import City
from hotline.cli.output import Column, Listing, lists
from hotline.output import readable
from schemas.errors import ERROR_CODES

if TYPE_CHECKING:
    from hotline.admin.dead_letters.query import Filters, Letter
    from hotline.config.settings import Settings

dead = typer.Typer(no_args_is_help=True, help="List, show and replay dead letters (死信).")


def _known_code(code: str | None) -> str | None:
    if code is not None and code not in ERROR_CODES:
        raise typer.BadParameter(f"choose one of {', '.join(ERROR_CODES)}")
    return code


Code = Annotated[str | None, typer.Option(callback=_known_code, help="Only this code, such as malformed.")]

Stage = Annotated[str | None, typer.Option(help="Only this stage, such as normalize.")]
Channel = Annotated[str | None, typer.Option(callback=known_channel, help="Only this channel.")]
Account = Annotated[str | None, typer.Option(help="Only this account.")]
Since = Annotated[
    datetime | None, typer.Option(parser=moment, metavar="TIME", help="Failed at this time or later (Chinese time).")
]
Until = Annotated[
    datetime | None, typer.Option(parser=moment, metavar="TIME", help="Failed before this time (Chinese time).")
]


COLUMNS = (
    Column("id", "编号"),
    Column("at", "时间"),
    Column("stage", "环节"),
    Column("code", "代码"),
    Column("channel", "渠道"),
    Column("reason", "原因"),
    Column("replayed", "已重放", right=True),
)
COUNTS = (Column("count", "数量", right=True), Column("stage", "环节"), Column("code", "代码"))


@dead.command("list")
@lists(COLUMNS)
def list_(
    ctx: typer.Context,
    code: Code = None,
    stage: Stage = None,
    channel: Channel = None,
    account: Account = None,
    jurisdiction: City = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number.")] = 100,
    count: Annotated[bool, typer.Option("--count", help="Only count them by stage and code.")] = False,
) -> Listing:
    """List dead letters, the oldest first; shows no personal data."""
    from hotline.admin.audit import replays
    from hotline.admin.dead_letters.query import letters
    from hotline.cli.dead_view import of_a_stage
    from hotline.config.clients import kafka

    chosen = _filters(code, stage, channel, account, jurisdiction, since, until)
    connection = kafka(settings_of(ctx, accounts=False))
    found = of_a_stage(letters(connection, chosen, replays(connection, chosen.since)), chosen)
    if count:
        counts = Counter((letter.stage, letter.code) for letter in found).most_common()
        rows = [{"stage": stage, "code": code, "count": number} for (stage, code), number in counts]
        return Listing(rows, COUNTS, _nothing(chosen))
    return Listing(nsmallest(limit, found, key=lambda letter: letter.at), COLUMNS, _nothing(chosen))


@dead.command()
def show(
    ctx: typer.Context,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="partition:offset, as `dead list` shows it.")],
    clear: Annotated[
        bool,
        typer.Option("--clear", help="Also show its headers and bytes; the reader and the reason are recorded first."),
    ] = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter; with --clear and a --reason also its original headers and bytes."""
    import asyncio

    from msgspec import to_builtins

    from hotline.admin.dead_letters.original import bytes_shown
    from hotline.admin.dead_letters.query import find, letter_of
    from hotline.config import clients
    from schemas.errors import MissingBlobError
    from streams.blobs import Blobs

    settings = settings_of(ctx, accounts=False)
    connection = clients.kafka(settings)
    record = find(connection, identifier)
    letter = letter_of(record, clear=clear)
    shown = to_builtins(letter, builtin_types=(datetime,))
    value, gone = b"", None
    if clear:
        try:
            value = asyncio.run(bytes_shown(record, letter, Blobs(clients.blobs(settings))))
        except MissingBlobError as error:  # who wrote it is told all the same
            gone = error
        _tell_who_reads(settings, letter, record.key or b"", reason)
    if as_json:
        print_json({**shown, "value": value} if clear else shown)
    else:
        _show(shown)
    if gone is not None:
        raise MissingBlobError(
            f"{gone}; its headers name the sender. Mount or restore the store and ask again"
        ) from gone
    if clear and not as_json:
        write(f"\n{readable(value.decode(errors='replace'))}")


def _show(shown: dict[str, Any]) -> None:
    headers = shown.pop("headers")
    for name, text in {**shown, **headers}.items():
        write(f"{name:<42} {readable(there(text) if isinstance(text, datetime) else str(text))}")


@dead.command()
def replay(
    ctx: typer.Context,
    identifiers: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Only these; by default all that match the options.")
    ] = None,
    code: Code = None,
    stage: Stage = None,
    channel: Channel = None,
    account: Account = None,
    jurisdiction: City = None,
    since: Since = None,
    until: Until = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Maximum number per second.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were replayed before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be replayed, but do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Return dead letters to the stage that failed; exit code 1 if some could not be returned."""
    from hotline.admin import placement
    from hotline.admin.dead_letters.query import find
    from hotline.cli import dead_view
    from hotline.config import clients
    from hotline.runtime.logging import set_up_tool

    chosen = _filters(code, stage, channel, account, jurisdiction, since, until, identifiers or ())
    settings = settings_of(ctx)
    set_up_tool(settings.log.level, settings.log.format)
    connection = clients.kafka(settings)
    placement.check(connection)  # a city's record goes to the city's partition
    for identifier in identifiers or ():
        find(connection, identifier)  # a letter that is not there is no empty success
    dead_view.replay(
        settings,
        chosen,
        rate=rate,
        again=again,
        dry_run=dry_run,
        yes=yes,
        reason=reason,
        as_json=as_json,
    )


def _filters(
    code: str | None,
    stage: str | None,
    channel: str | None,
    account: str | None,
    jurisdiction: str | None,
    since: datetime | None,
    until: datetime | None,
    only: "list[str] | tuple[str, ...]" = (),
) -> "Filters":
    from hotline.admin.dead_letters.query import Filters

    first, end = span(since, until)
    return Filters(
        code=code,
        stage=stage,
        channel=channel,
        account=account,
        jurisdiction=jurisdiction,
        since=first,
        until=end,
        only=frozenset(only),
    )


def _tell_who_reads(settings: "Settings", letter: "Letter", key: bytes, reason: str | None) -> None:
    """Record the access before anything is shown: what cannot be recorded is not shown."""
    from datetime import UTC

    from hotline.admin import audit, commands
    from hotline.config import clients
    from schemas.errors import MisconfiguredError

    if not reason:
        raise MisconfiguredError("Reading a dead letter in clear is recorded: give the reason with --reason.")
    connection = clients.kafka(settings)
    run = audit.run_of(settings, reason)
    details = {"from": letter.came_from, "message_id": letter.message_id}
    audit.record(connection, run.act(audit.READ, datetime.now(UTC), letter.id, **details))
    if letter.came_from.startswith("hotline.ticket."):  # the ticket's own log of readings has it, too
        command = commands.made(settings, "read", key.decode(errors="replace"), reason=reason)
        commands.send(settings, connection, command)


def _nothing(chosen: "Filters") -> str:
    from hotline.admin.dead_letters.query import Filters

    narrowed = "No dead letter matches these options: `hotline dead list --count` counts all of them."
    return "No dead letters." if chosen == Filters() else narrowed

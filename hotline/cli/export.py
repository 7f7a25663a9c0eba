"""`hotline export`: tickets of the archive for systems that speak Open311 or Zammad."""

import asyncio
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer

from hotline.cli.archive import ask
from hotline.cli.common import Clear, Reason, Restricted, refuse_misread, refuse_unreasoned, say, settings_of
from hotline.cli.narrowing import narrowed
from hotline.cli.subjects import refuse_unknown
from schemas.enums import counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hotline.admin.clear_exports import Order
    from hotline.config.settings import Settings
    from hotline.search.archive import Archive, Tickets
    from schemas.records import Ticket
    from tickets.search import Filters

PAGE = 500
"""Tickets that one record names."""


@narrowed
def export(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="File to write; - is standard output.")],
    form: Annotated[
        Literal["open311-json", "open311-xml", "zammad"],
        typer.Option("--format", help="Service requests, or one POST body of Zammad's /api/v1/tickets per line."),
    ],
    query: Annotated[str, typer.Option(help="Words that must all occur; -word must not.")] = "",
    *,
    filters: "Filters",
    media_base_url: Annotated[
        str | None, typer.Option(help="Address of the blob store for readers, for media_url.")
    ] = None,
    zammad_group: Annotated[str, typer.Option(help="Zammad: group that gets the tickets.")] = "Users",
    zammad_customer: Annotated[
        str | None, typer.Option(help="Zammad: login of the customer for all citizens without a mail address.")
    ] = None,
    clear: Clear = False,
    restricted: Restricted = False,
    reason: Reason = None,
    request: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="With --clear or --restricted: the request that a second person has confirmed."
        ),
    ] = None,
) -> None:
    """Write tickets of the archive to a file, masked unless --clear or --restricted.

    With either option a second person confirms first (`hotline approve`), and the access is recorded.
    """
    from hotline.admin import clear_exports
    from hotline.search.export import Choices
    from hotline.search.export import export as write

    settings, clear = settings_of(ctx, accounts=False), clear or restricted
    chosen = Choices(media_base_url, zammad_group, zammad_customer)
    refuse_misread(query)
    refuse_unreasoned(clear, reason)
    if clear and not clear_exports.is_free(settings):
        _check_confirmed(settings, request, reason, clear_exports.Order(form, query, filters, restricted))
    with _opened(file) as out:

        async def written(archive: "Archive") -> int:
            tickets = archive.tickets(query, masked=not clear, filters=filters)
            if clear:
                tickets = _recorded(tickets, settings, reason)
            count = await write(tickets, form, out, chosen)
            if not count:
                await refuse_unknown(archive, filters.category, settings)
            return count

        count = ask(ctx, written, restricted=restricted)
    say(f"{counted(count, 'ticket')} written.", err=True)


def _check_confirmed(settings: "Settings", request: str | None, reason: str | None, order: "Order") -> None:
    """Let an export go on that a second person confirmed; else ask for that and raise Exit."""
    from hotline.admin import clear_exports

    if request is not None:
        clear_exports.check(settings, request, order)
        return
    asked = clear_exports.ask(settings, reason, order)
    say(f"Nothing was exported yet: a second person must run `hotline approve {asked}`,", err=True)
    say(f"then run this again with --request {asked} within seven days.", err=True)
    raise typer.Exit(1)


async def _recorded(tickets: "Tickets", settings: "Settings", reason: str | None) -> "AsyncIterator[Ticket]":
    """Yield tickets when it is recorded who reads them: what cannot be recorded is not written.

    Not by commands, as `hotline search` does of the few that it shows: assign would decide about nothing else for long.
    """
    from hotline.admin import audit
    from hotline.config import clients

    run, connection = audit.run_of(settings, reason), clients.kafka(settings)
    async for page in _pages(tickets):
        read = [ticket.ticket_id for ticket in page]
        act = run.act(audit.READ, datetime.now(UTC), read[0], tickets=read)
        await asyncio.to_thread(audit.record, connection, act)
        for ticket in page:
            yield ticket


async def _pages(tickets: "Tickets") -> "AsyncIterator[list[Ticket]]":
    page: list[Ticket] = []
    async for ticket in tickets:
        page.append(ticket)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


@contextmanager
def _opened(file: str) -> "Iterator[BinaryIO]":
    """Open a file that takes its name only when all is in it: half an export must not be taken for a whole one."""
    from schemas.errors import MisconfiguredError
    from storage.private_files import for_us_alone

    if file in ("-", "/dev/stdout"):
        yield sys.stdout.buffer
        return
    path = Path(file)
    if path.exists() and not (path.is_file() or path.is_dir()):  # taking the name of a device would end it
        raise MisconfiguredError(f"{file} is not a regular file: name one, or - for standard output.")
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)  # another one's may be readable by all, or lead elsewhere
        with open(part, "xb", opener=for_us_alone) as out:
            yield out
        part.replace(path)
    except OSError as error:
        raise MisconfiguredError(f"{file} cannot be written ({error.strerror}): name another file.") from error
    finally:
        part.unlink(missing_ok=True)

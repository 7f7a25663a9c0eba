"""`hotline export`: tickets of the archive for systems that speak Open311 or Zammad."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer

from hotline.cli.archive import ask
from hotline.cli.common import Clear, refuse_misread, settings_of
from hotline.cli.narrowing import (
    Category,
    Channel,
    City,
    Cluster,
    Kind,
    Person,
    Place,
    Since,
    Status,
    Until,
    filters_of,
)
from hotline.cli.subjects import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotline.archive import Archive


def export(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write; - is standard output.")],
    form: Annotated[
        Literal["open311-json", "open311-xml", "zammad"],
        typer.Option("--format", help="Service requests, or one POST body for Zammad's /api/v1/tickets a line."),
    ],
    query: Annotated[str, typer.Option(help="Words that must all be there; -word must not.")] = "",
    channel: Channel = None,
    status: Status = None,
    kind: Kind = None,
    category: Category = None,
    jurisdiction: City = None,
    adcode: Place = None,
    cluster: Cluster = None,
    person: Person = None,
    since: Since = None,
    until: Until = None,
    media_base_url: Annotated[str | None, typer.Option(help="Where the blob store can be read, for media_url.")] = None,
    zammad_group: Annotated[str, typer.Option(help="Zammad: the group that gets the tickets.")] = "Users",
    zammad_customer: Annotated[
        str | None, typer.Option(help="Zammad: login of the customer who stands for all without a mail address.")
    ] = None,
    clear: Clear = False,
) -> None:
    """Write tickets of the archive to a file, masked unless --clear."""
    from hotline.export import Choices
    from hotline.export import export as write

    filters = filters_of(
        channel=channel,
        status=status,
        kind=kind,
        category=category,
        jurisdiction=jurisdiction,
        adcode=adcode,
        cluster=cluster,
        person=person,
        since=since,
        until=until,
        clear=clear,
    )
    chosen = Choices(media_base_url, zammad_group, zammad_customer)
    refuse_misread(query)
    settings = settings_of(ctx, accounts=False)
    with _opened(file) as out:

        async def written(archive: "Archive") -> int:
            count = await write(archive.tickets(query, masked=not clear, filters=filters), form, out, chosen)
            if not count:
                await refuse_unknown(archive, filters.category, settings.rules.folder)
            return count

        count = ask(ctx, written, settings)
    typer.echo(f"{count} tickets written.", err=True)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # with --clear it holds personal data


@contextmanager
def _opened(file: str) -> "Iterator[BinaryIO]":
    """Open a file that takes its name only when all is in it: half an export must not be taken for a whole one."""
    from schemas.errors import MisconfiguredError

    if file in ("-", "/dev/stdout"):
        yield sys.stdout.buffer
        return
    path = Path(file)
    if path.exists() and not (path.is_file() or path.is_dir()):  # taking the name of a device would end it
        raise MisconfiguredError(f"{file} is no ordinary file: name one, or - for standard output.")
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)  # another one's may be readable by all, or lead elsewhere
        with open(part, "xb", opener=_for_us_alone) as out:
            yield out
        part.replace(path)
    except OSError as error:
        raise MisconfiguredError(f"{file} cannot be written ({error.strerror}): name another file.") from error
    finally:
        part.unlink(missing_ok=True)

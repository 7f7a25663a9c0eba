"""`hotline index`: the indices of the archive."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.cli.common import AsJson, print_json, say, settings_of
from hotline.cli.output import Column, lists, size
from schemas.enums import counted

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from sinks.elastic.reindex import Report

index = typer.Typer(no_args_is_help=True, help="Create, describe and rebuild the indices of the archive.")


@index.command()
def create(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Create missing templates, indices and aliases, and add new fields to existing ones."""
    from schemas.contract.index_templates import indices
    from sinks.elastic.templates import ensure_indices

    settings = settings_of(ctx, accounts=False)
    wanted = indices(shards=settings.elasticsearch.shards.by_index).values()
    created = asyncio.run(_asked(settings, lambda client: ensure_indices(client, wanted)))
    if as_json:
        print_json({"created": created})
    else:
        number = counted(len(created), "index", "indices")
        say(f"{number} created{': ' + ', '.join(created) if created else ''}.")


COLUMNS = (
    Column("alias", "别名"),
    Column("index", "索引"),
    Column("documents", "文档数", right=True, shown="{:,}".format),
    Column("bytes", "大小", right=True, shown=size),
    Column("in_use", "使用中"),
    Column("blocked", "停止写入"),
)


@index.command()
@lists(COLUMNS, nothing="The archive has no index yet: run `hotline index create`.")
def describe(ctx: typer.Context) -> Iterator[dict[str, Any]]:
    """Show the indices of each alias with documents and size, and mark those that no search reads."""
    rows = asyncio.run(_asked(settings_of(ctx, accounts=False), _rows))
    yield from rows
    if not rows:
        raise typer.Exit(1)


@index.command()
def rebuild(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="ticket, ticket_masked, message or link; all by default."),
    ] = None,
    month: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this month of messages (UTC), such as 2026-11; by default all that the topic still has."
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the old index without an alias; erasures no longer reach it.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Accept the loss of documents that only the old index has.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fill a new index from the topic while the sink keeps running, compare both, then replace the old one."""
    from hotline.admin.reindex import rebuild as work
    from hotline.dev.stack.progress import Shown
    from hotline.runtime.logging import set_up_tool
    from hotline.terminal import Console

    settings = settings_of(ctx, accounts=False)
    set_up_tool(settings.log.level, settings.log.format)
    with Shown(Console(stderr=True)) as progress:
        job = work(settings, names or [], month or [], keep=keep, drop=drop, told=progress.count)
        for report in job:
            if as_json:
                print_json(report)
            else:
                say(_told(report))


def _told(report: "Report") -> str:
    documents = counted(report.documents, "document")
    seconds = f"writes waited {report.blocked_seconds:.1f} s"
    parts = [f"{report.index} replaced {report.former}: {documents}, {seconds}"]
    if report.carried:
        carried = counted(report.carried, "was", "were")
        parts.append(f"{carried} taken from the old index, because the topic no longer has them")
    if report.refused:
        refused = counted(report.refused.total(), "record fits", "records fit")
        parts.append(f"{refused} no index, see `hotline dead list --stage sink`")
    return "; ".join(parts)


async def _asked(settings: "Settings", ask: Callable[[Any], Awaitable[Any]]) -> Any:
    from hotline.config.clients import elasticsearch
    from sinks.elastic.errors import translated

    async with elasticsearch(settings) as client:
        with translated():
            return await ask(client)


async def _rows(client: Any) -> list[dict[str, Any]]:
    from schemas.contract.index_templates import indices
    from sinks.elastic.indices import all_of

    rows = []
    for one in indices().values():
        for name, told in sorted((await all_of(client, one)).items()):
            primaries = (await client.indices.stats(index=name))["indices"][name]["primaries"]
            rows.append({"alias": one.alias, "index": name, "documents": primaries["docs"]["count"],
                         "bytes": primaries["store"]["size_in_bytes"], **told})  # fmt: skip
    return rows

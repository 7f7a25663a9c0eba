"""`hotline index`: the indices of the archive."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import typer

from hotline.cli.common import AsJson, print_json, settings_of

if TYPE_CHECKING:
    from hotline.settings import Settings

index = typer.Typer(no_args_is_help=True, help="Create and describe the indices of the archive.")


@index.command()
def create(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Create the templates, indices and aliases that are missing, and add new fields to those that are there."""
    from sinks.elastic.templates import ensure_indices

    created = asyncio.run(_asked(settings_of(ctx), ensure_indices))
    if as_json:
        print_json({"created": created})
    else:
        typer.echo(f"{len(created)} indices created{': ' + ', '.join(created) if created else ''}.")


@index.command()
def describe(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the indices behind each alias, with their documents and bytes."""
    rows = asyncio.run(_asked(settings_of(ctx), _rows))
    for row in rows:
        if as_json:
            print_json(row)
        else:
            typer.echo(
                f"{row['alias']:<24} {row['index']:<30} {row['documents']:>10} documents {row['bytes']:>12} bytes"
            )
    if not rows:
        typer.echo("The archive has no index yet: run `hotline index create`.", err=True)
        raise typer.Exit(1)


async def _asked(settings: "Settings", ask: Callable[[Any], Awaitable[Any]]) -> Any:
    from hotline.services import elasticsearch
    from sinks.elastic.errors import translated

    client = elasticsearch(settings)
    try:
        with translated():
            return await ask(client)
    finally:
        await client.close()


async def _rows(client: Any) -> list[dict[str, Any]]:
    from schemas.elastic import indices

    rows = []
    for one in indices().values():
        for name in sorted(await client.indices.get(index=one.pattern)):
            primaries = (await client.indices.stats(index=name))["indices"][name]["primaries"]
            rows.append({"alias": one.alias, "index": name, "documents": primaries["docs"]["count"],
                         "bytes": primaries["store"]["size_in_bytes"]})  # fmt: skip
    return rows

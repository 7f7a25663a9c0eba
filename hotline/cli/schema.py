"""`hotline schema`: what is generated from the code, for other systems and for readers of docs/reference."""

from pathlib import Path
from typing import Annotated

import typer

schema = typer.Typer(no_args_is_help=True, help="Check and export the generated schemas and reference pages.")


@schema.command()
def check() -> None:
    """Say which generated files differ from the code; exit 1 when any does."""
    from hotline.reference import pages
    from schemas import generate

    stale = [*generate.check(), *(f"docs/reference/{name}" for name in pages.check())]
    for path in stale:
        typer.echo(f"{path} is not what the code says: run `hotline schema export`.")
    if not stale:
        typer.echo("The generated schemas and pages are what the code says.")
    raise typer.Exit(1 if stale else 0)


@schema.command()
def export(
    to: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write a copy into this folder instead, and delete nothing.")
    ] = None,
) -> None:
    """Write the generated schemas and reference pages anew."""
    from hotline.reference import pages
    from schemas import generate

    if to is None:
        written = [*generate.export(), *pages.export()]
    else:
        copies = {**generate.files(), **{f"reference/{name}": content for name, content in pages.files().items()}}
        written = [_written(to / path, content) for path, content in copies.items()]
    typer.echo(f"{len(written)} files written.")


def _written(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)

"""`hotline schema`: what other systems read from the records."""

from pathlib import Path
from typing import Annotated

import typer

schema = typer.Typer(no_args_is_help=True, help="Check and export the generated schemas.")


@schema.command()
def check() -> None:
    """Say which generated files differ from the records; exit 1 when any does."""
    from schemas.generate import check as stale_files

    stale = stale_files()
    for path in stale:
        typer.echo(f"{path} is not what the records say: run `hotline schema export`.")
    if not stale:
        typer.echo("The generated schemas are what the records say.")
    raise typer.Exit(1 if stale else 0)


@schema.command()
def export(
    to: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write a copy into this folder instead, and delete nothing.")
    ] = None,
) -> None:
    """Write the generated schemas anew."""
    from schemas import generate

    if to is None:
        written = generate.export()
    else:
        written = [_written(to / path, content) for path, content in generate.files().items()]
    typer.echo(f"{len(written)} files written.")


def _written(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)

"""The command line, one file per group of verbs."""

import sys

import typer

from hotline.cli import stack
from schemas.errors import PipelineError

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command()(stack.up)
app.command()(stack.down)
app.command()(stack.status)


def main() -> None:
    """Run a verb; a fault is one sentence and exit code 2."""
    try:
        app()
    except PipelineError as error:
        typer.echo(f"hotline: {error}", err=True)
        sys.exit(2)

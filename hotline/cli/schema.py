"""`hotline schema`: what is generated from the code for other systems and readers, and what was promised to them."""

from pathlib import Path
from typing import Annotated

import typer

from hotline.cli.common import say
from schemas.enums import counted
from schemas.errors import MisconfiguredError

schema = typer.Typer(no_args_is_help=True, help="Check, export and release the schemas and reference pages.")


@schema.command()
def check(ctx: typer.Context) -> None:
    """List generated files that differ from the code, and what breaks a released version; exit 1 if there is any.

    Every released version counts: its readers must be able to read new records, and its records must stay readable.
    """
    wrong = [*_stale(ctx), *_broken()]
    for sentence in wrong:
        say(sentence)
    if not wrong:
        say("The generated schemas and pages match the code, and every released reader stays compatible.")
    raise typer.Exit(1 if wrong else 0)


@schema.command()
def release(ctx: typer.Context) -> None:
    """Freeze the shapes and golden records permanently as the version in schemas/envelope.py."""
    from schemas.contract import releases

    now = releases.current()
    if not releases.is_new(now):
        raise MisconfiguredError(
            f"Version {now.shape.version} is released and frozen: raise VERSION in schemas/envelope.py first."
        )
    if wrong := [*_stale(ctx), *_broken()]:
        raise MisconfiguredError("\n".join([*wrong, "Nothing was released."]))
    say(f"Released {now.shape.version} into {releases.cut(now)}: commit it.")


@schema.command()
def export(
    ctx: typer.Context,
    to: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write a copy to this folder instead, and delete nothing.")
    ] = None,
) -> None:
    """Write the generated schemas and reference pages again."""
    from hotline.dev.reference import pages
    from schemas.contract import generate

    if to is None:
        written = [*generate.export(), *pages.export(ctx.find_root().command)]
    else:
        copies = {
            **generate.files(),
            **{f"reference/{name}": content for name, content in pages.files(ctx.find_root().command).items()},
        }
        written = [_written(to / path, content) for path, content in copies.items()]
    say(f"{counted(len(written), 'file')} written.")


def _stale(ctx: typer.Context) -> list[str]:
    from hotline.dev.reference import pages
    from schemas.contract import generate

    stale = [*generate.check(), *(f"docs/reference/{name}" for name in pages.check(ctx.find_root().command))]
    return [f"{path} does not match the code: run `hotline schema export`." for path in stale]


def _broken() -> list[str]:
    from schemas.contract import releases

    return [f"{fault}." for fault in releases.faults(releases.current())]


def _written(path: Path, content: bytes) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise MisconfiguredError(f"{path} cannot be written ({error.strerror}): name another folder.") from error
    return str(path)

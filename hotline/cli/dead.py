"""`hotline dead`: what could not be processed, and why."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.common import AsJson, Clear, print_json, readable, settings_of

if TYPE_CHECKING:
    from hotline.dead import Letter

dead = typer.Typer(no_args_is_help=True, help="List and show dead letters.")


@dead.command("list")
def list_(
    ctx: typer.Context,
    code: Annotated[str | None, typer.Option(help="Only this code, such as malformed.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only of this stage, such as normalize.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only of this channel.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List dead letters; no line holds personal data."""
    from hotline.dead import Filters, letters
    from hotline.services import kafka

    found = letters(kafka(settings_of(ctx)), Filters(code=code, stage=stage, channel=channel))
    for letter in islice(found, limit):
        if as_json:
            print_json(letter)
        else:
            typer.echo(_line(letter))


@dead.command()
def show(
    ctx: typer.Context,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="partition:offset, as `dead list` shows it.")],
    clear: Clear = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter; with --clear also its original headers and bytes."""
    from msgspec import to_builtins

    from hotline.dead import find, letter_of
    from hotline.services import kafka

    record = find(kafka(settings_of(ctx)), identifier)
    shown = to_builtins(letter_of(record, clear=clear))
    if as_json:
        print_json({**shown, "value": record.value} if clear else shown)
        return
    headers = shown.pop("headers")
    for name, value in {**shown, **headers}.items():
        typer.echo(f"{name:<42} {readable(str(value))}")
    if clear:
        typer.echo(f"\n{readable((record.value or b'').decode(errors='replace'))}")


def _line(letter: "Letter") -> str:
    at = letter.at.isoformat(timespec="seconds")
    where = f"{letter.stage:<10} {letter.code:<16} {letter.channel or '-':<8}"
    return f"{letter.id:<10} {at}  {where} {readable(letter.reason)}"

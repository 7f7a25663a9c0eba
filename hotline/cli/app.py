"""The front door's frame: global options, and faults as one sentence; the verbs stand in `verbs.py`."""

import errno
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from hotline import translation
from hotline.cli.common import Globals, complain, give_up_output, say
from hotline.cli.language import help_in_language, refusal_in_language, said_before
from hotline.cli.verbs import VERBS, Commands, shown
from schemas.errors import FatalError, PipelineError, UnreachableError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class FrontDoor(TyperGroup):
    """Imports a verb when it is called. An error of ours is one sentence; exit code 2 if a person must act, else 1."""

    def __init__(self, **told: Any) -> None:
        super().__init__(**told)
        self.commands = Commands()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the global options; the language is chosen first, as `--help` and errors need it."""
        translation.choose(said_before(VERBS, args))
        help_in_language(self)
        with refusal_in_language():
            return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all verbs."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a verb as a list shows it; the verb itself is what `resolve_command` returns."""
        return shown(cmd_name) if cmd_name in VERBS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the verb that is called."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.commands[name] if name else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            with refusal_in_language():
                return super().invoke(ctx)
        except PipelineError as error:
            if ctx.params.get("debug"):
                raise
            complain(error)
            raise typer.Exit(2 if isinstance(error, FatalError) else 1) from error
        except OSError as error:
            if ctx.params.get("debug") or not (told := _of_the_machine(error)):
                raise
            complain(told)
            give_up_output()
            raise typer.Exit(1) from error


def _of_the_machine(error: OSError) -> PipelineError | None:
    """Return in our words what no verb has told of itself; None for a fault of ours, and for a reader who has gone."""
    if error.filename is not None:
        return UnreachableError(f"{error.filename} cannot be used ({error.strerror}): check its rights and its disk.")
    if error.errno in _FULL:
        told = f"The output is incomplete ({error.strerror})"
        return UnreachableError(f"{told}: free some space, or write it elsewhere.")
    return None


app = typer.Typer(
    cls=FrontDoor,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="12345 政务服务便民热线: takes in every message to a city, as tickets and a searchable archive.",
)


def _show_version(asked: bool) -> None:
    if asked:
        from hotline.version import build

        say(f"hotline {build()}")
        raise typer.Exit


@app.callback()
def front_door(
    ctx: typer.Context,
    settings: Annotated[
        Path | None, typer.Option(help="Settings file; ./hotline.toml by default.", envvar="HOTLINE_SETTINGS")
    ] = None,
    lang: Annotated[
        Literal["zh", "en"] | None,
        typer.Option("--lang", help="Language of texts; by default HOTLINE_LANG, else that of the terminal (LANG)."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Keep the global options for the verb."""
    ctx.obj = Globals(settings_file=settings)

"""The front door's frame: global options, the table of verbs, and faults as one sentence."""

import errno
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hotline.cli import archive, check, demo, evaluate, export, import_, stack, status, trial
from hotline.cli import run as run_
from hotline.cli.answers import answers
from hotline.cli.approve import approve
from hotline.cli.audit import audit
from hotline.cli.bench import bench
from hotline.cli.command import command
from hotline.cli.common import Globals, complain, give_up_output, say
from hotline.cli.dead import dead
from hotline.cli.deadlines import deadlines
from hotline.cli.index import index
from hotline.cli.learn import learn
from hotline.cli.new import new
from hotline.cli.pipe import pipe
from hotline.cli.rates import rates
from hotline.cli.replay import replay
from hotline.cli.schema import schema
from hotline.cli.topics import topics
from hotline.cli.webhook import webhook
from schemas.errors import FatalError, PipelineError, UnreachableError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class FrontDoor(TyperGroup):
    """Turns our own errors into one sentence and an exit code: 2 when a person must act, else 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
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
        return UnreachableError(f"{error.filename} cannot be used ({error.strerror}): see its rights and its disk.")
    if error.errno in _FULL:
        told = f"What was to be written is not all there ({error.strerror})"
        return UnreachableError(f"{told}: make room, or have it written elsewhere.")
    return None


app = typer.Typer(
    cls=FrontDoor,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="12345 政务服务便民热线: every message to a city, as one stream of tickets and one searchable archive.",
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"hotline {version('hotline')}")
        raise typer.Exit


@app.callback()
def front_door(
    ctx: typer.Context,
    settings: Annotated[
        Path | None, typer.Option(help="Settings file; ./hotline.toml by default.", envvar="HOTLINE_SETTINGS")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a fault.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Keep the global options for the verb."""
    ctx.obj = Globals(settings_file=settings)


app.command()(stack.up)
app.command()(stack.down)
app.command()(status.status)
app.command()(demo.demo)
app.command()(run_.run)
app.command()(pipe)
app.command()(check.check)
app.command()(check.doctor)
app.add_typer(topics, name="topics")
app.add_typer(index, name="index")
app.command("import")(import_.import_)
app.command("try")(trial.try_)
app.command()(evaluate.evaluate)
app.command()(archive.search)
app.command()(archive.show)
app.command()(archive.explain)
app.command()(export.export)
app.command()(rates)
app.command()(command)
app.command()(approve)
app.add_typer(deadlines, name="deadlines")
app.add_typer(dead, name="dead")
app.add_typer(audit, name="audit")
app.add_typer(webhook, name="webhook")
app.add_typer(answers, name="answers")
app.command()(replay)
app.add_typer(schema, name="schema")
app.add_typer(learn, name="learn")
app.add_typer(new, name="new")
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench)

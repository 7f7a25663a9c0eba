"""`hotline run`: components in this process, or all of them in processes of their own."""

import os
import sys
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.common import complain, settings_of

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from schemas.errors import PipelineError

PARENT_VARIABLE = "HOTLINE_PARENT"
"""Process id of a `run all`: a child whose parent is gone ends."""

AHEAD = frozenset({"connector", "receiver", "lmtp", "screen", "monitor"})
"""What takes messages in, hands emergencies over, or watches."""

BEHIND_NICE = 5
"""How much everything else gives way to it where processors are short: an emergency must not wait for the archive."""

BROKERS_ASKED = 3
"""A worker that could not go on asks so many for the reason: its end has a bound."""


def run(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="A component that `hotline check` lists, such as screen, sink:elastic or connector:mayor; "
            "connector:* runs all accounts in one process, all runs every component in a process of its "
            "own.",
        ),
    ],
) -> None:
    """Run components until SIGTERM or Ctrl-C; they finish their work first."""
    from hotline.runtime.logging import set_up

    settings = settings_of(ctx)
    set_up(settings.log.level, settings.log.format, tracebacks=bool(ctx.find_root().params.get("debug")))
    if names == ["all"]:
        _run_all(ctx, settings)
    else:
        _run_here(settings, names)


def _run_here(settings: "Settings", names: list[str]) -> None:
    import asyncio
    from contextlib import nullcontext

    from hotline.runtime import disk_metrics, required_topics
    from hotline.runtime.components import component
    from hotline.runtime.health import HealthServer, ProcessHealth
    from hotline.runtime.logging import tracing
    from hotline.runtime.process import Deadline, serve
    from schemas.errors import FatalError, MisconfiguredError, UnauthorizedError, UnreachableError
    from storage import private_files

    async def work() -> None:
        # In the loop: Faust binds an app to the running one.
        components = [component(settings, name, tracer) for name in names]
        required_topics.watch(settings, names)
        parent = os.environ.get(PARENT_VARIABLE)
        await serve(components, health, int(parent) if parent else None, deadline)

    deadline = Deadline()
    names = _meant(settings, names)
    give_way(names)
    health = ProcessHealth(names, settings.installation)
    chosen = settings.telemetry
    disk_metrics.watch(settings)
    try:
        with (
            private_files.shut_to_others(),
            HealthServer(health, chosen.host, chosen.port) if chosen.port else nullcontext(),
            tracing(chosen) as tracer,
        ):
            asyncio.run(work())
    except UnreachableError as error:
        raise _explained(settings, error) from error
    except (MisconfiguredError, UnauthorizedError):
        raise
    except FatalError as error:  # a crash may mend itself: not the exit code that tells the parent to wait for a person
        complain(error)
        raise typer.Exit(1) from error


def _explained(settings: "Settings", error: "PipelineError") -> "PipelineError":
    """Return what a person must mend where no broker lets us in: its clients call a refused password no connection."""
    from hotline.config import clients
    from hotline.doctor.kafka import brokers
    from schemas.errors import FatalError

    for told in islice(brokers(clients.kafka(settings)), BROKERS_ASKED):
        if isinstance(told, str):
            return error
        if isinstance(told, FatalError):
            return told
    return error


def give_way(names: list[str]) -> None:
    """Lower this process's priority (nice) when nothing in it comes before the others; a sandbox may forbid it."""
    if AHEAD.isdisjoint(name.partition(":")[0] for name in names):
        with suppress(OSError):
            os.nice(BEHIND_NICE)


def _meant(settings: "Settings", patterns: list[str]) -> list[str]:
    """Return what names and patterns such as `connector:*` mean, each once; raises MisconfiguredError for none."""
    import fnmatch

    from hotline.runtime.components import names, refuse_unknown
    from schemas.errors import MisconfiguredError

    found: dict[str, None] = {}
    for pattern in patterns:
        meant = fnmatch.filter(names(settings), pattern) if "*" in pattern else [pattern]
        if not meant:
            raise MisconfiguredError(f"There is no component {pattern}: run `hotline check` for the list.")
        found |= dict.fromkeys(meant)
    for name in found:
        refuse_unknown(settings, name)
    return list(found)


def _run_all(ctx: typer.Context, settings: "Settings") -> None:
    import signal
    import threading
    from contextlib import nullcontext

    from hotline.runtime import components as wiring
    from hotline.runtime import supervisor
    from hotline.runtime.health import HealthServer, ProcessHealth

    names = wiring.names(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    health, chosen = ProcessHealth(names, settings.installation), settings.telemetry
    children = [
        supervisor.Child(name, supervisor.starter(_command(settings, name), _environment(settings, number)))
        for number, name in enumerate(names, 1)
    ]
    with HealthServer(health, chosen.host, chosen.port) if chosen.port else nullcontext():
        supervisor.run(children, health, stop)


def _command(settings: "Settings", name: str) -> list[str]:
    chosen = ["--settings", str(settings.file)] if settings.file else []
    # -P: Python would look for each module in the working folder first, whose disk may hang.
    return [sys.executable, "-P", "-m", "hotline", *chosen, "run", name]


def _environment(settings: "Settings", number: int) -> dict[str, str]:
    return {PARENT_VARIABLE: str(os.getpid()), "HOTLINE_TELEMETRY__PORT": str(settings.telemetry.port_of(number))}

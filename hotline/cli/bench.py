"""`hotline bench`: the benchmarks of a checkout; an installed hotline has none."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import psutil
import typer

from hotline.dev.stack import processes
from schemas.errors import MisconfiguredError

PATIENCE_SECONDS = 60.0
"""A benchmark that is stopped has this long to end, and then what it left behind; workers drain up to 45 s."""


def bench(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="faults, channels, assign, end_to_end ...")],
) -> None:
    """Run a benchmark with servers of its own; arguments after NAME are passed to it."""
    root = Path(__file__).parents[2]
    if not name.isidentifier() or not (root / "benchmarks").is_dir():
        raise MisconfiguredError("The benchmarks are part of the source: clone the project and run this there.")
    if importlib.util.find_spec(f"benchmarks.{name}") is None:
        known = sorted(path.stem for path in (root / "benchmarks").iterdir() if not path.name.startswith("__"))
        raise MisconfiguredError(f"There is no benchmark {name}: choose from {', '.join(known)}.")
    raise typer.Exit(run([sys.executable, "-m", f"benchmarks.{name}", *ctx.args], root))


def run(command: Sequence[str], folder: Path, patience: float = PATIENCE_SECONDS) -> int:
    """Run a benchmark and return its exit code; whatever it started ends with it, and with us by Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what is in the background without one
    # A group of its own: what it leaves behind is found by that.
    with subprocess.Popen(command, cwd=folder, process_group=0) as running:  # noqa: S603 - typed by the user, ours
        try:
            return running.wait()
        except (KeyboardInterrupt, SystemExit):
            running.send_signal(signal.SIGINT)  # as by Ctrl-C: it stops its servers and removes its folders
            with suppress(subprocess.TimeoutExpired):
                running.wait(patience)
            raise
        finally:
            processes.stop(_group(running.pid), patience)


def _group(number: int) -> list[psutil.Process]:
    """Return the processes of a group that still run."""
    return [one for one in psutil.process_iter() if _group_of(one.pid) == number and not processes.ended(one.pid)]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:  # it has ended, or is none of ours
        return None

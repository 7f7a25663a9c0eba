"""`hotline bench`: the benchmarks of a checkout; an installed hotline has none."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import MisconfiguredError


def bench(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="faults, channels, assign, end_to_end ...")],
) -> None:
    """Run a benchmark with servers of its own; what stands behind NAME goes to it."""
    root = Path(__file__).parents[2]
    if not name.isidentifier() or not (root / "benchmarks").is_dir():
        raise MisconfiguredError("The benchmarks come with a checkout: clone the project and run this in it.")
    if importlib.util.find_spec(f"benchmarks.{name}") is None:
        known = sorted(path.stem for path in (root / "benchmarks").iterdir() if not path.name.startswith("__"))
        raise MisconfiguredError(f"There is no benchmark {name}: choose from {', '.join(known)}.")
    command = [sys.executable, "-m", f"benchmarks.{name}", *ctx.args]
    done = subprocess.run(command, cwd=root, check=False)  # noqa: S603 - what the user typed, to a module of ours
    raise typer.Exit(done.returncode)

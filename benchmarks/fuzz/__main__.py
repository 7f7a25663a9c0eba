"""`hotline bench fuzz [--seconds 60] [--turn] [--seed 1] [--jobs 2] [--keep FOLDER] [TARGET]`: any bytes to any parser.

Each target runs under atheris (libFuzzer, guided by coverage) for so many seconds; with `--turn` those whose turn it is
at this commit get 60, before the others. Prints one line a target, and exit code 1 with the input and its traceback
when anything was found. Needs atheris, which comes with the development packages on Linux x86-64.
"""

import argparse
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fuzz import places
from benchmarks.fuzz.turns import LONG_SECONDS, ROUNDS, in_turn, turn_of

if TYPE_CHECKING:
    from benchmarks.fuzz.target import Target

ROOT = Path(__file__).parents[2]
ROOMS = ("connectors", "normalizers", "schemas", "broker", "storage", "tickets", "streams", "hotline")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the targets side by side; the exit code says whether anything was found."""
    parser = argparse.ArgumentParser(prog="hotline bench fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--turn", action="store_true", help=f"{LONG_SECONDS} seconds for those whose turn it is")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at once")
    parser.add_argument("--keep", type=Path, help="folder for corpora, logs and findings")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    chosen = parser.parse_args(arguments)
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed: it exists for Linux x86-64 (pip install atheris)")
    if chosen.keep is not None and chosen.keep.exists():
        parser.error(f"{chosen.keep} is there already: let --keep name a new folder")
    names = _known(chosen.targets, parser)
    times = _by_turns(names, chosen.seconds, chosen.jobs) if chosen.turn else dict.fromkeys(names, chosen.seconds)
    with _folder(chosen.keep) as folder:
        return _run(times, chosen.jobs, chosen.seed, folder)


def _by_turns(names: Sequence[str], seconds: int, jobs: int) -> dict[str, int]:
    """Return the seconds of each target; those with many come first, so that they run side by side."""
    turn = turn_of(ROOT)
    long = in_turn(names, turn, jobs * ROUNDS)
    print(f"turn {turn}: {LONG_SECONDS} s for {', '.join(long)}; {seconds} s for each of the others", flush=True)
    return dict.fromkeys(long, LONG_SECONDS) | {name: seconds for name in names if name not in long}


def _known(wanted: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """Return the targets' names; every parser is imported here, with its branches counted."""
    import atheris

    with redirect_stderr(StringIO()), atheris.instrument_imports(include=list(ROOMS)):  # it names each module
        from benchmarks.fuzz.table import TARGETS
    if strangers := set(wanted) - TARGETS.keys():
        parser.error(f"no target {', '.join(sorted(strangers))}: choose from {', '.join(TARGETS)}")
    return list(wanted or TARGETS)


def _run(times: Mapping[str, int], jobs: int, seed: int, folder: Path) -> int:
    from benchmarks.fuzz.runner import figures, start
    from benchmarks.fuzz.table import TARGETS

    _warm([TARGETS[name] for name in times])
    print(f"{'target':<16}{'seconds':>8}{'executions':>12}{'features':>10}{'peak MiB':>10}  finding", flush=True)
    waiting, running, found = list(times), dict[int, str](), 0
    while waiting or running:
        while waiting and len(running) < jobs:
            name = waiting.pop(0)
            running[start(name, TARGETS[name], times[name], folder, seed)] = name
        child, _ = os.wait()
        told = figures(running.pop(child), folder)
        found += told.finding is not None or not told.executions
        print(
            f"{told.target:<16}{times[told.target]:>8}{told.executions:>12,}{told.features:>10,}{told.peak_mib:>10,}"
            f"  {told.finding or ('none' if told.executions else 'did not run')}",
            flush=True,
        )
        if told.finding is not None or not told.executions:
            print(told.log.read_text("utf-8", "replace")[-4000:], flush=True)
    return int(found > 0)


def _warm(targets: "Sequence[Target]") -> None:
    """Let tables and rules be made, which takes seconds: once for all processes, and within nobody's time.

    The last first: what reads rules of its own leaves no room for those that the messages, which come first, read.
    """
    for target in reversed(targets):
        for seed in target.seeds:
            target.check(seed)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="hotline-fuzz-", dir=places.root()) as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())

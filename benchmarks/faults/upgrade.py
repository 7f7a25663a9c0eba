"""A city goes on to this version while its citizens write, back to an older one, and on again.

`python -m benchmarks.faults.upgrade TREE [--messages 3000] [--minutes 8]`: TREE is a work tree of the older version,
which runs with the packages of this one. Units are restarted one by one in the order of docs/how-to/upgrade.md. Prints
the report of the fault suite; exit code 1 when anything is wrong, or a component ended by itself.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import psutil

from benchmarks.faults.clerk import KEYS
from benchmarks.faults.ground import Ground
from benchmarks.faults.run import Plan, run
from benchmarks.faults.sources import CITIES

HERE = Path(__file__).parents[2]

READERS = ("sink:elastic", "sink:webhook", "outbox")
MIDDLE = ("normalize", "screen", "fetcher")


def doors(cities: int) -> tuple[str, ...]:
    """Return what takes messages in."""
    return ("receiver", *(f"connector:{channel}{city}" for channel in ("city", "sms") for city in CITIES[:cities]))


def steps(cities: int) -> tuple[str, ...]:
    """Return the units in the order in which they are restarted: forth, back, forth."""
    forth = ("eraser", *READERS, "assign", *MIDDLE, *doors(cities))
    back = (*doors(cities), *MIDDLE, *READERS, "assign", "eraser")
    return tuple(f"terminate {name}" for name in (*forth, *back, *forth))


class Versions:
    """Starts each unit in the older version first, and in the other one at each further start."""

    def __init__(self, older: Path, folder: Path) -> None:
        self._trees = (older, HERE)
        self._folder = folder
        self._lives: Counter[str] = Counter()
        self._settings: dict[str, str] = {}
        self._is_provided = False

    def provide(self, ground: Ground) -> None:
        """Make topics and indices as the older version does."""
        self._settings = ground.settings()
        self._tell(self._trees[0], "topics", "create")
        self._tell(self._trees[0], "index", "create")

    def begin(self, command: list[str], env: dict[str, str], **options: Any) -> Any:
        """Start a unit; before the first one of this version, what is new in topics and indices is made."""
        name = command[-1]
        tree = self._trees[self._lives[name] % 2]
        self._lives[name] += 1
        if tree == HERE and not self._is_provided:
            self._is_provided = True
            for verb in (("check",), ("topics", "create", "--alter"), ("index", "create"), ("doctor",)):
                self._tell(HERE, *verb)
        return psutil.Popen(command, cwd=tree, env=_known(tree, env), **options)

    def _tell(self, tree: Path, *verb: str) -> None:
        environment = _known(tree, self._settings)
        done = subprocess.run(
            [sys.executable, "-m", "hotline", *verb],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        with (self._folder / "verbs.log").open("a", encoding="utf-8") as log:
            log.write(f"$ hotline {' '.join(verb)} ({done.returncode})\n{done.stdout}{done.stderr}\n")


def _known(tree: Path, settings: dict[str, str]) -> dict[str, str]:
    """Return the environment for a tree: one from before the keys of commands refuses their settings."""
    has_keys = any(tree.glob("hotline/**/command_keys.py"))
    known = {name: value for name, value in settings.items() if has_keys or not name.startswith(KEYS)}
    return known | {"PYTHONPATH": str(tree)}


def main() -> int:
    """Run it once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--messages", type=int, default=3_000)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--cities", type=int, default=2)
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two restarts")
    parser.add_argument("--keep", type=Path, help="folder for the logs")
    chosen = parser.parse_args()
    plan = Plan(
        seed=1,
        messages=chosen.messages,
        minutes=chosen.minutes,
        cities=chosen.cities,
        pause_seconds=chosen.pause,
        only=steps(chosen.cities),
    )
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="hotline-upgrade-"))
    folder.mkdir(parents=True, exist_ok=True)
    versions = Versions(chosen.tree.resolve(), folder)
    report = run(plan, folder, begin=versions.begin, provide=versions.provide)
    print(msgspec.json.encode(report).decode())
    return int(bool(report.wrong or report.restarts))


if __name__ == "__main__":
    sys.exit(main())

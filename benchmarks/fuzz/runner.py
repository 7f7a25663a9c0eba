"""One target under atheris in a process of its own, and what libFuzzer says of it."""

import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.fuzz import places
from benchmarks.fuzz.places import VARIABLE
from benchmarks.fuzz.target import JUNK, Target

MOST_BYTES = 16 * 1024
"""Of one input: what grows faster than its input shows at this size, and larger ones only cost executions."""

MOST_SECONDS, MOST_MIB = 60, 1536
"""Of one input, and of the process: more is a finding. An ordinary input takes milliseconds."""

_FIGURES = re.compile(r"stat::(\w+):\s+(\d+)")


class Figures(NamedTuple):
    """What one run did; `finding` is the file with the input that failed, and `log` what was said of it."""

    target: str
    executions: int
    features: int
    peak_mib: int
    finding: Path | None
    log: Path


def start(name: str, target: Target, seconds: int, folder: Path, seed: int) -> int:
    """Fork a process that fuzzes, and return its id. Everything is imported and instrumented by then."""
    corpus, words = folder / name, folder / f"{name}.words"
    corpus.mkdir(parents=True)
    for number, text in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(text[:MOST_BYTES])
    words.write_text("".join(f'"{_written(word)}"\n' for word in JUNK))
    child = os.fork()
    if child == 0:
        try:
            _fuzz(name, target, seconds, folder, seed)
        except BaseException:  # noqa: BLE001 - a child that lived on would remove the folder that is its parent's
            traceback.print_exc()
        finally:
            os._exit(1)
    return child


def _fuzz(name: str, target: Target, seconds: int, folder: Path, seed: int) -> None:
    """Fuzz until libFuzzer ends the process."""
    import atheris

    os.environ[VARIABLE] = str(folder)
    places.folder.cache_clear()  # this process has one of its own
    log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    given = {
        "max_total_time": seconds,
        "max_len": MOST_BYTES,
        "timeout": MOST_SECONDS,
        "rss_limit_mb": MOST_MIB,
        "seed": seed,
        "print_final_stats": 1,
        "artifact_prefix": f"{folder}/{name}.finding-",
        "dict": f"{folder}/{name}.words",
    }
    options = [f"-{option}={value}" for option, value in given.items()]
    atheris.Setup([sys.argv[0], *options, str(folder / name)], _keeping(target, folder / f"{name}.finding-0"))
    atheris.Fuzz()


def _keeping(target: Target, finding: Path) -> Callable[[bytes], None]:
    """Let an input that fails be kept: where an exception ends the process, libFuzzer writes none."""

    def check(data: bytes) -> None:
        try:
            target.check(data)
        except BaseException:
            finding.write_bytes(data)
            raise

    return check


def figures(name: str, folder: Path) -> Figures:
    """Return what the log of a run tells."""
    log = folder / f"{name}.log"
    text = log.read_text("utf-8", "replace")
    told = {key: int(value) for key, value in _FIGURES.findall(text)}
    features = [int(found) for found in re.findall(r"\bft: (\d+)", text)]
    finding = next(iter(sorted(folder.glob(f"{name}.finding-*"))), None)
    return Figures(
        target=name,
        executions=told.get("number_of_executed_units", 0),
        features=max(features, default=0),
        peak_mib=told.get("peak_rss_mb", 0),
        finding=finding,
        log=log,
    )


def _written(word: bytes) -> str:
    """Write a word as libFuzzer's dictionaries do; it takes 64 bytes at most."""
    return "".join(f"\\x{byte:02x}" for byte in word[:60])

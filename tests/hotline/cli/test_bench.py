"""`hotline bench`: nothing that a benchmark started outlives it, however it was told to end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

BENCH = """
import sys
from pathlib import Path
from hotline.cli.bench import run
sys.exit(run([sys.executable, sys.argv[1]], Path(sys.argv[2]), 2.0))
"""
BENCHMARK = """
import os, signal, subprocess, sys, time
from pathlib import Path
{before}
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
children = [subprocess.Popen([sys.executable, "-c", code]) for code in ("import time; time.sleep(600)", deaf)]
try:
    Path("begun.part").write_text(" ".join(str(one.pid) for one in children))
    os.rename("begun.part", "begun")
    {after}
finally:
    Path("cleaned").touch()
"""


def begun(
    folder: Path, before: str = "", after: str = "time.sleep(600)"
) -> tuple["subprocess.Popen[bytes]", list[int]]:
    script = folder / "benchmark.py"
    script.write_text(BENCHMARK.format(before=before, after=after))
    command = [sys.executable, "-c", BENCH, str(script), str(folder)]
    bench = subprocess.Popen(command, preexec_fn=in_the_background)
    while not (folder / "begun").exists():
        assert bench.poll() in (None, 3)
        time.sleep(0.02)
    return bench, [int(word) for word in (folder / "begun").read_text().split()]


def in_the_background() -> None:
    """A shell that runs a script starts what is behind `&` so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def live(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_a_benchmark_started_ends_with_it(number: signal.Signals, tmp_path: Path) -> None:
    bench, children = begun(tmp_path)
    assert len(live(children)) == 2
    os.kill(bench.pid, number)
    assert bench.wait(60) in (128 + number, -number, 1)
    assert live(children) == []
    assert (tmp_path / "cleaned").exists(), "it stopped its servers itself"


def test_a_benchmark_that_does_not_listen_is_ended_too(tmp_path: Path) -> None:
    bench, children = begun(tmp_path, before="signal.signal(signal.SIGINT, signal.SIG_IGN)")
    os.kill(bench.pid, signal.SIGTERM)
    assert bench.wait(60) == 128 + signal.SIGTERM
    assert live(children) == []


def test_its_exit_code_is_that_of_the_benchmark_and_it_leaves_nothing(tmp_path: Path) -> None:
    bench, children = begun(tmp_path, after="sys.exit(3)")
    assert bench.wait(60) == 3
    assert live(children) == []

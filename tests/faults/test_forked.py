"""A forked worker is to a test what a new interpreter would be."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.forked import Forked, done

SCRIPT = """
import os, sys
print(sys.argv[1:], os.getcwd(), sorted(os.environ), __name__, sys.stdin.read())
print("a complaint", file=sys.stderr)
sys.exit(3)
"""
WAITS = "import time\ntime.sleep(600)\n"


def test_it_has_its_own_arguments_variables_folder_and_streams(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    said, complained, given = (tmp_path / name for name in ("said", "complained", "given"))
    given.write_text("a question")
    with said.open("w") as out, complained.open("w") as err, given.open() as into:
        worker = Forked(str(script), "a", "b", env={"ONLY": "1"}, cwd=tmp_path, stdin=into, stdout=out, stderr=err)
        assert worker.wait(90) == worker.returncode == 3
    assert said.read_text() == f"['a', 'b'] {tmp_path} ['ONLY'] __main__ a question\n"
    assert complained.read_text() == "a complaint\n"


def test_a_module_is_run_as_python_runs_it() -> None:
    told = done("-m", "hotline", "run", "no such component", env={**os.environ, "HOTLINE_JURISDICTION": "210100"})
    assert told.returncode == 2
    assert "no such component" in told.stderr


def test_all_who_wait_for_its_end_are_told_the_same(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(WAITS)
    for _ in range(5):
        with ThreadPoolExecutor(4) as threads:
            worker = Forked(str(script))
            waiting = [threads.submit(worker.wait, 90) for _ in range(4)]
            worker.kill()
            assert [one.result() for one in waiting] == [-signal.SIGKILL] * 4

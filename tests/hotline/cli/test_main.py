"""Ctrl-C from the first moment on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

SLOW = "import time\nprint('loading', flush=True)\ntime.sleep(60)\n"
"""What stands for one of the libraries that take their time."""

AT_A_TERMINAL = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from hotline.cli import main
main()
"""
"""What is started in the background ignores Ctrl-C, and so does what it starts: these tests may be."""


def test_ctrl_c_while_the_libraries_are_loaded_shows_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(SLOW)
    with subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, "check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"loading\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(50) == -signal.SIGINT, "a shell shows 130, and goes on with no further command of a line"
        assert process.stderr.read() == b""


def test_no_folder_that_is_named_as_ours_is_imported_from_where_it_is_started(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "__init__.py").write_text("raise SystemExit('not ours')")
    command = [sys.executable, "-m", "hotline", "check", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_behind_our_output_is_a_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hotline", "topics", "list"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.stderr.decode() == (
        "hotline: The output is incomplete (No space left on device): free some space, or write it elsewhere.\n"
    )
    assert done.returncode == 1


FAULTY = """
import sys, hotline.cli.app
from hotline.cli import main

def records():
    try:
        yield 1
    finally:
        print("closed at the end of Python:", sys.is_finalizing())

def fault():
    for one in records():
        raise LookupError(one)

hotline.cli.app.app = fault
main()
"""


def test_a_fault_of_ours_is_shown_and_what_was_open_is_closed_while_that_can_be_done() -> None:
    """A consumer of Kafka that is closed when its thread is gone waits for ever."""
    done = subprocess.run([sys.executable, "-c", FAULTY], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "LookupError: 1" in done.stderr
    assert done.stdout == "closed at the end of Python: False\n"
    assert done.returncode == 1

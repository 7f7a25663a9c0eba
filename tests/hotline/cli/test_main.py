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
        assert process.wait(30) == -signal.SIGINT, "a shell shows 130, and goes on with no further command of a line"
        assert process.stderr.read() == b""

"""The pipeline as the demo runs it: every component in one child process, with the demo's accounts."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import urllib3

from hotline.dev.demo.stage import CITY
from hotline.dev.stack import processes
from schemas.errors import UnreachableError

STAGES = ("screen", "normalize", "assign", "sink:elastic", "receiver")
START_SECONDS = 180.0


def environment(data_dir: Path, receiver_port: int) -> dict[str, str]:
    """Return what every component is told; the accounts come from the players."""
    return {
        "HOTLINE_LOCAL__DATA_DIR": str(data_dir),
        "HOTLINE_JURISDICTION": CITY,
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_RECEIVER__PORT": str(receiver_port),
    }


@contextlib.contextmanager
def running(folder: Path, settings: Mapping[str, str], receiver_port: int, components: Sequence[str]) -> Iterator[None]:
    """Run the stages and these components while a `with` block lasts; they drain at its end.

    Raises UnreachableError when they do not come up.
    """
    with (folder / "pipeline.log").open("ab") as log:
        command = [sys.executable, "-P", "-m", "hotline", "run", *STAGES, *components]
        started = psutil.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log)
    try:
        _wait(started, receiver_port, folder / "pipeline.log")
        yield
    finally:
        processes.stop([started], 40)


def _wait(process: psutil.Popen, port: int, log: Path) -> None:
    http = urllib3.PoolManager(retries=False, timeout=1.0)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and processes.alive(process):
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            if http.request("GET", f"http://127.0.0.1:{port}/healthz").status == 200:
                return
        time.sleep(0.1)
    raise UnreachableError(f"the pipeline does not start: see {log}")

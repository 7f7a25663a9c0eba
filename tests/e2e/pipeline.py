"""The whole pipeline as child processes of a test, and the questions a test asks of it."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import Any

import urllib3
from typer.testing import CliRunner

from broker.config import KafkaConnection
from hotline.cli.app import app
from hotline.dev.demo.ledger import Ledger, TopicReader, Totals
from hotline.dev.demo.pipeline import STAGES
from tests import forked
from tests.forked import Forked

PATIENCE = 180.0


class Pipeline:
    """Components in processes of their own, started and killed by name."""

    def __init__(self, settings: Mapping[str, str], folder: Path, receiver_port: int) -> None:
        self._environment = {**os.environ, **settings}
        self._folder = folder
        self._port = receiver_port
        self._running: dict[str, Forked] = {}

    def start(self, *names: str) -> None:
        """Start a process for these components together."""
        with (self._folder / "pipeline.log").open("ab") as log:
            command = ("-m", "hotline", "run", *names)
            self._running[names[0]] = Forked(*command, env=self._environment, stdout=log, stderr=log)

    def start_all(self, *more: str) -> None:
        """Start the demo's components, and `more`, in one process and wait for the receiver."""
        self.start(*STAGES, "connector:demo_mailbox", *more)
        self.wait()

    def wait(self) -> None:
        """Wait for the receiver."""
        until(self._receives, "the receiver answers", self._check_alive)

    def kill(self, name: str) -> None:
        """Kill -9 the process of a component."""
        process = self._running.pop(name)
        process.kill()
        process.wait(60)

    def stop(self) -> None:
        """Let everything drain."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(90)
            process.kill()

    def ask(self, *arguments: str) -> list[dict[str, Any]]:
        """Call a verb of the command line and return its JSON lines.

        In this process: a new one takes seconds of the processors for each look, and what it looks at has to wait.
        """
        done = CliRunner().invoke(app, [*arguments, "--json"], env=self._environment)
        assert done.exit_code in (0, 1), done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    def told(self, *arguments: str, codes: Container[int] = (0, 1)) -> str:
        """Run a verb of the command line and return all that it says."""
        done = forked.done("-m", "hotline", *arguments, env=self._environment)
        assert done.returncode in codes, done.stderr
        return done.stdout + done.stderr

    def log(self) -> str:
        """Return what the processes said."""
        return (self._folder / "pipeline.log").read_text(encoding="utf-8")

    def _check_alive(self) -> None:
        ended = [name for name, process in self._running.items() if process.poll() is not None]
        assert not ended, self.log()[-2000:]

    def _receives(self) -> bool:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            answer = urllib3.PoolManager(retries=False).request("GET", f"http://127.0.0.1:{self._port}/healthz")
            return answer.status == 200
        return False


@contextlib.contextmanager
def reading(connection: KafkaConnection) -> Iterator[Callable[[], Totals]]:
    """Read the topics; the value returns what they hold by now."""
    ledger, reader = Ledger(), TopicReader(connection)

    def totals() -> Totals:
        for record in reader.read(200):
            ledger.take(record)
        return ledger.totals()

    try:
        yield totals
    finally:
        reader.close()


def until(done: Callable[[], bool], what: str, check: Callable[[], None] = lambda: None) -> None:
    """Wait for something; fail saying what did not happen, or when `check` does."""
    end = time.monotonic() + PATIENCE
    while not done():
        check()
        assert time.monotonic() < end, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.1)

"""oteltap, an OTLP receiver by others, as a process: what it was sent, span by span, in OTLP's own JSON."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import urllib3

from tests.peers.dovecot import free_ports


class Collector:
    """Takes spans on a loopback port while a `with` block lasts."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "spans.ndjson"
        self._port = free_ports(1, start=19600)
        self.endpoint = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> "Collector":
        with self._file.open("wb") as out:
            command = [sys.executable, "-u", "-m", "oteltap", "--port", str(self._port)]
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        end = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < end, self.text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(60)

    def text(self) -> str:
        """Return everything that came."""
        return self._file.read_text(encoding="utf-8")

    def spans(self) -> list[dict[str, Any]]:
        """Return the spans that came, oldest first."""
        return [json.loads(line) for line in self.text().splitlines() if re.match(r"\{.*\}$", line)]

    def _answers(self) -> bool:
        try:
            urllib3.request("GET", self.endpoint, retries=False, timeout=1)
        except urllib3.exceptions.HTTPError:
            return False
        return True

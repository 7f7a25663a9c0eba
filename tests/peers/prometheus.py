"""A private Prometheus that scrapes what it is told, with our alarms; and `promtool`. Needs the package prometheus.

`with Prometheus(rules, {"monitor": 19120}) as prometheus: prometheus.firing()`. Runs as any user.
"""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import urllib3
import yaml

from tests.peers.dovecot import free_ports
from tests.peers.leash import leash

_START_SECONDS = 60
_SCRAPE, _LOOK = "2s", "500ms"
"""A process on a busy machine takes its time to answer, and one that does not is away."""


def missing() -> str | None:
    """Return what this machine lacks to run it, None when it lacks nothing."""
    there = shutil.which("prometheus") and shutil.which("promtool")
    return None if there else "Prometheus is not installed (apt-get install prometheus)"


class Prometheus:
    """Scrapes these ports of loopback, each by a name of ours; `rules` is the text of a file of rules."""

    def __init__(self, rules: str, ports: Mapping[str, int]) -> None:
        self._port = free_ports(1, start=19900)
        self._folder = Path(tempfile.mkdtemp(prefix="prometheus-"))
        self._names = {f"127.0.0.1:{port}": name for name, port in ports.items()}
        (self._folder / "rules.yml").write_text(rules, "utf-8")
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(self._configuration()), "utf-8")
        self._http = urllib3.PoolManager(retries=False, timeout=60)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Prometheus":
        command = [
            "prometheus",
            f"--config.file={self._folder}/prometheus.yml",
            f"--storage.tsdb.path={self._folder}/data",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=leash)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
        self._http.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def firing(self) -> list[dict[str, str]]:
        """Return the labels of every alarm that rings now; `instance` is the name that the process has here."""
        found = [one["labels"] for one in self._ask("alerts")["alerts"] if one["state"] == "firing"]
        return [labels | {"instance": self._names.get(labels.get("instance", ""), "")} for labels in found]

    def value(self, query: str) -> float | None:
        """Return the only value of a query, None when it finds nothing yet."""
        found = self._ask(f"query?query={query}")["result"]
        return float(found[0]["value"][1]) if found else None

    def _ask(self, path: str) -> Any:
        answer = self._http.request("GET", f"http://127.0.0.1:{self._port}/api/v1/{path}")
        return json.loads(answer.data)["data"]

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            with suppress(urllib3.exceptions.HTTPError):
                if self._http.request("GET", f"http://127.0.0.1:{self._port}/-/ready").status == 200:
                    return
            time.sleep(0.05)
        raise TimeoutError((self._folder / "log").read_text("utf-8")[-2000:])

    def _configuration(self) -> dict[str, Any]:
        return {
            "global": {"scrape_interval": _SCRAPE, "evaluation_interval": _LOOK, "scrape_timeout": _SCRAPE},
            "rule_files": [str(self._folder / "rules.yml")],
            "scrape_configs": [{"job_name": "hotline", "static_configs": [{"targets": list(self._names)}]}],
        }

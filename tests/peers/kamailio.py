"""Real SIP calls by SIPp through a private Kamailio 5.6, which posts start, end and failure of each to a webhook.

`with Kamailio(url, token) as sip: sip.call(seconds=1)`. Needs apt kamailio kamailio-utils-modules sip-tester; any user;
UDP on 127.0.0.1 only.
"""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).parent
PROGRAM = shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
START_SECONDS = 15.0


def missing() -> str | None:
    """Return what this machine lacks to run it, None when it lacks nothing."""
    if not PROGRAM or not list(Path("/usr/lib").glob("*/kamailio/modules/http_client.so")):
        return "kamailio is not installed (apt-get install kamailio kamailio-utils-modules)"
    return None if shutil.which("sipp") else "sipp is not installed (apt-get install sip-tester)"


class Kamailio:
    """A proxy in front of a phone that answers, or does not."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._sip = free_udp_ports(3)
        self._phone, self._citizen = self._sip + 1, self._sip + 2
        self.folder = Path(tempfile.mkdtemp(prefix="kamailio-"))

    def __enter__(self) -> "Kamailio":
        text = (HERE / "kamailio.cfg").read_text("utf-8")
        for name, value in {"SIP": self._sip, "PHONE": self._phone, "URL": self._url, "TOKEN": self._token}.items():
            text = text.replace(f"@{name}@", str(value))
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
            self._process.wait(10)
        self._process.kill()
        self._process.wait(10)
        shutil.rmtree(self.folder)

    def call(self, *, seconds: float = 0.2, answered: bool = True, calls: int = 1, rate: int = 10) -> None:
        """Let 13800138000 call 12345; unanswered, a call fails after 3 s."""
        many = ["-m", str(calls), "-r", str(rate), "-l", str(4 * rate)]
        with contextlib.ExitStack() as running:
            if answered:
                phone = running.enter_context(self._sipp("sipp_answer.xml", self._phone, "-m", str(calls)))
                self._until_bound(self._phone, phone)
            length = ["-d", str(int(seconds * 1000))]
            caller = self._sipp("sipp_call.xml", self._citizen, *many, *length, f"127.0.0.1:{self._sip}")
            running.enter_context(caller).wait(60 + calls)
            if answered:
                phone.wait(20)

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not _is_bound(self._sip):
            if self._process.poll() is not None or time.monotonic() > end:
                raise OSError((self.folder / "log").read_text("utf-8", "replace")[-2000:])
            time.sleep(0.02)

    def _until_bound(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        end = time.monotonic() + START_SECONDS
        while not _is_bound(port) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)

    @contextlib.contextmanager
    def _sipp(self, scenario: str, port: int, *more: str):  # type: ignore[no-untyped-def] # a process as long as it lasts
        command = ["sipp", "-sf", HERE / scenario, "-i", "127.0.0.1", "-p", str(port), "-nostdin", *more]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def free_udp_ports(count: int, start: int = 15000, stop: int = 32000) -> int:
    """Return the first of `count` UDP ports in a row that are free on loopback."""
    ports = list(range(start, stop, count))
    random.SystemRandom().shuffle(ports)
    for port in ports:
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

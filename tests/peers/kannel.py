"""A private Kannel 1.4.5: an SMS gateway that POSTs to a webhook of ours, and an ESME for an SMSC of ours.

`with Kannel("http://127.0.0.1:8000/sms") as kannel: kannel.mo("路灯坏了")`. Needs the packages kannel, kannel-extras;
runs as any user. It cannot be the SMSC of an SMPP client: Debian has no opensmppbox.
"""

import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import urllib3

from tests.peers.dovecot import free_ports
from tests.peers.leash import leash

_FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
_BOXES = (("/usr/sbin/bearerbox", "FAKE:"), ("/usr/sbin/smsbox", "smsbox:"))
"""What is started, and what its status page says once it serves: a message that finds no smsbox waits for a minute."""

_START_SECONDS = 60

_SMPP = """group = smsc
smsc = smpp
smsc-id = smpp
host = 127.0.0.1
port = {port}
transceiver-mode = true
smsc-username = hotline
smsc-password = secret
system-type = ""
reconnect-delay = 1
"""


def missing() -> str | None:
    """Return what this machine lacks to run it, None when it lacks nothing."""
    there = all(Path(box).exists() for box, _ in _BOXES) and _FAKESMSC.exists()
    return None if there else "Kannel is not installed (apt-get install kannel kannel-extras)"


class Kannel:
    """Running bearerbox and smsbox; with `smpp_port` it also binds there, as hotline / secret, as a transceiver."""

    def __init__(self, url: str, *, smpp_port: int | None = None) -> None:
        self.url, self._smpp_port = url, smpp_port
        self._admin = free_ports(4, start=13300)
        self._box, self._fake, self._send = range(self._admin + 1, self._admin + 4)
        self.folder = Path(tempfile.mkdtemp(prefix="kannel-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._http = urllib3.PoolManager(retries=False, timeout=60)

    def __enter__(self) -> "Kannel":
        conf = self.folder / "kannel.conf"
        (self.folder / "store").mkdir()
        conf.write_text(self._configuration(), "utf-8")
        try:
            for box, sign in _BOXES:
                self._start(box, conf)
                self.wait_for(sign)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        for process in reversed(self._processes):
            process.kill()  # a clean stop takes seconds, and nothing here outlives the test
            process.wait(60)
        self._http.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def mo(self, *texts: str, sender: str = "13800138000", to: str = "12345") -> None:
        """Let a citizen send `texts`, as UCS2."""
        for text in texts:
            self._phone(f"{sender} {to} ucs2 {quote(text.encode('utf-16-be'))}")

    def send(self, text: str, *, to: str, sender: str = "12345") -> int:
        """Ask Kannel to send an SMS, as an application does; return the HTTP status (202: accepted)."""
        query = {"username": "hotline", "password": "secret", "from": sender, "to": to, "coding": "2",
                 "charset": "UTF-8", "text": text}  # fmt: skip
        return self._http.request("GET", f"http://127.0.0.1:{self._send}/cgi-bin/sendsms?{urlencode(query)}").status

    def status(self) -> str:
        """Return Kannel's own status page."""
        page = self._http.request("GET", f"http://127.0.0.1:{self._admin}/status.txt?password=admin")
        return str(page.data, "utf-8")

    def wait_for(self, words: str, seconds: float = _START_SECONDS) -> None:
        """Wait until the status page shows `words`, such as `SMPP:` followed by `online`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(urllib3.exceptions.HTTPError):
                if words in self.status():
                    return
            time.sleep(0.05)
        raise TimeoutError(f"Kannel's status never showed {words!r}")

    def _phone(self, message: str) -> None:
        """Hand one message in: two phones at once are not served, and one that stays waits for a reply for ever."""
        command = [_FAKESMSC, "-r", str(self._fake), "-m", "1", message]
        out = subprocess.PIPE
        with subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True, preexec_fn=leash) as phone:
            next(line for line in phone.stdout or () if "sent message 1" in line)
            phone.terminate()

    def _start(self, box: str, conf: Path) -> None:
        quiet = subprocess.DEVNULL
        self._processes.append(
            subprocess.Popen([box, conf], cwd=self.folder, stdout=quiet, stderr=quiet, preexec_fn=leash)
        )

    def _configuration(self) -> str:
        text = Path(__file__).with_name("kannel.conf").read_text("utf-8")
        values = {
            "DIR": self.folder,
            "ADMIN": self._admin,
            "BOX": self._box,
            "FAKE": self._fake,
            "SEND": self._send,
            "URL": self.url,
            "JOIN": "&" if "?" in self.url else "?",
            "SMPP": _SMPP.format(port=self._smpp_port) if self._smpp_port else "",
        }
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        return text

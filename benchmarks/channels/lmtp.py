"""LMTP under faults: a mail server that tries again until it hears 250, while Kafka stalls and the daemon dies."""

import os
import signal
import smtplib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import ClassVar

from benchmarks.channels.course import Ground, numbered
from hotline.demo.greenmail import free_port
from hotline.local.stack import Stack


class Course:
    """One address."""

    channel: ClassVar[str] = "mailbox"
    components: ClassVar[tuple[str, ...]] = ("lmtp",)

    def __init__(self, ground: Ground) -> None:
        self._stack = Stack(Path(ground.folder) / "stack")
        self._port = free_port()
        self._peer: smtplib.LMTP | None = None

    def __enter__(self) -> "Course":
        return self

    def __exit__(self, *_: object) -> None:
        if self._peer is not None:
            self._peer.close()

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the server."""
        return {
            "HOTLINE_LMTP__PORT": str(self._port),
            "HOTLINE_LMTP__PUBLISH_TIMEOUT_SECONDS": "1",
            "HOTLINE_LMTP__MAILBOXES__BENCH__RECIPIENTS": '["mayor@city.gov.cn"]',
        }

    def send(self, number: int) -> None:
        """Deliver a mail, as often as it takes."""
        raw = f"From: citizen@example.cn\r\nSubject: {numbered(number)}\r\n\r\nx\r\n".encode()
        while True:
            try:
                if self._peer is None:
                    self._peer = smtplib.LMTP("127.0.0.1", self._port, timeout=30)
                self._peer.sendmail("citizen@example.cn", ["mayor@city.gov.cn"], raw)
                return
            except (smtplib.SMTPException, OSError):
                self._peer = None
                time.sleep(0.2)

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        """Return what happens to Kafka; the daemon's own ends are added by the runner."""
        return {"Kafka frozen": lambda dice: self._freeze(dice.uniform(3, 12))}

    def _freeze(self, seconds: float) -> None:
        broker = self._stack.pid("kafka")
        assert broker is not None
        os.kill(broker, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(broker, signal.SIGCONT)

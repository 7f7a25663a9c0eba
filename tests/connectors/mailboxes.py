"""Mailboxes of tests: a fake server or a real one, with settings that do not make a test wait."""

from typing import Any

from connectors.base import Batch
from connectors.mailbox.connector import Mailbox
from connectors.mailbox.settings import MailboxSettings
from schemas.errors import PipelineError
from schemas.records import Cursor, DeadLetter, RawMessage
from tests.fakes.imap import FakeServer

START = Cursor(connector_id="mayor")


def settings(**changes: Any) -> MailboxSettings:
    """Return settings of a mailbox on this machine."""
    known = {
        "host": "127.0.0.1",
        "tls": "none",
        "username": "hotline",
        "password": "secret",
        "jurisdiction": "430100",
        "read_timeout_seconds": 30,
    }
    return MailboxSettings(**(known | changes))


def mailbox(server: FakeServer, **changes: Any) -> Mailbox:
    """Return an open mailbox on a fake server."""
    box = Mailbox(settings(**changes), "mayor", server.connect, sleep=lambda seconds: None)
    box.open()
    return box


def mail(text: str = "路灯不亮", size: int = 0) -> bytes:
    """Return a mail of at least `size` bytes."""
    head = f"From: citizen@example.cn\r\nSubject: {text}\r\n\r\n".encode()
    return head + b"0123456789abcdef" * 4 * (size // 64) + b"\r\n"


def places(cursor: Cursor) -> dict[str, dict[str, Any]]:
    """Return a position without the marks by which the mail read last is known again, and the steps between UIDs."""
    return {
        folder: {name: value for name, value in here.items() if name not in ("mark", "steps")}
        for folder, here in cursor.position.items()
    }


def drain(
    box: Mailbox, cursor: Cursor = START, patience: int = 30
) -> tuple[list[RawMessage], list[DeadLetter], Cursor]:
    """Fetch until there is nothing new, opening again after each fault, as the runner does."""
    messages: list[RawMessage] = []
    letters: list[DeadLetter] = []
    while True:
        try:
            batch: Batch = box.fetch(cursor)
        except PipelineError:
            patience -= 1
            if not patience:
                raise
            box.open()
            continue
        if batch.cursor.position == cursor.position:
            return messages, letters, cursor
        messages += batch.messages
        letters += batch.dead_letters
        cursor = batch.cursor

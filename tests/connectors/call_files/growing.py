"""A folder of call files, and a connector whose clock the test moves."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from connectors.base import Batch
from connectors.call_files.connector import CallFiles
from connectors.call_files.settings import CallFilesSettings
from schemas.records import Cursor, RawMessage

NOW = datetime(2026, 11, 25, 1, 10, tzinfo=UTC)
HEADING = "call_id,caller,note,recording\n"


@dataclass
class Folder:
    """The connector is made anew whenever `restart` is called; the cursor goes on."""

    path: Path
    changes: dict[str, Any] = field(default_factory=dict)
    now: float = 0.0
    taken_at: datetime = NOW
    cursor: Cursor = field(default_factory=lambda: Cursor(connector_id="files"))

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        usual = {"folder": self.path, "settle_seconds": 5, "jurisdiction": "210100"}
        settings = CallFilesSettings(**usual | self.changes)
        self.connector = CallFiles(settings, "files", now=lambda: self.taken_at, clock=lambda: self.now)
        self.connector.open()

    def put(self, name: str, text: str | bytes, mode: str = "wb") -> None:
        with (self.path / name).open(mode) as file:
            file.write(text.encode() if isinstance(text, str) else text)

    def add(self, name: str, text: str | bytes) -> None:
        self.put(name, text, "ab")

    def fetch(self) -> Batch:
        """Fetch once; the cursor is read as the next process would."""
        batch = self.connector.fetch(self.cursor)
        self.cursor = msgspec.json.decode(msgspec.json.encode(batch.cursor), type=Cursor)
        return batch

    def all(self, seconds: float = 5) -> list[RawMessage]:
        """Return what comes until nothing does, now and when files stood still for so long."""
        found = self._drained()
        self.now += seconds
        return found + self._drained()

    def _drained(self) -> list[RawMessage]:
        found: list[RawMessage] = []
        while True:
            before = self.cursor.position
            found += self.fetch().messages
            if self.cursor.position == before:
                return found


def rows(messages: list[RawMessage]) -> list[str]:
    """Return the lines without their headings."""
    return [re.sub(r"^.*\n", "", message.value.decode("utf-8", "replace"), count=1) for message in messages]

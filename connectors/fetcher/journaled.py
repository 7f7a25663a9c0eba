"""What the receiver's journal holds while Kafka is away: its files can be fetched before they expire."""

from collections.abc import Iterator
from pathlib import Path

from connectors.frames import Kind, pieces
from connectors.journal import SUFFIX
from connectors.replay import read
from schemas.records import RawMessage


class Journaled:
    """Reads the segments of a journal that another process writes; changes nothing there."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def news(self) -> Iterator[RawMessage]:
        """Yield what was not there the last time. A half-written end is read when it is whole."""
        there = sorted(self._folder.glob(f"*{SUFFIX}")) if self._folder else []
        self._read = {path: self._read.get(path, 0) for path in there}
        for path in there:
            yield from self._of(path)

    def _of(self, path: Path) -> Iterator[RawMessage]:
        try:
            if path.stat().st_size <= self._read[path]:
                return
            marker, data = bytes.fromhex(path.stem.partition("-")[2]), path.read_bytes()
        except (OSError, ValueError):  # drained and gone meanwhile, or no segment of ours
            return
        for piece in pieces(marker, data, self._read[path]):
            if piece.kind is Kind.TORN:
                return
            self._read[path] = piece.end
            message = read(piece.data) if piece.kind is Kind.RECORD else None
            if message is not None:
                yield message

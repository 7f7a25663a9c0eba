"""Collects documents into batches limited by count, bytes and age."""

from collections.abc import Callable
from typing import NamedTuple

from sinks.base import Document
from sinks.settings import SinkSettings


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Batch:
    """Documents to write, and the offsets to commit when all of them have a verdict."""

    def __init__(self, opened: float) -> None:
        self.documents: list[Document] = []
        self.offsets: dict[Place, int] = {}
        self.opened = opened
        self.size = 0
        self.oldest_ms: int | None = None


class Batcher:
    """Holds the one open batch."""

    def __init__(self, settings: SinkSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._open: Batch | None = None

    @property
    def oldest_ms(self) -> int | None:
        """Return the timestamp of the oldest document in the open batch."""
        return self._open.oldest_ms if self._open else None

    def add(self, document: Document, timestamp_ms: int = 0) -> Batch | None:
        """Add a document that Kafka took at `timestamp_ms`; return the batch if that filled it."""
        batch = self._step_past(document)
        batch.oldest_ms = min(timestamp_ms, batch.oldest_ms or timestamp_ms)
        batch.documents.append(document)
        batch.size += len(document.value)
        if len(batch.documents) >= self._settings.batch_max_documents or batch.size >= self._settings.batch_max_bytes:
            return self.close()
        return None

    def skip(self, document: Document) -> None:
        """Skip a record that no index takes; its offset is committed with the batch."""
        self._step_past(document)

    def forget(self, place: Place) -> None:
        """Remove a partition from the offsets of the open batch."""
        if self._open is not None:
            self._open.offsets.pop(place, None)

    def due(self) -> Batch | None:
        """Return the open batch if it is old enough."""
        if self._open is None or self.seconds_left() > 0:
            return None
        return self.close()

    def seconds_left(self) -> float:
        """Return how long the open batch may still wait."""
        waited = self._clock() - self._open.opened if self._open else 0.0
        return max(0.0, self._settings.batch_max_age_seconds - waited)

    def close(self) -> Batch | None:
        """Return the open batch, if any, and close it."""
        batch, self._open = self._open, None
        return batch

    def _step_past(self, document: Document) -> Batch:
        if self._open is None:
            self._open = Batch(self._clock())
        topic, partition, offset = document.position
        self._open.offsets[Place(topic, partition)] = offset + 1
        return self._open

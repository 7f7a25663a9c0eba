"""Who wants first versions and was away while Kafka compacted some is told by the oldest snapshot that is left."""

from collections.abc import Iterable
from datetime import datetime

from schemas.envelope import FIRST_WRITTEN
from schemas.errors import RecordError
from schemas.records import Ticket
from schemas.wire import decode
from sinks.base import Document
from sinks.webhook.request import KEPT


class Firsts:
    """What was read late, by partition since when, and of which tickets the subscriber was told meanwhile.

    What is read within an hour was preceded by all that was written before. Of what is read later the first version may
    be gone: where its ticket was opened since we are late, it stands for that one, once.
    """

    def __init__(self, *, is_asked: bool) -> None:
        self._is_asked = is_asked
        self._late_since: dict[tuple[object, ...], datetime] = {}
        self._told: set[bytes] = set()

    def read(self, documents: Iterable[Document], now: datetime) -> list[Document]:
        """Return documents in the order in which they were read, each that may stand for a first one headed so."""
        return [self._read(document, now) if self._is_asked else document for document in documents]

    def once(self, document: Document) -> Document:
        """Return a document, headed as a first one no more where its ticket was told of."""
        if document.key not in self._told:
            return document
        return document._replace(headers=[one for one in document.headers if one != FIRST_WRITTEN])

    def told(self, document: Document) -> None:
        """Note that the subscriber was told of a document."""
        if self._is_asked and FIRST_WRITTEN in document.headers:
            self._told.add(document.key)

    def _read(self, document: Document, now: datetime) -> Document:
        place = document.position[:2]
        try:
            ticket = decode(document.value, Ticket)
        except RecordError:  # whoever delivers it makes a dead letter of it
            return document
        if now - ticket.updated_at < KEPT:
            self._late_since.pop(place, None)
            return document
        since = self._late_since.setdefault(place, ticket.updated_at)
        if ticket.ingested_at < since or FIRST_WRITTEN in document.headers:
            return document
        return document._replace(headers=[*document.headers, FIRST_WRITTEN])

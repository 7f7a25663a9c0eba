"""Archive: every raw record's bytes and envelope in the blob store, long after Kafka's retention took the record.

It gives back what came, byte for byte. What clerks search is the other archive, Elasticsearch (`sinks/elastic/`).
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from typing import ClassVar

from obstore.store import ObjectStore

from schemas import ids
from schemas.codec import encode
from schemas.envelope import Envelope
from schemas.errors import MalformedError, MissingBlobError, RecordError
from schemas.records import media
from sinks.base import Document, Refusal, Verdicts
from sinks.blobs import Blobs
from storage.paths import ENVELOPE, ERASED, REDACTED, Archived, folder

PARALLEL = 16
"""Records on their way into the store at once."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ArchiveSink:
    """Keeps bytes under `<jurisdiction>/<message_id>/<sha256>` and their envelope beside them. Safe to repeat.

    What was erased stays erased: the eraser leaves a mark before it deletes, and we look for it after we wrote. So
    whichever of the two comes last deletes, also when a raw topic is read again from its beginning.
    """

    name: ClassVar[str] = "archive"

    def __init__(self, store: ObjectStore) -> None:
        self._blobs = Blobs(store)
        self._turn = asyncio.Semaphore(PARALLEL)

    async def open(self) -> None:
        """Make nothing: folders come with their first object."""

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        """Store each record; one whose envelope says neither city nor id is refused."""
        await self._blobs.require()
        results = await asyncio.gather(*(self._kept(one) for one in documents), return_exceptions=True)
        await self._blobs.settle(path for result in results if isinstance(result, tuple) for path in result)
        verdicts = Verdicts()
        for document, result in zip(documents, results, strict=True):
            if isinstance(result, RecordError):
                verdicts.rejected.append(Refusal(document, result.code, str(result)))
            elif isinstance(result, BaseException):
                raise result
            else:
                verdicts.stored.append(document)
        return verdicts

    async def close(self) -> None:
        """Hold nothing open: the store has no connection of its own to end."""

    async def _kept(self, document: Document) -> tuple[str, ...]:
        """Put a record's bytes and envelope, and return their paths: a disk syncs many together in little more time."""
        envelope = Envelope.of(document.headers)
        if envelope.datacontenttype == media.CONTENT_TYPE:
            return ()  # nobody's bytes: the file and its fate lie in the message's folder already, and go with it
        place = _place(envelope)
        async with self._turn:
            digest = await self._bytes(place, envelope, document)
            await self._blobs.put(f"{place}/{digest}{ENVELOPE}", encode(_archived(envelope, document)))
            there = await self._blobs.names(place)
            if there & {ERASED, REDACTED}:
                await self._blobs.delete(place, (digest, f"{digest}{ENVELOPE}"))
                await self._blobs.clear(place)
            elif digest not in there:
                raise MissingBlobError("the blob store has no object for ce_dataref")
            return f"{place}/{digest}", f"{place}/{digest}{ENVELOPE}"

    async def _bytes(self, place: str, envelope: Envelope, document: Document) -> str:
        """Store the bytes, unless the publisher did before the record; return their digest."""
        if envelope.dataref and not document.value:
            return _claimed(place, envelope.dataref)
        digest = hashlib.sha256(document.value).hexdigest()
        await self._blobs.put(f"{place}/{digest}", document.value)
        return digest


def _place(envelope: Envelope) -> str:
    city = envelope.jurisdiction or ""
    if not ids.is_adcode(city):
        raise MalformedError("ce_jurisdiction is not an adcode: set the jurisdiction of its account")
    return folder(city, ids.message_id(envelope.source, envelope.id))


def _claimed(place: str, dataref: str) -> str:
    """Return the digest under which the publisher stored the bytes: in the message's own folder, so erasable."""
    where, _, digest = dataref.rpartition("/")
    if where != place or not _DIGEST.fullmatch(digest):
        raise MalformedError("ce_dataref is not in the folder of its message")
    return digest


def _archived(envelope: Envelope, document: Document) -> Archived:
    topic, partition, offset = document.position
    key = document.key.decode(errors="replace")
    return Archived(envelope=envelope, conversation=key, topic=topic, partition=partition, offset=offset)

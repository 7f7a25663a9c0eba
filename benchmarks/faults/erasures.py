"""The checker of erasures: of who asked to be forgotten nothing is left, and the audit log tells of it once.

What is checked is what `docs/how-to/erase.md` promises to be gone at once; Kafka's topics let go by their retention.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from elasticsearch import Elasticsearch

from benchmarks.faults.checker import by_kind
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.sources import Numbered
from schemas import ids, topics
from schemas.contract.index_templates import indices
from storage.paths import ERASED, checkpoints, folder


def after(sent: Iterable[Numbered], ledger: Ledger, url: str, blobs: Path, partitions: int) -> dict[str, list[str]]:
    """Return what is left of the forgotten, by kind: in tickets, indices, blobs and checkpoints."""
    client = Elasticsearch(url)
    try:
        client.indices.refresh(index="hotline-*")
        forgotten = [message for message in sent if message.is_forgotten]
        return by_kind(
            (kind, message.mark)
            for message in forgotten
            for found in (
                in_log(message, ledger),
                _in_archive(message, ledger, client),
                in_store(message, ledger, blobs, partitions),
            )
            for kind in found
        )
    finally:
        client.close()


def in_log(message: Numbered, ledger: Ledger) -> Iterator[str]:
    """Yield what is wrong in the topics: the newest snapshots say nothing of anybody, and the audit log tells once."""
    for ticket_id in ledger.tickets_of(message.number):
        for topic, known in (
            (topics.TICKET, ledger.tickets),
            (topics.TICKET_MASKED, ledger.masked),
            (topics.TICKET_RESTRICTED, ledger.restricted),
        ):
            if ticket_id in known and not known[ticket_id].erased:
                yield "ticket not erased"
            if message.mark.encode() in ledger.values.get((topic, ticket_id), b""):
                yield "erased words in a ticket"
        if (times := ledger.audited[ticket_id]) != 1:
            yield f"erasure told of {times} times in the audit log"


def _in_archive(message: Numbered, ledger: Ledger, client: Elasticsearch) -> Iterator[str]:
    names = [*ledger.ids.get(message.number, ()), *ledger.tickets_of(message.number)]
    for index in ("message", "ticket", "ticket_masked", "ticket_restricted"):
        alias = indices()[index].alias
        if not client.indices.exists_alias(name=alias):
            continue
        for hit in client.search(index=alias, query={"ids": {"values": names}}, size=100)["hits"]["hits"]:
            told = json.dumps(hit["_source"], ensure_ascii=False)
            if message.mark in told or f'"{message.address}"' in told:
                yield f"erased {index} still in the archive"


def in_store(message: Numbered, ledger: Ledger, blobs: Path, partitions: int) -> Iterator[str]:
    """Yield what is wrong in the blob store."""
    for message_id in ledger.ids.get(message.number, ()):
        there = {path.name for path in (blobs / folder(message.city, message_id)).glob("*")}
        if ERASED not in there:
            yield "no mark of the eraser in the blob store"
        if there - {ERASED}:
            yield "bytes of an erased message in the blob store"
    place = blobs / checkpoints(ids.partition_of(message.city, partitions))
    oldest = min((path.stat().st_mtime for path in place.glob("*")), default=None)
    for ticket_id in ledger.tickets_of(message.number):
        at: datetime | None = ledger.erased.get(ticket_id)
        if at is not None and oldest is not None and oldest < int(at.timestamp()):
            yield "checkpoint older than an erasure"

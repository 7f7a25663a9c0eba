"""Counts and publishes the messages in the journal of a lost process: a lost host, a receiver scaled down."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from broker.config import KafkaConnection
from connectors.publish.disk_buffer import BAD_SUFFIX, Journal
from connectors.publish.durable_publisher import LARGE
from connectors.publish.publisher import Publisher
from schemas.errors import MisconfiguredError

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class Waiting(Struct, kw_only=True):
    """Messages of one account that wait in a journal: how many, and when they were taken. No word of any."""

    journal: str
    channel: str
    account: str
    jurisdiction: str
    messages: int = 0
    bytes: int = 0
    oldest: datetime
    newest: datetime


class Drained(Struct, frozen=True, kw_only=True):
    """Result for a journal: messages that Kafka holds now, and files of unreadable bytes."""

    published: int
    set_aside: int


def waiting(folder: Path) -> list[Waiting]:
    """Count the messages in the journals of a folder. Raises MisconfiguredError for a folder without one, or in use."""
    found: dict[tuple[str | None, ...], Waiting] = {}
    with _opened(folder) as journals:
        for journal in journals:
            for message in journal.waiting():
                envelope = message.envelope
                at = envelope.recordedtime
                key = (journal.kind, envelope.source, envelope.jurisdiction)
                one = found.setdefault(
                    key,
                    Waiting(
                        journal=journal.kind,
                        channel=envelope.channel or "",
                        account=envelope.account or "",
                        jurisdiction=envelope.jurisdiction or "",
                        oldest=at,
                        newest=at,
                    ),
                )
                one.messages += 1
                one.bytes += len(message.value)
                one.oldest, one.newest = min(one.oldest, at), max(one.newest, at)
    return list(found.values())


def drain(folder: Path, connection: KafkaConnection, blobs: "ObjectStore") -> Drained:
    """Publish the messages in the journals of a folder, with their ids; its files go as Kafka holds them.

    May be interrupted and repeated: a repeat of a message is harmless. Raises errors of the pipeline.
    """
    with _opened(folder) as journals:
        publisher = Publisher(connection, blobs)
        try:
            published = sum(journal.replay(publisher.publish) for journal in journals)
        finally:
            publisher.close()
    return Drained(published=published, set_aside=len(list(folder.rglob(f"*{BAD_SUFFIX}"))))


@contextmanager
def _opened(folder: Path) -> Iterator[list[Journal]]:
    """Open the journal of a folder and that of its large messages; the process that uses them has to be stopped."""
    if not any(folder.glob("lock")):
        raise MisconfiguredError(
            f"{folder} is not the folder of a journal: name the folder that contains the file `lock`."
        )
    with ExitStack() as stack:
        journals = [Journal(folder)]
        stack.callback(journals[0].close)
        if (folder / LARGE).is_dir():
            journals.append(journals[0].within(LARGE))
            stack.callback(journals[1].close)
        yield journals

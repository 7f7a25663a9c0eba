"""`python -m benchmarks.faults.sabotage RULE run NAME`: hotline with one rule of acknowledgement taken away.

The first life of it dies at the worst moment, when a record is acknowledged and yet nowhere. The suite must catch it;
if it does not, its checker is worth nothing.
"""

import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from connectors import runner
from connectors.base import Batch, PullConnector
from connectors.cursors import Cursors
from connectors.fetcher.fetcher import Fetcher
from connectors.fetcher.run import _Reading as Reading
from connectors.fetcher.window import Window
from connectors.outbox.lane import Lane
from connectors.outbox.ledger import Open
from connectors.outbox.owner import Owner
from connectors.publisher import Publisher
from connectors.reply import Sent
from hotline.cli import main
from schemas.errors import RetriableError
from schemas.records import Outbox
from sinks.base import Document
from sinks.delivery import Delivery
from sinks.eraser import Eraser, Target
from sinks.runner import Runner
from sinks.webhook.courier import Courier
from streams.lanes import Chunk, Lanes

ENOUGH = 5
"""Documents of each index that the archive misses: of one ticket a later version may come."""


def cursor_before_kafka() -> None:
    """Save the cursor of a mailbox before the broker holds the mails."""

    def run_once(
        connector: PullConnector, publisher: Publisher, cursors: Cursors, beside: set[str] | None = None
    ) -> Batch:
        before = cursors.load()
        batch = connector.fetch(before)
        if batch.cursor.position != before.position:
            cursors.save(batch.cursor)
            if batch.messages:
                _die_once("cursor")
        publisher.publish(batch.messages, batch.dead_letters)
        return batch

    runner.run_once = run_once


def offset_before_kafka() -> None:
    """Let a stage commit a chunk's offset before Kafka holds what came of it."""
    honest = Lanes._worked

    async def worked(self: Lanes, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        for chunk in arguments:
            if isinstance(chunk, Chunk) and not _mark("offset").exists():
                chunk.ack()
                await chunk.event.app.consumer.commit()
                _die_once("offset")
        await honest(self, work, *arguments)

    Lanes._worked = worked  # type: ignore[method-assign] # that is the sabotage


def offset_before_file() -> None:
    """Let the fetcher commit the offset of a message before it has its file."""
    honest_take, honest_step, honest_commit = Window.take, Fetcher.step, Reading.commit

    def take(self: Window, offset: int, errands: Iterable[str]) -> None:
        honest_take(self, offset, ())

    def step(self: Fetcher, **options: bool) -> int:
        return 0 if self.waiting and not _mark("file").exists() else honest_step(self, **options)

    def commit(self: Reading) -> None:
        honest_commit(self)
        if self._fetcher.waiting:
            _die_once("file")

    Window.take = take  # type: ignore[method-assign] # as above
    Fetcher.step, Reading.commit = step, commit  # type: ignore[method-assign] # as above


def text_before_log() -> None:
    """Let the outbox hand a text over before the log says that it is being sent."""
    honest = Owner._mark

    async def mark(self: Owner, entry: Open, state: str, code: str | None, reference: str | None) -> None:
        if state == "sending" and not _mark("text").exists():
            return
        _die_once("text")
        await honest(self, entry, state, code, reference)

    Owner._mark = mark  # type: ignore[method-assign] # as above


def doubt_for_no() -> None:
    """Let the outbox call unknown what a service surely has not got, and try it no more."""
    honest = Lane._sent

    async def sent(self: Lane, outbox: Outbox) -> Sent:
        try:
            return await honest(self, outbox)
        except RetriableError as error:
            return Sent(outcome="unknown", code=type(error).__name__)

    Lane._sent = sent  # type: ignore[method-assign] # as above


def offset_before_delivery() -> None:
    """Let a subscriber's offset be committed before it has the tickets."""
    honest_deliver, honest_commit = Courier.deliver, Runner._commit_offsets

    async def deliver(self: Courier, documents: Sequence[Document]) -> None:
        if _mark("delivery").exists():
            await honest_deliver(self, documents)

    async def commit(self: Runner) -> None:
        await honest_commit(self)
        _die_once("delivery")

    Courier.deliver = deliver  # type: ignore[method-assign] # as above
    Runner._commit_offsets = commit  # type: ignore[method-assign] # as above


def offset_before_archive() -> None:
    """Let the archive's sink commit offsets of documents of every index before Elasticsearch has them."""
    honest_deliver, honest_commit = Delivery.deliver, Runner._commit_offsets
    passed_over: Counter[str] = Counter()

    async def deliver(self: Delivery, documents: Sequence[Document]) -> None:
        if _mark("archive").exists():
            await honest_deliver(self, documents)
        else:
            passed_over.update(document.position.topic for document in documents)

    async def commit(self: Runner) -> None:
        is_due = all(passed_over[topic] >= ENOUGH for topic in self._routes)
        await honest_commit(self)
        if is_due:
            _die_once("archive")

    Delivery.deliver = deliver  # type: ignore[method-assign] # as above
    Runner._commit_offsets = commit  # type: ignore[method-assign] # as above


def offset_before_erasure() -> None:
    """Let the eraser commit the offset of an erasure that it has not carried out."""
    honest_carry, honest_commit = Eraser._carry_out, Runner._commit_offsets
    passed_over: list[Target] = []

    async def carry_out(self: Eraser, targets: Sequence[Target]) -> bool:
        if _mark("erasure").exists():
            return await honest_carry(self, targets)
        passed_over.extend(targets)
        return True

    async def commit(self: Runner) -> None:
        await honest_commit(self)
        if passed_over:
            _die_once("erasure")

    Eraser._carry_out = carry_out  # type: ignore[method-assign] # as above
    Runner._commit_offsets = commit  # type: ignore[method-assign] # as above


def _mark(name: str) -> Path:
    return Path(os.environ["HOTLINE_LOCAL__DATA_DIR"]) / f"died-of-{name}"


def _die_once(name: str) -> None:
    mark = _mark(name)
    if not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


RULES: dict[str, Callable[[], None]] = {
    "cursor-before-kafka": cursor_before_kafka,
    "offset-before-kafka": offset_before_kafka,
    "offset-before-file": offset_before_file,
    "text-before-log": text_before_log,
    "doubt-for-no": doubt_for_no,
    "offset-before-delivery": offset_before_delivery,
    "offset-before-archive": offset_before_archive,
    "offset-before-erasure": offset_before_erasure,
}


if __name__ == "__main__":
    RULES[sys.argv.pop(1)]()
    main()

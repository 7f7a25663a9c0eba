"""`python -m benchmarks.faults.sabotage RULE run NAME`: hotline with one rule taken away.

Of those of acknowledgement: the first life of it dies at the worst moment, when a record is acknowledged and yet
nowhere. Of fencing, atomicity and isolation: it stops, or lets a transaction fail, at the moment at which the rule
counts. The checker must catch each; if it does not, it is worth nothing.
"""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.base import Batch, PullConnector
from connectors.media_fetch.consumer import _Reading as Reading
from connectors.media_fetch.offset_tracker import Window
from connectors.media_fetch.scheduler import Fetcher
from connectors.publish.publisher import Publisher
from connectors.replies.account_queue import Lane
from connectors.replies.base import Sent
from connectors.replies.ledger import Open
from connectors.replies.partition import Owner
from connectors.runtime import pull
from connectors.runtime.cursor_store import Cursors
from hotline.cli import main
from schemas import topics
from schemas.codec import Outbound
from schemas.errors import RetriableError, UnreachableError
from schemas.records import Outbox
from sinks import runner as sinks_runner
from sinks.base import Document
from sinks.eraser import Eraser, Target
from sinks.retry import Delivery
from sinks.runner import Runner
from sinks.webhook.dispatcher import Courier
from streams import assign
from streams.assign import Assign
from streams.engine.partition_worker import Chunk, Lanes
from streams.state import partition as owner

_assign: Any = assign
_owner: Any = owner
_sinks: Any = sinks_runner
"""Modules in which a saboteur puts something else in the place of what they import."""

GAP_SECONDS = 20.0
"""Longer than a worker of assign is frozen whom Kafka gives up after 10 s."""

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

    pull.run_once = run_once


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


async def gap() -> None:
    """Give a former owner that is not fenced the time to write."""
    await asyncio.sleep(GAP_SECONDS)


def restore_before_fence() -> None:
    """Let assign restore a partition's state while its former owner may still write, and fence that one afterwards."""
    honest = _assign.take_over

    async def take_over(*arguments: Any, **options: Any) -> Any:
        """Restore first, then fence: what was written in between is not in the state."""
        restored: list[Any] = []
        honest_restore = _owner.restore

        async def early(*given: Any, **more: Any) -> Any:
            return restored[0]

        partition, connection, blobs, policy, *_ = arguments
        restored.append(await honest_restore(connection.aiokafka_options(), blobs, partition, policy, None))
        await gap()
        _owner.restore = early
        try:
            return await honest(*arguments, **options)
        finally:
            _owner.restore = honest_restore

    _assign.take_over = take_over


def state_kept_after_abort() -> None:
    """Let assign keep the state of a chunk whose transaction was aborted; the first one is."""
    honest_commit, honest_end = owner.Owner._commit, Assign._end

    async def commit(self: "owner.Owner", outbounds: Sequence[Outbound]) -> dict[tuple[str, int], int]:
        if _mark("abort").exists():
            return await honest_commit(self, outbounds)
        _touch("abort")
        return await aborted(self, outbounds)

    async def end(self: Assign, partition: int) -> None:
        if partition not in self._owners or self._owners[partition]._is_settled:
            await honest_end(self, partition)

    owner.Owner._commit, Assign._end = commit, end  # type: ignore[method-assign] # as above


async def aborted(self: "owner.Owner", outbounds: Sequence[Outbound]) -> dict[tuple[str, int], int]:
    """Write a chunk and abort it, as a broker does that loses sight of its producer."""
    await self._producer.begin_transaction()
    await self._sender.send(outbounds)
    await self._producer.abort_transaction()
    raise UnreachableError("the transaction was aborted, as the saboteur wanted")


def two_transactions() -> None:
    """Let assign commit the events of a chunk, and all that they lead to afterwards; in between it dies."""
    honest = owner.Owner._commit

    async def commit(self: "owner.Owner", outbounds: Sequence[Outbound]) -> dict[tuple[str, int], int]:
        events = [one for one in outbounds if one.topic == topics.EVENT]
        rest = [one for one in outbounds if one.topic != topics.EVENT]
        if not (events and rest):
            return await honest(self, outbounds)
        last: Mapping[tuple[str, int], int] = await honest(self, events)
        _die_once("between")
        return {**last, **await honest(self, rest)}

    owner.Owner._commit = commit  # type: ignore[method-assign] # as above


def uncommitted_read() -> None:
    """Let a sink read what is not committed, and what never will be."""
    honest = _sinks.make_consumer

    def make_consumer(*arguments: Any) -> Any:
        consumer = honest(*arguments)
        consumer._isolation_level = "read_uncommitted"
        return consumer

    _sinks.make_consumer = make_consumer


def _touch(name: str) -> None:
    _mark(name).parent.mkdir(parents=True, exist_ok=True)
    _mark(name).touch()


def _mark(name: str) -> Path:
    return Path(os.environ["HOTLINE_LOCAL__DATA_DIR"]) / f"died-of-{name}"


def _die_once(name: str) -> None:
    mark = _mark(name)
    if not mark.exists():
        _touch(name)
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
    "restore-before-fence": restore_before_fence,
    "state-kept-after-abort": state_kept_after_abort,
    "two-transactions": two_transactions,
    "uncommitted-read": uncommitted_read,
}


if __name__ == "__main__":
    RULES[sys.argv.pop(1)]()
    main()

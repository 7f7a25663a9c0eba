"""Restore a partition's state from the newest checkpoint and the tails of two logs, or from the whole logs."""

import time
from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from msgspec import Struct
from obstore.store import ObjectStore

from schemas import topics
from schemas.codec import decode
from schemas.errors import PartitionError, PipelineError, RecordError, SchemaError, place_of
from schemas.records import Event
from streams import metrics
from streams.state import checkpoint
from streams.state.checkpoint import Restored
from streams.state.log_reader import Logs
from tickets.commands import erases
from tickets.policy import TicketPolicy
from tickets.reducers import apply
from tickets.state.state import State

_log = structlog.get_logger(__name__)

# Bodies of the live tickets, from the log of their snapshots: each as decided last, or the restore fails.


class _Versioned(Struct):
    version: int = 0


async def fill(state: State, logs: Logs, begin: int, changed: Mapping[str, int]) -> int:
    """Read the newest snapshots from an offset on, and return where the log goes on.

    `changed` are the tickets that were decided about since `begin`, each with its version. A snapshot of a later
    version belongs to a decision that the event log has lost: the decision is made again, from the body before it. If
    a snapshot of a changed ticket is not behind `begin`, the topic was made anew and has other offsets: it is read as
    a whole.

    Raises PartitionError if a snapshot is missing still: the next one would be made from an older body, and what the
    city was told in between would be in none.
    """
    missing = {ticket_id: version for ticket_id, version in changed.items() if ticket_id in state.tickets}
    end = await _read(state, logs, begin, changed, missing)
    if begin and missing:
        _log.warning("snapshots_read_anew", missing=len(missing))
        end = await _read(state, logs, 0, changed, missing, anew=True)
    _check(state, missing)
    return end


async def _read(
    state: State, logs: Logs, begin: int, changed: Mapping[str, int], missing: dict[str, int], *, anew: bool = False
) -> int:
    """Read snapshots and remove them from the missing ones. Those read `anew` may be older than the known ones."""
    live, bodies, end = state.tickets, state.bodies, begin
    async for record in logs.tickets(begin):
        ticket_id, value, end = (record.key or b"").decode(), record.value or b"", record.offset + 1
        if ticket_id not in live:
            continue
        version = _version(record)
        is_ahead = version > changed.get(ticket_id, 0)
        is_behind = anew and _is_older(value, bodies.get(ticket_id))
        if ticket_id not in bodies or not (is_ahead or is_behind):  # one that is ahead is better than none
            bodies[ticket_id] = value
        if ticket_id in missing and missing[ticket_id] <= version:
            del missing[ticket_id]
    return end


def _version(record: ConsumerRecord[bytes, bytes]) -> int:
    text = next((value for name, value in record.headers if name == "ce_sequence"), None) or b""
    return int(text) if text.isdigit() and len(text) <= 18 else 0


def _is_older(value: bytes, than: bytes | None) -> bool:
    return than is not None and decode(value, _Versioned).version < decode(than, _Versioned).version


def _check(state: State, missing: Mapping[str, int]) -> None:
    gone = next((ticket_id for ticket_id in state.tickets if ticket_id not in state.bodies), None)
    if gone is not None:
        raise PartitionError(
            f"ticket {gone} is in the event log but has no snapshot in {topics.TICKET}: restore that topic first"
        )
    if missing:
        older, version = next(iter(missing.items()))
        raise PartitionError(
            f"ticket {older} is at version {version} in the event log, but {topics.TICKET} has only older "
            "snapshots of it: restore that topic first"
        )


async def restore(
    options: dict[str, Any], blobs: ObjectStore, partition: int, policy: TicketPolicy, kept: Restored | None = None
) -> Restored:
    """Return the state of a partition from its logs, starting from `kept` if that belongs to them.

    Raises PartitionError if decisions or a live ticket's newest snapshot are gone, or if the log holds a decision
    that this version cannot read or fold.
    """
    try:
        return await _restore(options, blobs, partition, policy, kept)
    except RecordError as error:  # of a record of the logs: no input has a part in it
        raise PartitionError(
            f"the logs of partition {partition} contain a record that cannot be read ({error}): see the "
            "runbook, PartitionQuarantined"
        ) from error
    except (PipelineError, KafkaError, OSError, MemoryError):
        raise
    except Exception as error:
        raise PartitionError(
            f"the logs of partition {partition} cannot be applied ({type(error).__name__} at "
            f"{place_of(error)}): report this line"
        ) from error


async def _restore(
    options: dict[str, Any], blobs: ObjectStore, partition: int, policy: TicketPolicy, kept: Restored | None
) -> Restored:
    async with Logs(options, partition) as logs:
        is_theirs = kept is not None and await logs.holds(kept.last_event, kept.last_event_id)
        restored = kept if kept and is_theirs else await checkpoint.newest(logs, blobs, partition, policy)
        _check_log(partition, await logs.lost_from(restored.last_event + 1))
        changed = await _fold_events(logs, restored)
        restored.next_ticket = await fill(restored.state, logs, restored.next_ticket, changed)
        decided = restored.state.inputs.last_offset(topics.MESSAGE, partition)
        _tell_of_input(decided, partition, await logs.end_of_input(partition))
    return restored


async def _fold_events(logs: Logs, restored: Restored) -> dict[str, int]:
    """Fold the remaining events, and return the tickets that they change, each with its version after that."""
    changed: dict[str, int] = {}
    async for record in logs.events(restored.last_event + 1):
        decision = _decision(record)
        apply(restored.state, decision)
        changed.update((one.ticket_id, one.version) for one in decision.tickets)
        restored.last_event, restored.last_event_id = record.offset, decision.event_id
        restored.folded += 1
        if erases(decision):  # an older checkpoint holds what is gone, and who erased it may not have replaced it
            restored.folded = max(restored.folded, checkpoint.CHECKPOINT_EVENTS)
    return changed


def _decision(record: ConsumerRecord[bytes, bytes]) -> Event:
    """Decode a decision: a state that skips an unknown one would be wrong (ADR 8)."""
    try:
        return decode(record.value or b"", Event)
    except SchemaError as error:
        raise PartitionError(
            f"{record.topic} partition {record.partition} offset {record.offset} is a decision that this version of "
            "hotline cannot read: start the version that wrote it, or a later one"
        ) from error


def _check_log(partition: int, lost: range | None) -> None:
    """Refuse a log with a hole: numbers would be given twice, and replies would find no ticket."""
    if lost is not None:
        raise PartitionError(
            f"{topics.EVENT} partition {partition} begins at {lost.stop}, but decisions from {lost.start} "
            "on are in no checkpoint: its retention is too short (see `hotline topics describe`), or "
            "records were deleted. Restore the topic, or start a new event log"
        )


def _tell_of_input(decided: int, partition: int, end: int) -> None:
    """Report inputs that were decided and are gone: undecided ones may be gone as well.

    Records that take their offsets are decided as what they are: an input is known by its id.
    """
    if decided >= end:
        metrics.RECORDS_GONE.labels(topic=topics.MESSAGE, end="new").inc(decided + 1 - end)
        _log.error("input_ends_before_its_decisions", partition=partition, end=end, decided=decided)


# Partitions that are being restored, and since when; an alarm rings if one takes too long.


class Restoring:
    """A gauge for each running restore; a repeated one counts from its first try."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}

    @property
    def partitions(self) -> set[int]:
        """Return the partitions that are not restored yet."""
        return set(self._since)

    def begin(self, partition: int) -> None:
        """Record a try."""
        metrics.RESTORING_SINCE.labels(str(partition)).set(self._since.setdefault(partition, time.time()))

    def end(self, partition: int) -> None:
        """Record that it is done, or that another worker has the partition. Idempotent."""
        if self._since.pop(partition, None) is not None:
            metrics.RESTORING_SINCE.remove(str(partition))

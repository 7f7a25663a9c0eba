"""Restore one partition's state: the newest checkpoint and the tails of two logs, else the whole logs."""

from typing import Any

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from obstore.store import ObjectStore

from schemas import topics
from schemas.codec import decode
from schemas.errors import PartitionError, PipelineError, RecordError, SchemaError, place_of
from schemas.records import Event
from streams import checkpoint_store, metrics
from streams.bodies import fill
from streams.checkpoint_store import Restored
from streams.logs import Logs
from tickets.commands import erases
from tickets.policy import TicketPolicy
from tickets.state import apply

_log = structlog.get_logger(__name__)


async def restore(
    options: dict[str, Any], blobs: ObjectStore, partition: int, policy: TicketPolicy, kept: Restored | None = None
) -> Restored:
    """Return the state of a partition as its logs tell it, from the one that was `kept` here on, where it is theirs.

    Raises PartitionError when decisions or a live ticket's newest snapshot are gone, or when the log holds a decision
    that this version cannot read or fold.
    """
    try:
        return await _restore(options, blobs, partition, policy, kept)
    except RecordError as error:  # of a record of the logs: no input has a part in it
        raise PartitionError(
            f"the logs of partition {partition} hold a record that cannot be read ({error}): see the runbook, "
            "PartitionQuarantined"
        ) from error
    except (PipelineError, KafkaError, OSError, MemoryError):
        raise
    except Exception as error:
        raise PartitionError(
            f"the logs of partition {partition} cannot be folded ({type(error).__name__} at {place_of(error)}): report "
            "it with this line"
        ) from error


async def _restore(
    options: dict[str, Any], blobs: ObjectStore, partition: int, policy: TicketPolicy, kept: Restored | None
) -> Restored:
    async with Logs(options, partition) as logs:
        is_theirs = kept is not None and await logs.holds(kept.last_event, kept.last_event_id)
        restored = kept if kept and is_theirs else await checkpoint_store.newest(logs, blobs, partition, policy)
        _check_log(partition, await logs.lost_from(restored.last_event + 1))
        changed = await _fold_events(logs, restored)
        restored.next_ticket = await fill(restored.state, logs, restored.next_ticket, changed)
        decided = restored.state.decided(topics.MESSAGE, partition)
        _tell_of_input(decided, partition, await logs.end_of_input(partition))
    return restored


async def _fold_events(logs: Logs, restored: Restored) -> dict[str, int]:
    """Fold what is not folded yet, and return the tickets that it changes, each with its version after that."""
    changed: dict[str, int] = {}
    async for record in logs.events(restored.last_event + 1):
        decision = _decision(record)
        apply(restored.state, decision)
        changed.update((one.ticket_id, one.version) for one in decision.tickets)
        restored.last_event, restored.last_event_id = record.offset, decision.event_id
        restored.folded += 1
        if erases(decision):  # an older checkpoint holds what is gone, and who erased it may not have replaced it
            restored.folded = max(restored.folded, checkpoint_store.CHECKPOINT_EVENTS)
    return changed


def _decision(record: ConsumerRecord[bytes, bytes]) -> Event:
    """Read a decision of ours: a state that skips one that it does not know would be wrong (ADR 8)."""
    try:
        return decode(record.value or b"", Event)
    except SchemaError as error:
        raise PartitionError(
            f"{record.topic} partition {record.partition} offset {record.offset} is a decision that this version of "
            "hotline cannot read: start the version that wrote it, or a later one"
        ) from error


def _check_log(partition: int, lost: range | None) -> None:
    """Refuse a log with a hole: numbers would be given twice, and tickets be unknown to those who answer them."""
    if lost is not None:
        raise PartitionError(
            f"{topics.EVENT} partition {partition} begins at {lost.stop}, but what was decided from {lost.start} on is "
            "in no checkpoint: its retention is shorter than it should be (see `hotline topics describe`), or somebody "
            "deleted records. Restore the topic, or start a new event log"
        )


def _tell_of_input(decided: int, partition: int, end: int) -> None:
    """Tell of inputs that were decided and are gone: others may be gone that nobody had decided.

    Those that take their places are decided as what they are: an input is known by its id.
    """
    if decided >= end:
        metrics.RECORDS_GONE.labels(topic=topics.MESSAGE, end="new").inc(decided + 1 - end)
        _log.error("input_ends_before_its_decisions", partition=partition, end=end, decided=decided)

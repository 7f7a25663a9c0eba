"""Ends hanging transactions as Kafka had decided, or as a person says where it no longer tells."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from kafka import TopicPartition
from kafka.admin import AbortTransactionSpec, OffsetSpec
from msgspec import Struct

from broker.config import KafkaConnection
from broker.sync_client import reader, up_to
from hotline.cluster import Cluster, admin
from hotline.coordinators_log import Entry, entries, partition_of
from hotline.hanging import APART, Hanging, Hangings
from schemas.errors import MisconfiguredError, UnauthorizedError, UnreachableError

LOG = "__transaction_state"

End = Literal["commit", "abort"]

_DECIDED: dict[str, End] = {"PrepareCommit": "commit", "PrepareAbort": "abort", "PrepareEpochFence": "abort"}

_SKEW = timedelta(seconds=1)
"""How far the clocks of two brokers may differ."""


class Finding(Struct, frozen=True, kw_only=True):
    """A hanging transaction, how many records of its partition wait behind its first, and how Kafka had ended it."""

    hanging: Hanging
    waiting: int
    decided: End | None

    def may_end(self, end: End) -> bool:
        """Say whether it may be ended like this: never otherwise than the other partitions of it were."""
        return self.decided in (None, end)


def find(
    connection: KafkaConnection, names: Sequence[str], wait: Callable[[float], None] = time.sleep
) -> list[Finding]:
    """Return what hangs in these topics, after two looks. Raises errors of ours."""
    hangings = Hangings()
    with admin(connection) as client:
        there = Cluster(client).topics(names)
        if there.hidden:
            raise UnauthorizedError(f"Our user may not read {min(there.hidden)}: see docs/how-to/secure.md.")
        places = [TopicPartition(name, n) for name, facts in there.topics.items() for n in range(facts.partitions)]
        suspected, first = hangings.look(client, places, datetime.now(UTC))
        if first.suspected:
            wait(APART.total_seconds())
            suspected, first = hangings.look(client, places, datetime.now(UTC))
        if unseen := there.topics.keys() - first.seen:
            raise UnreachableError(
                f"Kafka does not tell of the transactions in {min(unseen)}: see that each partition has a leader, and "
                "that our user may read it (docs/how-to/secure.md)."
            )
        waiting = _waiting(client, suspected)
    return [
        Finding(hanging=one, waiting=count, decided=_decided(connection, one))
        for one, count in zip(suspected, waiting, strict=True)
    ]


def _waiting(client: Any, hangings: Iterable[Hanging]) -> list[int]:
    asked = [one.open for one in hangings]
    ends = client.list_partition_offsets({one.place: OffsetSpec.LATEST for one in asked}) if asked else {}
    return [ends[one.place].offset - one.start for one in asked]


def _decided(connection: KafkaConnection, one: Hanging) -> End | None:
    """Return how Kafka ended the transaction that these records belong to, if its own log still says."""
    if one.transactional_id is None:
        return None
    return decided(one, _told(connection, one.transactional_id))


def decided(one: Hanging, told: Iterable[Entry]) -> End | None:
    """Return the last end that Kafka meant for the partition: the mark of a later one would have ended this as well.

    None where the records are not of that time, or of another epoch: then they came too late to be part of it.
    """
    opened = one.open
    its = [entry for entry in told if entry.producer_id == opened.producer_id and opened.place in entry.places]
    ends = [entry for entry in its if entry.state in _DECIDED]
    if not ends:
        return None
    last = ends[-1]
    epochs = (last.producer_epoch, last.producer_epoch - 1) if last.state != "PrepareCommit" else (last.producer_epoch,)
    in_its_time = last.started_at - _SKEW <= opened.last_at <= last.at + _SKEW
    return _DECIDED[last.state] if in_its_time and opened.producer_epoch in epochs else None


def _told(connection: KafkaConnection, transactional_id: str) -> Iterator[Entry]:
    """Read what the coordinator wrote about one transactional id."""
    with reader(connection, isolation_level="read_uncommitted") as consumer:
        count = len(consumer.partitions_for_topic(LOG) or ())
        if not count:
            raise UnreachableError(
                f"Kafka does not show us {LOG}, which says how transactions ended: be a user who may read it"
            )
        place = TopicPartition(LOG, partition_of(transactional_id, count))
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        for polled in up_to(consumer, consumer.end_offsets([place])):
            for record in polled.get(place, ()):
                yield from entries(record.key, record.value, transactional_id)


def end(connection: KafkaConnection, finding: Finding, how: End) -> None:
    """Mark the end of one. Raises MisconfiguredError where Kafka had decided otherwise, and errors of ours."""
    if not finding.may_end(how):
        raise MisconfiguredError(f"Kafka decided to {finding.decided} it: end it so.")
    opened = finding.hanging.open
    spec = AbortTransactionSpec(opened.place, opened.producer_id, opened.producer_epoch, opened.coordinator_epoch)
    with admin(connection) as client:
        client._manager.run(_mark, client, spec, how == "commit")


async def _mark(client: Any, spec: AbortTransactionSpec, commit: bool) -> None:
    """Do as the client's `abort_transaction` does, which knows no commit."""
    (leader,) = await client._async_get_leader_for_partitions([spec.topic_partition])
    request = client._abort_transaction_request(spec)
    request.markers[0].transaction_result = commit
    client._abort_transaction_process_response(await client._manager.send(request, node_id=leader), spec)

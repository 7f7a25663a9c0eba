"""Quarantine: a partition that cannot go on keeps its lane and is tried again with a pause; all others go on.

::

    handle ──PartitionError──▶ quarantine: gauge, log, report in /readyz ──1, 5, 15, 60, 60 ... min──▶ handle
       └──done──▶ out of quarantine; a rebalance begins anew

Its inputs wait in Kafka meanwhile: the chunk is not acknowledged, and no more than `chunks.IN_FLIGHT` are fetched.
"""

import time
from collections.abc import Iterable

import structlog
from faust.types import TP
from msgspec import Struct

from schemas.codec import Inbound
from schemas.errors import PartitionError, place_of
from streams import metrics
from streams.engine.input import header_of

PAUSES = (60.0, 300.0, 900.0, 3600.0)
"""Seconds before each next try; the last one repeats."""

MOST_CITIES = 20
"""Most cities that are named for one partition."""

_log = structlog.get_logger(__name__)


class Quarantined(Struct, frozen=True, kw_only=True):
    """A partition in quarantine. Times are POSIX seconds; `cities` are those with inputs that are known to wait."""

    stage: str
    topic: str
    partition: int
    reason: str
    since: float
    next_try: float
    tries: int = 1
    cities: tuple[str, ...] = ()


class Quarantine:
    """The partitions of one stage that cannot continue, each with its reason."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._there: dict[TP, Quarantined] = {}

    def __contains__(self, tp: TP) -> bool:
        return tp in self._there

    def __len__(self) -> int:
        return len(self._there)

    def report(self) -> list[Quarantined]:
        """Return every partition in quarantine; thread-safe."""
        there = self._there.copy()
        return [there[tp] for tp in sorted(there)]

    def enter(self, tp: TP, error: Exception, records: Iterable[Inbound] = ()) -> float:
        """Put a partition into quarantine and return the seconds until its next try."""
        now, known = time.time(), self._there.get(tp)
        tries = known.tries + 1 if known else 1
        pause = PAUSES[min(tries, len(PAUSES)) - 1]
        cities = {city for record in records if (city := header_of(record, "ce_jurisdiction"))}
        one = self._there[tp] = Quarantined(
            stage=self._stage,
            topic=tp.topic,
            partition=tp.partition,
            reason=_told(error),
            since=known.since if known else now,
            next_try=now + pause,
            tries=tries,
            cities=tuple(sorted({*cities, *(known.cities if known else ())})[:MOST_CITIES]),
        )
        metrics.QUARANTINED.labels(self._stage, tp.topic, str(tp.partition)).set(1)
        _log.error(
            "partition_quarantined",
            stage=self._stage,
            topic=tp.topic,
            partition=tp.partition,
            cities=one.cities,
            tries=tries,
            next_try_in_seconds=pause,
            reason=one.reason,
        )
        return pause

    def leave(self, tp: TP) -> None:
        """Take a partition out of quarantine: it works, or another worker has it. Idempotent."""
        if (one := self._there.pop(tp, None)) is not None:
            metrics.QUARANTINED.remove(self._stage, tp.topic, str(tp.partition))
            seconds = round(time.time() - one.since)
            _log.warning("quarantine_ended", stage=self._stage, topic=tp.topic, partition=tp.partition, seconds=seconds)


def _told(error: Exception) -> str:
    """Return the pipeline's sentence, or the place of a foreign exception: its text may quote a message."""
    if isinstance(error, PartitionError):
        return str(error)
    return f"{type(error).__name__} at {place_of(error)}: a fault of the program, report it with this line"

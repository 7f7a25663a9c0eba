"""One replay: every partition in turn, each in its own memory, and the sum of the results."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import field

from broker import kafka_reader
from hotline.config import clients
from hotline.quality.replay import rules
from hotline.quality.replay.again import Again
from hotline.quality.replay.facts import Difference
from hotline.quality.replay.point import begins, refuse_to_come
from hotline.quality.replay.record import Recorded
from hotline.quality.replay.walk import Counts, Walk
from schemas import topics

if TYPE_CHECKING:
    from hotline.config.settings import Settings


class Summary(Counts, kw_only=True):
    """Result of a replay; `begins` has, by partition, the requested and the actual first input."""

    policy_version: str
    begins: dict[int, tuple[int, int]] = field(default_factory=dict)
    raws_gone: int = 0


class Run:
    """A replay from one point, under the rules of `folder` if there is one."""

    def __init__(self, settings: "Settings", point: str | None, folder: Path | None, *, normalizing: bool) -> None:
        refuse_to_come(point, datetime.now(UTC))
        other = rules.under(settings, folder, normalizing=normalizing)
        self._connection = clients.kafka(settings)
        self._recorded_policy = clients.ticket_policy(settings)
        self._policy = clients.ticket_policy(other)
        self._again: Again | None = None
        if normalizing:
            self._again = Again(self._connection, clients.blobs(settings), clients.policy(other))
        self._point = point
        self._summary = Summary(policy_version=self._policy.version)

    def differences(self, told: Callable[[int, int], None] = lambda partition, inputs: None) -> Iterator[Difference]:
        """Yield the differences, partition by partition; `told` is called with the number of inputs done."""
        bounds = kafka_reader.bounds(self._connection, topics.MESSAGE)
        for partition, begin in begins(self._connection, self._point).items():
            first_kept = bounds[partition][0]
            self._summary.begins[partition] = (begin if self._point else 0, max(begin, first_kept))
            recorded = Recorded(self._connection, partition, self._recorded_policy)
            walk = Walk(recorded, self._policy, self._again, partial(told, partition))
            yield from walk.differences(begin, first_kept)
            for name in Counts.__struct_fields__:
                setattr(self._summary, name, getattr(self._summary, name) + getattr(walk.counts, name))

    def summary(self) -> Summary:
        """Return the result, after all differences were taken."""
        self._summary.raws_gone = self._again.gone if self._again else 0
        return self._summary

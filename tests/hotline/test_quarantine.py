"""A stage with partitions in quarantine tells each with its reason, and is ready until they are more than half."""

from hotline.runtime import health
from streams.engine.app import Quarantines
from streams.engine.quarantine import Quarantined
from tests.rows import each_row


def quarantined(count: int, of: int) -> Quarantines:
    there = [
        Quarantined(stage="assign", topic="t", partition=number, reason="a hole", since=0.0, next_try=60.0)
        for number in range(count)
    ]
    return Quarantines(there, of)


@each_row(("count", "of", "is_ready"), [(0, 4, True), (1, 4, True), (2, 4, True), (3, 4, False)])
def test_a_worker_with_more_than_half_of_its_partitions_in_quarantine_is_not_ready(
    count: int, of: int, is_ready: bool
) -> None:
    told = health.stage(True, [], [quarantined(count, of)])
    assert ("state" not in told) == is_ready
    assert len(told.get("quarantined", ())) == count


def test_it_is_told_why() -> None:
    told = health.stage(True, ["the blob store is away"], [quarantined(1, 4)])
    assert told["detail"] == "the blob store is away; partition 0 of t is in quarantine: a hole"
    assert told["quarantined"][0]["partition"] == 0

"""Which lag holds back-fill: a quarantined partition holds up no other city, and a group that is down holds all."""

from aiokafka import TopicPartition

from streams.backpressure.downstream_lag import STALLED_SECONDS, Progress

QUARANTINED, HEALTHY = TopicPartition("t", 0), TopicPartition("t", 1)


def test_a_partition_that_stands_still_is_left_out_while_another_one_moves() -> None:
    progress = Progress()
    assert progress.waiting({QUARANTINED: 5, HEALTHY: 5}, {QUARANTINED: 5_005, HEALTHY: 8}, 0.0) == (5_003, False)
    later = STALLED_SECONDS + 1
    assert progress.waiting({QUARANTINED: 5, HEALTHY: 9}, {QUARANTINED: 5_005, HEALTHY: 12}, later) == (3, False)


def test_a_group_that_is_down_holds_everything() -> None:
    progress = Progress()
    at, ends = {QUARANTINED: 5, HEALTHY: 5}, {QUARANTINED: 5_005, HEALTHY: 8}
    progress.waiting(at, ends, 0.0)
    assert progress.waiting(at, ends, STALLED_SECONDS) == (5_003, True)


def test_a_partition_that_goes_on_counts_again() -> None:
    progress = Progress()
    ends = {QUARANTINED: 5_005, HEALTHY: 50}
    progress.waiting({QUARANTINED: 5, HEALTHY: 5}, ends, 0.0)
    later = STALLED_SECONDS + 1
    assert progress.waiting({QUARANTINED: 5, HEALTHY: 50}, ends, later) == (0, False)
    assert progress.waiting({QUARANTINED: 6, HEALTHY: 50}, ends, later + 1) == (4_999, False)


def test_nothing_before_it_is_no_standstill() -> None:
    progress = Progress()
    at = {QUARANTINED: 5, HEALTHY: 5}
    progress.waiting(at, at, 0.0)
    assert progress.waiting(at, at, 10 * STALLED_SECONDS) == (0, False)

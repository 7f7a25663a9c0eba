"""What a member of a consumer group must do itself with kafka-python 3.0.12."""

from typing import Any


def finish_joining(consumer: Any) -> None:
    """Call before each poll: a join that ended between two polls is begun anew, instead of being forgotten.

    When partitions have appeared since the last election, the library joins again; when that join ends while nobody
    polls, the reason for it is gone, so that no poll looks at its result: the member sends no heartbeats and owns
    nothing, for ever and without an error (`ConsumerCoordinator.need_rejoin`, `BaseCoordinator.join_group_async`).
    """
    if is_joining(consumer):
        consumer._coordinator.request_rejoin()


def is_joining(consumer: Any) -> bool:
    """Say whether the member is between its old generation and its next: a commit would be refused."""
    coordinator = getattr(consumer, "_coordinator", None)
    return coordinator is not None and coordinator.rejoining

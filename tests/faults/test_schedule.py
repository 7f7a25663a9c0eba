"""The schedule of the fault suite: what is to be met lasts until somebody met it."""

from types import SimpleNamespace
from typing import Any, cast

from benchmarks.faults.schedule import Schedule


class Service:
    """Takes nothing while it is busy; whoever looks for the third time after that is told of one that met it."""

    def __init__(self) -> None:
        self.busy = False
        self.looks: list[bool] = []

    @property
    def refused(self) -> int:
        self.looks.append(self.busy)
        return int(self.looks.count(True) >= 3)


def test_who_takes_no_answers_goes_on_so_until_one_was_refused() -> None:
    service = Service()
    ground = SimpleNamespace(
        actors={}, stages=[], connectors=[], cities=["110000"], cutters={}, citizens=service, subscriber=Service(),
        has_blob_disk=False,
    )  # fmt: skip
    schedule = Schedule(cast(Any, ground), 1, hold_seconds=0)
    schedule.happen("answers not taken")
    assert service.looks == [False, True, True, True]
    assert not service.busy

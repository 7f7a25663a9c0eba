"""Which worker of pytest-xdist runs a file: few of them start the servers that the tests of one worker share.

A Kafka and an Elasticsearch take up to 30 CPU-seconds of a run before a test has asked them anything: their starts, the
code that they compile, their idle threads. So the files that use the pair go to two workers, those that use the Kafka
with rights to one of these, and the other workers run what needs neither. Two pairs, because tests with servers wait
for a third of their time.
"""

from typing import NamedTuple

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

SHARED = {"secured_kafka": 1, "local_stack": 2}
"""Fixtures that start servers for a worker, and how many workers start them."""


class ServerScheduling(LoadFileScheduling):
    """Hands out whole files as `--dist loadfile` does, but those that use a shared server only to the first workers."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Give a worker its next file. A worker for which none is left ends."""
        # The files of its servers come first, because no other worker can help with them at the end.
        for server in [*self._servers_of(node), ""]:
            for scope, unit in self.workqueue.items():
                if _server(unit) == server:
                    self.workqueue.move_to_end(scope, last=False)
                    super()._assign_work_unit(node)
                    return
        node.shutdown()

    def _servers_of(self, node: WorkerController) -> list[str]:
        alive = sorted((one for one in self.nodes if not one.shutting_down), key=lambda one: one.gateway.id)
        return [server for server, workers in SHARED.items() if node in alive[:workers]]


def _server(unit: dict[str, bool]) -> str:
    used = {id_.rpartition("@")[2] for id_ in unit}
    return next((server for server in SHARED if server in used), "")


class Named(NamedTuple):
    """What the scheduler, in another process, is sent of a test."""

    nodeid: str


def named_by_server(item: pytest.Item) -> Named:
    """Return the id of a test with the shared server that it starts, if it starts any."""
    used = getattr(item, "fixturenames", ())
    return Named("@".join([item.nodeid, *[server for server in SHARED if server in used][:1]]))

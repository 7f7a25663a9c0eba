"""The state is composed of stores, each with a size, and every kind of change has a reducer or needs none."""

from typing import get_args

from schemas.records import event
from tests.tickets.walk.walks import walked
from tickets.reducers import REDUCERS, fold
from tickets.state.state import State

WITHOUT_EFFECT = {event.Read, event.CommandRefused}
"""Changes that stand in the log alone."""


def test_a_kind_of_change_has_a_reducer_or_stands_in_the_log_alone() -> None:
    assert {*get_args(event.AnyChange)} == {*REDUCERS} | WITHOUT_EFFECT


def test_each_store_has_its_size_in_memory_after_a_checkpoint_and_from_the_log() -> None:
    walk = walked(2, 60)
    state = walk.through.desk.state
    sizes = state.sizes()
    assert {"tickets", "dedupe", "clusters", "texts", "threads", "calls", "parts", "dangling"} < sizes.keys()
    assert {"participants", "tombstones", "separations", "handovers", "inputs"} < sizes.keys()
    assert min(sizes["tickets"], sizes["threads"], sizes["separations"], sizes["inputs"]) > 0
    assert State(state.policy, state.dump()).sizes() == sizes
    assert fold(walk.through.events(), state.policy).sizes() == sizes | {"bodies": 0}

"""The saboteurs take the place of what there is: one that falls over its own slip loses all, and shows nothing."""

from inspect import signature
from typing import Any

import pytest

from benchmarks.faults.sabotage import RULES
from connectors.media_fetch.consumer import _Reading as Reading
from connectors.media_fetch.offset_tracker import Window
from connectors.media_fetch.scheduler import Fetcher
from connectors.replies.account_queue import Lane
from connectors.replies.partition import Owner
from connectors.runtime import pull
from sinks import runner as sinks_runner
from sinks.eraser import Eraser
from sinks.retry import Delivery
from sinks.runner import Runner
from sinks.webhook.dispatcher import Courier
from streams import assign
from streams.engine.partition_worker import Lanes
from streams.state import partition

PLACES: dict[str, list[tuple[Any, str]]] = {
    "cursor-before-kafka": [(pull, "run_once")],
    "offset-before-kafka": [(Lanes, "_worked")],
    "offset-before-file": [(Window, "take"), (Fetcher, "step"), (Reading, "commit")],
    "text-before-log": [(Owner, "_mark")],
    "doubt-for-no": [(Lane, "_sent")],
    "offset-before-delivery": [(Courier, "deliver"), (Runner, "_commit_offsets")],
    "offset-before-archive": [(Delivery, "deliver"), (Runner, "_commit_offsets")],
    "restore-before-fence": [(assign, "take_over")],
    "state-kept-after-abort": [(partition.Owner, "_commit"), (assign.Assign, "_end")],
    "two-transactions": [(partition.Owner, "_commit")],
    "uncommitted-read": [(sinks_runner, "make_consumer")],
    "offset-before-erasure": [(Eraser, "_carry_out"), (Runner, "_commit_offsets")],
}


@pytest.mark.parametrize("rule", RULES)
def test_a_saboteur_takes_what_is_given_to_whom_it_takes_the_place_of(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = [getattr(holder, name) for holder, name in PLACES[rule]]
    for (holder, name), one in zip(PLACES[rule], honest, strict=True):
        monkeypatch.setattr(holder, name, one)  # put back in the end
    RULES[rule]()
    for (holder, name), one in zip(PLACES[rule], honest, strict=True):
        taken = getattr(holder, name)
        assert taken is not one
        if not any(one.kind == one.VAR_POSITIONAL for one in signature(taken).parameters.values()):
            assert len(signature(taken).parameters) == len(signature(one).parameters)


def test_a_file_that_is_taken_for_fetched_leaves_no_errand_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for holder, name in PLACES["offset-before-file"]:
        monkeypatch.setattr(holder, name, getattr(holder, name))
    RULES["offset-before-file"]()
    window = Window()
    window.take(7, ["a file"])
    assert window.position == 8

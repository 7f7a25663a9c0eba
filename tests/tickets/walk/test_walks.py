"""Whatever citizens say and clerks order, in whatever order, and whenever a desk is killed: it keeps its promises.

`make soak` draws new seeds, `make soak WALKS=201-1000` names them. A broken walk is shown as short as it can be.
"""

import os
from collections.abc import Iterator

import pytest

from tests.tickets.walk import promises
from tests.tickets.walk.walks import walked

CHOSEN = os.environ.get("HOTLINE_WALKS")
FIRST, LAST = map(int, (CHOSEN or "1-4").split("-"))
pytestmark = [pytest.mark.soak] if CHOSEN else []


@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
def test_a_walk_breaks_no_promise(seed: int) -> None:
    walked(seed)


def test_a_walk_that_breaks_one_is_told_as_short_as_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_calls(told: promises.Told) -> Iterator[object]:
        yield from (one.message_id for one in told.messages.values() if one.call)

    monkeypatch.setattr(promises, "PROMISES", (nobody_calls,))
    with pytest.raises(promises.BrokenError, match="nobody_calls") as broken:
        walked(seed=1, steps=30)
    head, *inputs = broken.value.__notes__[0].splitlines()
    assert head == "seed 1, shortened:"
    assert [" phone call " in one for one in inputs] == [True]

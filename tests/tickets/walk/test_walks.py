"""Whatever citizens say and clerks order, in whatever order, and whenever a desk is killed: it keeps its promises.

A walk that breaks one is told as short as it can be. `make fuzz-desk WALKS=1-1000` walks on with other seeds.
"""

import os

import pytest

from tests.tickets.walk.walks import walked

FIRST, LAST = map(int, os.environ.get("HOTLINE_WALKS", "1-4").split("-"))


@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
def test_a_walk_breaks_no_promise(seed: int) -> None:
    walked(seed)

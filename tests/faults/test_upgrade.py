"""The upgrade of a whole city restarts every unit, in the order of docs/how-to/upgrade.md, there and back and there."""

from collections import Counter

import pytest

from benchmarks.faults.ground import STAGES
from benchmarks.faults.upgrade import READERS, doors, steps

pytestmark = pytest.mark.long


def test_every_unit_is_restarted_three_times_and_readers_before_writers() -> None:
    units = [step.removeprefix("terminate ") for step in steps(2)]
    assert Counter(units) == dict.fromkeys((*STAGES, *doors(2)), 3)
    third = len(units) // 3
    forth, back = units[:third], units[third : 2 * third]
    assert forth[0] == back[-1] == "eraser"
    assert back[-2] == "assign"
    pairs = (
        *((reader, "assign") for reader in READERS),
        ("assign", "normalize"),
        ("assign", "screen"),
        ("normalize", "receiver"),
    )
    for reader, writer in pairs:
        assert forth.index(reader) < forth.index(writer)
    assert back.index("receiver") < back.index("normalize") < back.index("assign")
    assert units[2 * third :] == forth

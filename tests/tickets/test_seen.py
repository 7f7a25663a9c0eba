"""Seen: a set of digests in blocks, none of which is long, so that neither an addition nor a checkpoint is."""

import hashlib

import pytest

from tickets.state import seen
from tickets.state.seen import BLOCK, WIDTH, Seen


def digests(count: int) -> list[bytes]:
    return sorted(hashlib.blake2b(str(number).encode(), digest_size=WIDTH).digest() for number in range(count))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "BLOCK", 4)


@pytest.mark.usefixtures("small")
def test_it_holds_what_was_added_and_nothing_else_however_often() -> None:
    known = Seen()
    for number in (*range(0, 600, 2), *range(0, 600, 3)):
        known.add(str(number))
    expected = {number for number in range(600) if number % 2 == 0 or number % 3 == 0}
    assert {number for number in range(600) if str(number) in known} == expected
    assert len(known) == len(expected)
    blocks = known.dump()
    assert {len(block) // WIDTH for block in blocks} <= {1, 2, 3, 4}
    assert len(blocks) > 1
    joined = b"".join(blocks)
    assert [joined[at : at + WIDTH] for at in range(0, len(joined), WIDTH)] == sorted(
        hashlib.blake2b(str(number).encode(), digest_size=WIDTH).digest() for number in expected
    )


def test_it_reads_its_blocks_and_the_one_run_of_older_checkpoints() -> None:
    run = b"".join(digests(3 * BLOCK))
    for runs in (run, Seen(run).dump()):
        known = Seen(runs)
        assert len(known) == 3 * BLOCK
        assert all(str(number) in known for number in range(0, 3 * BLOCK, 97))
        assert str(3 * BLOCK) not in known


def test_a_dump_does_not_change_with_what_is_added_later() -> None:
    known = Seen(b"".join(digests(100)))
    dumped = b"".join(known.dump())
    taken = known.dump()
    known.add("later")
    assert b"".join(taken) == dumped
    assert "later" in known


def test_two_digests_that_differ_by_bytes_of_zero_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_digest", lambda text: text.encode().ljust(WIDTH, b"\0"))
    known = Seen()
    known.add("a")
    assert "a\0" in known  # the same sixteen bytes
    assert "a\0b" not in known

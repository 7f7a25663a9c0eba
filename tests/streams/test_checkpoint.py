"""A checkpoint in pieces: what is read is what was written, and one that is not whole is none."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from msgspec.structs import replace
from xxhash import xxh3_64_intdigest

from streams.state.checkpoint import Checkpoint, checkpoint_of, frames, state_of
from tests.tickets.build import message, position
from tests.tickets.walk.walks import walked
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import apply, fold
from tickets.state import state as tickets_state
from tickets.state.seen import BLOCK, WIDTH, Seen
from tickets.state.state import Snapshot, State
from tickets.state.store import LIKENESS

TICKETS = 10
NINTH = Checkpoint(last_event=9, last_event_id="nine", next_ticket=10)


async def cut(whole: bytes, size: int = 1 << 20) -> AsyncIterator[bytes]:
    """Yield a checkpoint in chunks of a size, as a blob store does."""
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> tuple[State, list[bytes]]:
    """A state of ten tickets, and its checkpoint in pieces of three of them."""
    monkeypatch.setattr(tickets_state, "PIECE", 3)
    desk = Desk(State(TicketPolicy()))
    for number in range(TICKETS):
        desk.take(message(number, f"第{number}件事", sender=str(13800000000 + number)), position(number))
    desk.flush()
    return desk.state, list(frames(NINTH, desk.state.pieces()))


async def test_what_is_read_is_what_was_written(written: tuple[State, list[bytes]]) -> None:
    state, pieces = written
    assert len(pieces) == 1 + 4
    read = await checkpoint_of(cut(b"".join(pieces)))
    assert (read.last_event, read.last_event_id, read.next_ticket) == (9, "nine", 10)
    assert read.snapshot == state.dump()
    assert state_of(read.snapshot, TicketPolicy()).dump() == state.dump()


@pytest.mark.parametrize("size", [1, 7, 8, 9, 1000])
async def test_a_store_may_cut_it_anywhere(written: tuple[State, list[bytes]], size: int) -> None:
    state, pieces = written
    assert (await checkpoint_of(cut(b"".join(pieces), size))).snapshot == state.dump()


async def test_bodies_that_another_version_compressed_are_not_read(written: tuple[State, list[bytes]]) -> None:
    state, _ = written
    other = replace(NINTH, likeness="other")
    with pytest.raises(msgspec.DecodeError, match="another version"):
        await checkpoint_of(cut(b"".join(frames(other, state.pieces()))))


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_decided_while_it_is_written_is_not_in_it(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Whatever a walk decides, closes, moves and erases between two pieces; the next checkpoint has all of it."""
    monkeypatch.setattr(tickets_state, "PIECE", 3)
    walk = walked(seed, 60).through
    events = walk.events()
    state, beside = (fold(events[: len(events) // 2], walk.desk.state.policy) for _ in range(2))
    before = msgspec.msgpack.encode(state.dump())
    taken = state.pieces()
    pieces, written = frames(NINTH, taken), b""
    for event in events[len(events) // 2 :]:
        written += next(pieces, b"")
        apply(state, event)
        apply(beside, event)
        state.tickets.tidy(0)
    read = await checkpoint_of(cut(written + b"".join(pieces)))
    assert msgspec.msgpack.encode(read.snapshot) == before
    taken.close()
    assert state.dump() == beside.dump() != read.snapshot
    assert [*state.tickets] == [*beside.tickets]


async def test_a_state_that_goes_on_in_place_gives_no_more_pieces(written: tuple[State, list[bytes]]) -> None:
    """A checkpoint that is given up, or overtaken by the next one, is never a mixture of two moments."""
    state, _ = written
    pieces = frames(NINTH, state.pieces())
    next(pieces)
    next(pieces)
    whole = state.dump()
    with pytest.raises(RuntimeError, match="closed"):
        next(pieces)
    assert state.dump() == whole


async def test_an_empty_state_is_one_piece() -> None:
    state = State(TicketPolicy())
    pieces = list(frames(NINTH, state.pieces()))
    assert len(pieces) == 1
    assert (await checkpoint_of(cut(pieces[0]))).snapshot == state.dump()


async def test_one_that_is_not_whole_is_none_wherever_it_ends(written: tuple[State, list[bytes]]) -> None:
    _, pieces = written
    whole = b"".join(pieces)
    ends = [len(b"".join(pieces[:count])) for count in range(len(pieces))]
    for end in (*ends, *(end + extra for end in ends for extra in (1, 7, 8, 9)), len(whole) - 1):
        with pytest.raises(msgspec.DecodeError):
            await checkpoint_of(cut(whole[:end]))


async def test_pieces_that_are_too_many_are_none_either(written: tuple[State, list[bytes]]) -> None:
    _, pieces = written
    with pytest.raises(msgspec.DecodeError):
        await checkpoint_of(cut(b"".join([*pieces, pieces[-1]])))


async def test_others_have_a_turn_between_the_pieces(written: tuple[State, list[bytes]]) -> None:
    _, pieces = written
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await checkpoint_of(cut(b"".join(pieces)))
    beside.cancel()
    assert turns >= len(pieces) - 1


@pytest.mark.parametrize("piece", [0, 1, 4])
@pytest.mark.parametrize("place", [0.2, 0.5, 0.99])
async def test_one_whose_bytes_changed_on_the_disk_is_none(
    written: tuple[State, list[bytes]], piece: int, place: float
) -> None:
    _, pieces = written
    changed = bytearray(pieces[piece])
    changed[16 + int(place * (len(changed) - 16))] ^= 1
    pieces[piece] = bytes(changed)
    with pytest.raises(msgspec.DecodeError, match="not what was written"):
        await checkpoint_of(cut(b"".join(pieces)))


async def test_digests_lie_in_pieces_of_a_megabyte_and_beside_no_tickets_too() -> None:
    """Of all ids in one value none could be written beyond 4 GiB: Beijing gets there in 21 months."""
    count = 3 * tickets_state.MOST["seen"] * BLOCK
    run = Seen(sorted_digests(count)).dump()
    pieces = list(frames(NINTH, State(TicketPolicy(), Snapshot(seen=run, left=run)).pieces()))
    assert len(pieces) == 1 + 3
    assert max(map(len, pieces[1:])) < 2.1 * 1024 * 1024
    state = state_of((await checkpoint_of(cut(b"".join(pieces)))).snapshot, TicketPolicy())
    assert (len(state.inputs), len(state.participants)) == (count, count)


@pytest.mark.parametrize("version", [24, 25])
async def test_a_checkpoint_of_an_older_format_is_read(written: tuple[State, list[bytes]], version: int) -> None:
    """Nothing is read from the logs again. Format 24 has each kind of digests in one run in its first piece."""
    state, _ = written
    whole = state.dump()
    few = {"tickets": {}, "bodies": {}, "near": replace(whole.near, kept={})}
    runs = {name: b"".join(getattr(whole, name)) if version == 24 else [] for name in ("left", "acknowledged", "seen")}
    head = {name: getattr(whole, name) for name in whole.__struct_fields__} | few | runs
    first = {"last_event": 9, "last_event_id": "nine", "next_ticket": 10, "likeness": LIKENESS, "parts": 1}
    part = {"tickets": whole.tickets, "bodies": whole.bodies, "kept": whole.near.kept}
    part |= {} if version == 24 else {name: getattr(whole, name) for name in runs}
    read = await checkpoint_of(cut(framed(first | {"snapshot": head}) + framed(part)))
    assert state_of(read.snapshot, TicketPolicy()).dump() == whole


def framed(piece: object) -> bytes:
    value = msgspec.msgpack.encode(piece)
    return len(value).to_bytes(8, "little") + xxh3_64_intdigest(value).to_bytes(8, "little") + value


def sorted_digests(count: int) -> bytes:
    return b"".join((number << 64).to_bytes(WIDTH, "big") for number in range(count))

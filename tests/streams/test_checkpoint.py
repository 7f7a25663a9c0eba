"""A checkpoint in pieces: what is read is what was written, and one that is not whole is none."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from xxhash import xxh3_64_intdigest

from streams.state import checkpoint
from streams.state.checkpoint import Checkpoint, checkpoint_of, frames, state_of
from tests.tickets.build import message, position
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.seen import BLOCK, WIDTH, Runs, Seen
from tickets.state.state import Snapshot, State

TICKETS = 10


async def cut(whole: bytes, size: int = 1 << 20) -> AsyncIterator[bytes]:
    """Yield a checkpoint in chunks of a size, as a blob store does."""
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> tuple[State, list[bytes]]:
    """A state of ten tickets, and its checkpoint in pieces of three of them."""
    monkeypatch.setattr(checkpoint, "PART", 3)
    desk = Desk(State(TicketPolicy()))
    for number in range(TICKETS):
        desk.take(message(number, f"第{number}件事", sender=str(13800000000 + number)), position(number))
    desk.flush()
    whole = Checkpoint(last_event=9, last_event_id="nine", next_ticket=10, snapshot=desk.state.dump())
    return desk.state, list(frames(whole))


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
    other = Checkpoint(last_event=9, last_event_id="nine", next_ticket=10, snapshot=state.dump(), likeness="other")
    with pytest.raises(msgspec.DecodeError, match="another version"):
        await checkpoint_of(cut(b"".join(frames(other))))


async def test_what_is_decided_while_it_is_written_is_not_in_it(written: tuple[State, list[bytes]]) -> None:
    state, _ = written
    before = msgspec.msgpack.encode(state.dump())
    pieces = frames(Checkpoint(last_event=9, last_event_id="nine", next_ticket=10, snapshot=state.dump()))
    first, desk = next(pieces), Desk(state)
    for number in range(TICKETS, 2 * TICKETS):
        desk.take(message(number, f"第{number % TICKETS}件事", sender=str(13800000000 + number)), position(number))
    desk.flush()
    read = await checkpoint_of(cut(first + b"".join(pieces)))
    assert msgspec.msgpack.encode(read.snapshot) == before != msgspec.msgpack.encode(state.dump())


async def test_an_empty_state_is_one_piece() -> None:
    state = State(TicketPolicy())
    pieces = list(frames(Checkpoint(last_event=-1, last_event_id="", next_ticket=0, snapshot=state.dump())))
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
    count = 3 * checkpoint.DIGESTS * BLOCK
    run = Seen(sorted_digests(count)).dump()
    whole = Checkpoint(last_event=9, last_event_id="nine", next_ticket=0, snapshot=with_digests(run))
    pieces = list(frames(whole))
    assert len(pieces) == 1 + 3
    assert max(map(len, pieces[1:])) < 3.1 * 1024 * 1024
    state = state_of((await checkpoint_of(cut(b"".join(pieces)))).snapshot, TicketPolicy())
    assert (len(state.inputs), len(state.participants)) == (count, count)


async def test_a_checkpoint_of_format_24_is_read(written: tuple[State, list[bytes]]) -> None:
    """It has all digests in the first piece, each kind as one run; nothing is read from the logs again."""
    state, pieces = written
    first = msgspec.msgpack.decode(pieces[0][16:])
    snapshot, seen = first["snapshot"], state.dump().seen
    snapshot["seen"] = b"".join(seen)
    snapshot |= {"left": b"", "acknowledged": b""}
    value = msgspec.msgpack.encode(first)
    head = len(value).to_bytes(8, "little") + xxh3_64_intdigest(value).to_bytes(8, "little")
    rest = [without(piece, "left", "acknowledged", "seen") for piece in pieces[1:]]
    read = await checkpoint_of(cut(b"".join([head + value, *rest])))
    assert state_of(read.snapshot, TicketPolicy()).dump() == state.dump()


def without(piece: bytes, *names: str) -> bytes:
    part = msgspec.msgpack.decode(piece[16:], strict=False)
    value = msgspec.msgpack.encode({name: told for name, told in part.items() if name not in names})
    return len(value).to_bytes(8, "little") + xxh3_64_intdigest(value).to_bytes(8, "little") + value


def sorted_digests(count: int) -> bytes:
    return b"".join((number << 64).to_bytes(WIDTH, "big") for number in range(count))


def with_digests(run: Runs) -> Snapshot:
    return msgspec.structs.replace(State(TicketPolicy()).dump(), seen=run, left=run)

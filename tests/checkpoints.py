"""What stands in a checkpoint, as text: most of it is packed, and nothing may hide there."""

from collections.abc import AsyncIterator
from pathlib import Path

from streams.state.checkpoint import checkpoint_of, state_of
from tickets.policy import TicketPolicy
from tickets.state.state import State


def known(state: State) -> str:
    """Return all that a state knows of its tickets."""
    return "".join(body.decode() for body in state.bodies.values()) + repr(list(state.tickets.values()))


async def text_of(whole: bytes) -> str:
    """Return the bytes of a checkpoint as text, and behind them what is packed in them."""

    async def chunks() -> AsyncIterator[bytes]:
        yield whole

    found = await checkpoint_of(chunks())
    return whole.decode(errors="replace") + known(state_of(found.snapshot, TicketPolicy()))


def is_one(file: Path) -> bool:
    """Say whether a file of the blob store is a checkpoint."""
    return file.suffix == ".msgpack"

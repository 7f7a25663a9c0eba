"""An errand: one thing to fetch for one message, tried again until it is done or its time is over."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from schemas.errors import PipelineError
from schemas.records import RawMessage

Publish = Callable[[Sequence[RawMessage]], None]
"""Returns when the broker holds the messages."""


class GivenUp(Exception):  # noqa: N818 - it ends an errand, and is no error of its own
    """Raised the last time, behind the record that an errand leaves: what it was for is lost because of `fault`."""

    def __init__(self, fault: PipelineError) -> None:
        super().__init__(str(fault))
        self.fault = fault


class TooEarlyError(Exception):
    """Raised when what an errand is for may come later: it is run again in `seconds`, and nothing is wrong."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too early")
        self.seconds = seconds


class Errand(Protocol):
    """Repeats are harmless: the same errand always publishes records of the same names."""

    @property
    def account(self) -> str:
        """Return who is asked: errands of one account wait for each other, those of two do not."""
        ...

    @property
    def name(self) -> str:
        """Return what tells it from every other errand."""
        ...

    @property
    def deadline(self) -> datetime:
        """Return until when it is worth trying; once more is tried in any case."""
        ...

    @property
    def keeps(self) -> bool:
        """Say whether it is of use while Kafka is away: what it fetches is then safe in the blob store."""
        ...

    def run(self, publish: Publish, *, last: bool) -> None:
        """Fetch, and publish what came of it.

        Whatever it raises, it is run again; the `last` time it settles for what it has, and raises only when the
        result itself cannot be stored. GivenUp, and an error that is none of ours, end it then. TooEarlyError is no
        fault.
        """
        ...


Plan = Callable[[RawMessage], Sequence[Errand]]
"""What a raw message gives us to fetch; mostly nothing."""

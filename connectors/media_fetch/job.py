"""Job interface: fetches one thing for one message, and is retried until it succeeds or its deadline has passed."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from schemas.errors import PipelineError
from schemas.records import RawMessage

Publish = Callable[[Sequence[RawMessage]], None]
"""Returns when the broker holds the messages."""


class GivenUp(Exception):  # noqa: N818 - it ends a job because of another error
    """Raised at the last try, after the job has published its failure record: the result is lost because of `fault`."""

    def __init__(self, fault: PipelineError) -> None:
        super().__init__(str(fault))
        self.fault = fault


class TooEarlyError(Exception):
    """Raised if the result may come later: the job runs again in `seconds`, and no fault is counted."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too early")
        self.seconds = seconds


class Errand(Protocol):
    """A fetch job. Repeats are harmless: the same job always publishes records with the same ids."""

    @property
    def account(self) -> str:
        """Return the account: jobs of one account wait for each other, those of two accounts do not."""
        ...

    @property
    def name(self) -> str:
        """Return the unique name of the job."""
        ...

    @property
    def deadline(self) -> datetime:
        """Return the time until which it is retried; there is one more try in any case."""
        ...

    @property
    def keeps(self) -> bool:
        """Return whether it may run without Kafka: its result is then safe in the blob store."""
        ...

    def run(self, publish: Publish, *, last: bool) -> None:
        """Fetch, and publish the result.

        After an error the job runs again. The `last` time it accepts what it has, and raises only if the result
        itself cannot be stored. GivenUp, or an error outside the pipeline's classes, then ends the job. TooEarlyError
        is no fault.
        """
        ...


Plan = Callable[[RawMessage], Sequence[Errand]]
"""Returns the fetch jobs of a raw message; mostly none."""

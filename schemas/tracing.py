"""Who is told of a message's hops: nobody, unless `hotline/runtime/components.py` hands a tracer that exports spans.

The headers travel without a tracer, too: then a hop passes on what came, as W3C Trace Context asks of those who only
carry. So a stage pays for spans when somebody wants them, and nearly nothing otherwise.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from schemas.codec import Outbound

Came = Sequence[tuple[str, bytes]]
"""The headers of a record as a Kafka client gives them."""


class Hop(Protocol):
    """One batch of records on their way through one stage; its spans end with the `with` block."""

    def begins(self, outbounds: Sequence[Outbound]) -> Sequence[Outbound]:
        """Return the records with the first span of each one's trace."""
        ...

    def passes_on(self, outbounds: Sequence[Outbound]) -> Sequence[Outbound]:
        """Return the records with a span of this hop, below the one that their `traceparent` names.

        A dead letter keeps the headers with which it came; its span says why it is one.
        """
        ...

    def ends(self, came: Iterable[Came]) -> None:
        """Note the last span of these records: nothing of Kafka follows from them."""
        ...


class Tracer(Protocol):
    """Makes the spans of a process."""

    def hop(
        self, stage: str, topic: str | None = None, partition: int | None = None, came: Iterable[Came] = ()
    ) -> AbstractContextManager[Hop]:
        """Begin a batch: `stage` is what works it off, `topic` where it came from.

        The batch's span is linked to the spans of whoever sent the records with the headers `came`.
        """
        ...


class _Deaf:
    def begins(self, outbounds: Sequence[Outbound]) -> Sequence[Outbound]:
        return outbounds

    def passes_on(self, outbounds: Sequence[Outbound]) -> Sequence[Outbound]:
        return outbounds

    def ends(self, came: Iterable[Came]) -> None:
        pass

    def hop(
        self, stage: str, topic: str | None = None, partition: int | None = None, came: Iterable[Came] = ()
    ) -> AbstractContextManager[Hop]:
        return nullcontext(self)


OFF: Tracer = _Deaf()
"""Nobody listens."""

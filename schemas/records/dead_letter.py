"""DeadLetter: what could not be processed; the original bytes and headers, and the reason in more headers."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from schemas import topics
from schemas.codec import Outbound, Position
from schemas.envelope import Headers
from schemas.errors import RecordError

PREFIX = "__connect.errors."
"""Kafka Connect's names, so that existing tools read them."""

CODE = "hotline.error.code"
"""The header of a dead letter's code."""

REPLAYS = "hotline.error.replay.count"
"""How often an operator has put this record back."""

MOVED = "hotline.error.moved"
"""Its value lay in the record itself and is in the blob store only because the reasons left it no room."""

OURS = (PREFIX, "hotline.error.")
"""What the headers that a dead letter adds begin with; all others are the record's own."""

REPLAY_LIMIT = 3
"""A record that came back so often is not put back again: somebody has to look at it."""


class DeadLetter(Struct, frozen=True, kw_only=True):
    """One refused record. `reason` never holds personal data."""

    position: Position
    key: bytes
    value: bytes
    headers: Headers
    stage: str
    code: str
    reason: str
    exception: str
    retryable: bool = False
    attempt: int = 1
    replays: int = 0
    pipeline_version: str = "0.1.0"

    def outbound(self) -> Outbound:
        """Return the record for `hotline.dead.v1`: key, value and headers as they were, reasons behind them."""
        reasons = {
            f"{PREFIX}topic": self.position.topic,
            f"{PREFIX}partition": str(self.position.partition),
            f"{PREFIX}offset": str(self.position.offset),
            f"{PREFIX}stage": self.stage,
            f"{PREFIX}class.name": self.stage,
            f"{PREFIX}exception.class.name": self.exception,
            f"{PREFIX}exception.message": self.reason,
            CODE: self.code,
            "hotline.error.retryable": str(self.retryable).lower(),
            "hotline.error.attempt": str(self.attempt),
            REPLAYS: str(self.replays),
            "hotline.error.pipeline.version": self.pipeline_version,
        }
        added = [(name, text.encode()) for name, text in reasons.items()]
        return Outbound(topics.DEAD, self.key, self.value, [*self.headers, *added])

    def as_whole_as_fits(self) -> Iterator[Outbound]:
        """Yield the record, then without its bytes, then one that says nothing but where it stands.

        Kafka may refuse one of these as too large: then the next is for it, as one bad record stops nobody behind it.
        """
        for less in (self, replace(self, value=b""), replace(self, key=b"", value=b"", headers=[])):
            yield less.outbound()

    @classmethod
    def of(
        cls,
        error: Exception,
        *,
        stage: str,
        position: Position,
        key: bytes,
        value: bytes,
        headers: Headers,
    ) -> "DeadLetter":
        """Make the dead letter of one record and the error it caused; a foreign error is named, not quoted."""
        ours = isinstance(error, RecordError)
        return cls(
            position=position,
            key=key,
            value=value,
            headers=headers,
            stage=stage,
            code=error.code if isinstance(error, RecordError) else "internal",
            reason=str(error) if ours else type(error).__name__,
            exception=f"{type(error).__module__}.{type(error).__name__}",
        )

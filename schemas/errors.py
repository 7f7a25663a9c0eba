"""Errors, named by what to do about them.

::

    PipelineError
    ├── RetriableError          wait, then try the same thing again
    │   ├── UnreachableError    network, timeout, 5xx
    │   │   ├── StoreAwayError  the blob store takes nothing; carries which messages need it
    │   │   ├── TopicMissingError  Kafka answers, and has no such topic
    │   │   └── LoginRefusedError  no broker takes our login; it may yet be mended there
    │   └── ThrottledError      quota or 429; carries retry_after
    ├── RecordError             this one record will never succeed: dead-letter it, go on
    │   ├── MalformedError      bytes that do not parse
    │   ├── UnsupportedError    parses, but we have no meaning for it
    │   ├── TooLargeError       over the published limit
    │   ├── MissingBlobError    the bytes that a reference names are gone
    │   │   └── ErasedError     as their message was erased
    │   ├── MappingConflictError  the archive refuses the document's shape
    │   ├── SchemaError         a record of ours that breaks its own schema
    │   ├── MisplacedError      a city that is not in this partition
    │   └── UndeliverableError  a subscriber refuses it, or did not take it in time
    ├── PartitionError          one partition cannot go on: it waits in quarantine, a person must act; all others go on
    ├── RefusedRequest          a push request that is forged, malformed or too large: answer it so, count it
    └── FatalError              stop this component; a person must act
        ├── MisconfiguredError  settings that cannot work
        ├── MadeAnewError       a topic is another one of the same name; started again, we begin at its beginning
        └── UnauthorizedError   *our* credentials refused by a service
            └── TopicRefusedError  Kafka lets our user write others, and not this one

A message names the thing and the next action. It never carries a body, a token or an address: these texts end up
in logs and in dead-letter headers.
"""

from typing import ClassVar


class PipelineError(Exception):
    """Anything that this project raises on purpose."""


class RetriableError(PipelineError):
    """A fault of the surroundings: wait, then try the same thing again."""


class UnreachableError(RetriableError):
    """Network fault, timeout or a 5xx answer."""


class StoreAwayError(UnreachableError):
    """The blob store takes nothing now: `waiting` are the ids of the messages that it has to take first."""

    def __init__(self, message: str, waiting: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.waiting = waiting


class TopicMissingError(UnreachableError):
    """Kafka has no such topic: what goes to others need not wait until somebody makes it."""


class LoginRefusedError(UnreachableError):
    """No broker takes our login: a person must act, and may do so at Kafka; until then it is as if it were away."""


class ThrottledError(RetriableError):
    """A quota is used up; `retry_after` is in seconds, None when the service did not say."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RecordError(PipelineError):
    """This one record will never succeed; `code` is the dead letter's `hotline.error.code`."""

    code: ClassVar[str] = "internal"


class MalformedError(RecordError):
    """Bytes that do not parse."""

    code = "malformed"


class UnsupportedError(RecordError):
    """Parses, but we have no meaning for it."""

    code = "unsupported"


class TooLargeError(RecordError):
    """Over the published limit."""

    code = "too_large"


class MissingBlobError(RecordError):
    """The bytes that a reference names are gone."""

    code = "missing_blob"


class ErasedError(MissingBlobError):
    """The bytes are gone because their message was erased, or its bytes as they came were: nobody lacks them."""


class MappingConflictError(RecordError):
    """The archive refuses the document's shape."""

    code = "mapping_conflict"


class SchemaError(RecordError):
    """A record of ours that breaks its own schema."""

    code = "schema"


class UndeliverableError(RecordError):
    """A subscriber refuses it, or did not take it in time."""

    code = "undeliverable"


class MisplacedError(RecordError):
    """A record stands in a partition where its city is not: elsewhere others decide about that city."""

    code = "misplaced"


class PartitionError(PipelineError):
    """One partition cannot go on until a person acts: it waits in quarantine, and all others go on."""


class RefusedRequest(PipelineError):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """A push request that is forged (401/403), malformed (400) or too large (413); `status` is the HTTP answer.

    `reason` is one word of a small set, for the metric.
    """

    def __init__(self, message: str, status: int = 403, reason: str = "other") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class FatalError(PipelineError):
    """Stop this component: a person must act."""


class MisconfiguredError(FatalError):
    """Settings that cannot work."""


class MadeAnewError(FatalError):
    """A topic was made anew while it was read: whoever goes on at the old one's position passes over what is in it."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"the topic {topic} was made anew while it was read: the worker has to start again, and reads it from its "
            "beginning"
        )


class UnauthorizedError(FatalError):
    """Our own credentials were refused by a service."""


class UnshownError(UnauthorizedError):
    """A login that was refused is not shown again; whether a person has changed it costs nobody anything to see."""


class TopicRefusedError(UnauthorizedError):
    """Kafka does not let our user write one topic: what goes to others need not wait for that right."""


ERROR_CODES: tuple[str, ...] = (
    MalformedError.code,
    UnsupportedError.code,
    TooLargeError.code,
    MissingBlobError.code,
    MappingConflictError.code,
    SchemaError.code,
    UndeliverableError.code,
    MisplacedError.code,
    RecordError.code,
)
"""Every `hotline.error.code`; `internal` stands for a fault of ours on one record."""


def place_of(error: BaseException) -> str | None:
    """Return where an exception comes from, `file:line`, and nothing of what it says; None for one never raised."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else None

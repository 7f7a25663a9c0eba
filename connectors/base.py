"""The three kinds of connectors: pull (it asks a service), push (it is called), session (the other side sends)."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Protocol, runtime_checkable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from pydantic import AfterValidator, Field

from schemas.errors import MisconfiguredError
from schemas.ids import ADCODE
from schemas.records import Cursor, DeadLetter, RawMessage


def utc_now() -> datetime:
    """Return the present time; connectors take their clock as an argument, with this as the default."""
    return datetime.now(UTC)


class Batch(Struct, frozen=True, kw_only=True):
    """Messages after a cursor, oldest first, and the cursor for the next call; empty if nothing is new.

    `dead_letters` are messages that can never be fetched whole; `complaints` are sentences for an operator, shown by
    the health check while messages go on.
    """

    messages: tuple[RawMessage, ...] = ()
    cursor: Cursor
    dead_letters: tuple[DeadLetter, ...] = ()
    complaints: tuple[str, ...] = ()


class PullConnector(Protocol):
    """Asks a service for new messages. Never sleeps, retries, publishes or logs.

    Raises only errors of `schemas.errors`. It may block: the runner gives it its own thread.
    """

    channel: ClassVar[str]

    def open(self) -> None:
        """Connect. May be called again after a failure."""
        ...

    def fetch(self, cursor: Cursor) -> Batch:
        """Return the messages after `cursor`; an empty batch means nothing new."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` and return whether to fetch: a message may have come, or the next poll is due.

        The runner calls it again and again, so that it can stop in between; the connector sets the pace.
        """
        ...

    def close(self) -> None:
        """Release everything. Idempotent, and safe before open()."""
        ...


@runtime_checkable
class Deferring(Protocol):
    """A pull connector whose messages may be fetched out of order, some of them later."""

    def without(self, batch: Batch, waiting: Collection[str]) -> Batch | None:
        """Return the last batch without these messages; its cursor asks for them again later.

        `waiting` are ids of messages. Returns None if too many wait already.
        """
        ...


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request as the receiver passes it on, independent of a framework.

    `client` is the caller's address; behind a proxy of `receiver.trusted_proxies` that of the proxy's caller; "" if
    unknown.
    """

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    body: bytes
    client: str = ""


class Answer(Struct, frozen=True, kw_only=True):
    """The HTTP answer to send once the messages are safe."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


class Accepted(Struct, frozen=True, kw_only=True):
    """Verified messages and the answer that the other side expects."""

    messages: tuple[RawMessage, ...] = ()
    answer: Answer


class PushConnector(Protocol):
    """Verifies one HTTP request. The receiver, which hosts all push channels, handles HTTP itself."""

    channel: ClassVar[str]

    def accept(self, request: Request) -> Accepted:
        """Return the verified messages; raises RefusedRequest (400, 401, 403, 413) for a stranger's request."""
        ...


@runtime_checkable
class Recognising(Protocol):
    """A push connector that can verify a request before its body.

    The body of a stranger is not read, and a request that is refused for its size is known to be a lost message.
    """

    def recognise(self, request: Request) -> None:
        """Verify a request without its body; raises RefusedRequest for a stranger's. Stores nothing."""
        ...


class Emit(Protocol):
    """Passes on the messages of a session."""

    async def __call__(self, message: RawMessage) -> None:
        """Return when the bytes are safe; the protocol's acknowledgement may be sent only then.

        Raises RetriableError if they may not be safe: nothing is acknowledged, and the other side is asked to slow
        down if the protocol can do so.
        """
        ...

    def alive(self) -> None:
        """Record a sign of life of the other side: a login, an answer to a heartbeat."""
        ...

    async def recall(self) -> Mapping[str, Any]:
        """Return what the account's present or former owner saved last; empty on a first start.

        Raises RetriableError if Kafka does not answer.
        """
        ...

    async def keep(self, position: Mapping[str, Any]) -> None:
        """Save it for the account's next owner; raises RetriableError if it may not be saved."""
        ...


@runtime_checkable
class Listening(Protocol):
    """A session connector whose source broadcasts events and stores none for absent listeners.

    Two listeners at once are harmless, as they give an event the same id; without a listener events are lost.
    """

    listens: ClassVar[bool]


class SessionConnector(Protocol):
    """Owns a connection on which the other side sends."""

    channel: ClassVar[str]

    async def run(self, emit: Emit) -> None:
        """Serve one connection until it ends; raises errors of `schemas.errors`. If cancelled, it logs out first.

        Never reconnects, waits between attempts or logs faults: the runner does.
        """
        ...


# Settings of every account: the city of its messages.

Adcode = Annotated[str, Field(pattern=ADCODE)]
"""行政区划代码 of a city, six digits."""

Jurisdiction = Annotated[
    str | None, Field(pattern=ADCODE, description="行政区划代码 of the city; the settings' own by default")
]
"""None by default: the settings give such an account the installation's city."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # the name of a folder, or too long for a file
        raise ValueError("it is no time zone: write one such as Asia/Shanghai or UTC") from error
    return name


Zone = Annotated[str, Field(min_length=1), AfterValidator(_known_zone)]
"""Name of a time zone. An unknown one would count as China's, and wrong times would go unnoticed."""


def city_of(jurisdiction: str | None, account_id: str) -> str:
    """Return the city of an account; raises MisconfiguredError if it has none."""
    if jurisdiction is None:
        raise MisconfiguredError(f"the account {account_id} has no jurisdiction: set its 行政区划代码")
    return jurisdiction

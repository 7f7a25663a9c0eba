"""The three shapes of a connector: it asks (pull), it is called (push), or the other side speaks (session)."""

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
    """Return the time of this moment; connectors take what tells it as an argument, and this one by default."""
    return datetime.now(UTC)


class Batch(Struct, frozen=True, kw_only=True):
    """What came after a cursor, oldest first, and the cursor that means "after this"; empty when nothing is new.

    `dead_letters` are messages that can never be fetched whole; `complaints` are sentences for a person, shown by the
    health check while messages go on.
    """

    messages: tuple[RawMessage, ...] = ()
    cursor: Cursor
    dead_letters: tuple[DeadLetter, ...] = ()
    complaints: tuple[str, ...] = ()


class PullConnector(Protocol):
    """Asks a service what is new. Never sleeps, retries, publishes or logs.

    Raises only errors of `schemas.errors`. Blocking calls are fine: the runner gives it a thread of its own.
    """

    channel: ClassVar[str]

    def open(self) -> None:
        """Connect. Safe to call again after a failure."""
        ...

    def fetch(self, cursor: Cursor) -> Batch:
        """Return what came after `cursor`; an empty batch means nothing new."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait `seconds` at most; say whether it is time to fetch: something may be new, or the service's turn is due.

        The runner calls it again and again, so that it can stop in between: the pace is the connector's own.
        """
        ...

    def close(self) -> None:
        """Release everything. Safe to call twice, and before open()."""
        ...


@runtime_checkable
class Deferring(Protocol):
    """A pull connector whose messages need not come in their order: some may be asked for later."""

    def without(self, batch: Batch, waiting: Collection[str]) -> Batch | None:
        """Return the last batch without these messages, whose cursor asks for them again later.

        `waiting` are ids of messages. None when too many wait already.
        """
        ...


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request as the receiver hands it over: no framework behind it.

    `client` is the address that calls; behind a proxy of `receiver.trusted_proxies` the one that called it. "" when
    nobody knows.
    """

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    body: bytes
    client: str = ""


class Answer(Struct, frozen=True, kw_only=True):
    """The HTTP answer to give once the messages are safe."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


class Accepted(Struct, frozen=True, kw_only=True):
    """Verified messages and the answer that the other side expects."""

    messages: tuple[RawMessage, ...] = ()
    answer: Answer


class PushConnector(Protocol):
    """Judges one HTTP request. HTTP itself belongs to the receiver that hosts every push channel."""

    channel: ClassVar[str]

    def accept(self, request: Request) -> Accepted:
        """Return the verified messages; raises RefusedRequest (400, 401, 403, 413) for a stranger's."""
        ...


@runtime_checkable
class Recognising(Protocol):
    """A push connector that knows a stranger by what comes before the body.

    So a stranger's body is not read, and what is refused for its size is known to be a message that somebody misses.
    """

    def recognise(self, request: Request) -> None:
        """Judge a request without its body; raises RefusedRequest for a stranger's. Keeps nothing."""
        ...


class Emit(Protocol):
    """What a session does with a message that came."""

    async def __call__(self, message: RawMessage) -> None:
        """Return when the bytes are safe; only then may the protocol's own acknowledgement be sent.

        Raises a RetriableError when they may not be: then nothing is acknowledged, and the other side is told to slow
        down where the protocol can say so.
        """
        ...

    def alive(self) -> None:
        """Note that the other side has just shown that it lives: a login, an answer to a heartbeat."""
        ...

    async def recall(self) -> Mapping[str, Any]:
        """Return what the account's owner kept last, this one or the one before; empty on a first start.

        Raises a RetriableError when nobody can say.
        """
        ...

    async def keep(self, position: Mapping[str, Any]) -> None:
        """Return when whoever owns the account next would recall this; raises a RetriableError when it might not."""
        ...


@runtime_checkable
class Listening(Protocol):
    """A session connector whose source tells all who listen, and keeps nothing for who is away.

    Two at once do no harm, as they name alike what they hear; none at all is a loss.
    """

    listens: ClassVar[bool]


class SessionConnector(Protocol):
    """Owns a connection on which the other side sends."""

    channel: ClassVar[str]

    async def run(self, emit: Emit) -> None:
        """Serve one connection until it ends; raises errors of `schemas.errors`. Cancelled, it takes its leave first.

        Never connects again, waits between attempts or logs faults: the runner does.
        """
        ...


# What every account has: the city that its messages are for.

Adcode = Annotated[str, Field(pattern=ADCODE)]
"""行政区划代码 of a city, six digits."""

Jurisdiction = Annotated[
    str | None, Field(pattern=ADCODE, description="行政区划代码 of the city; the settings' own by default")
]
"""None by default: the settings give every account a city that names none."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder's name, or one too long for a file
        raise ValueError("it is no time zone: write one such as Asia/Shanghai or UTC") from error
    return name


Zone = Annotated[str, Field(min_length=1), AfterValidator(_known_zone)]
"""Name of a time zone. One that there is not would count as China's, and nobody would see by how much times are off."""


def city_of(jurisdiction: str | None, account_id: str) -> str:
    """Return the city of an account; raises MisconfiguredError when it has none."""
    if jurisdiction is None:
        raise MisconfiguredError(f"the account {account_id} has no jurisdiction: set its 行政区划代码")
    return jurisdiction

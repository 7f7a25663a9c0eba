"""Beginning and ending a client of Kafka: aiokafka's own `start` and `stop` may hang, or let a cancellation out.

Its `stop` waits for tasks of its own, and lets the end of a fetch that waits for an answer out as a cancellation: who
awaits it would be gone without a word. So it is awaited in a task of its own, and not for ever.
"""

import asyncio
import random
import time
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Container, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    KafkaError,
    NodeNotReadyError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest

from schemas.errors import FatalError, UnauthorizedError, UnreachableError

START_SECONDS = 60.0
"""How long a client may take to start; aiokafka gives each of its own requests up after 40 s."""

CLOSE_SECONDS = 5.0
"""How long a client may take to stop while Kafka does not answer."""

LEAVE_SECONDS = 10.0
"""The same of one that is in a group: Kafka gives a member that says nothing up after so long anyway."""

STUCK_SECONDS = 120.0
"""aiokafka gives a batch up after 40 s.

One that is neither delivered nor given up by then never will be: its client has come to an end without a word.
"""

SILENT_SECONDS = 180.0
"""So long nothing comes of a log that has more, before another client tries and begins anew: a broker with too much to
do was seen to take over a minute, and was asked for everything again.
"""

_NO_BROKER = "bootstrap"
"""What aiokafka asserts of a cluster without a broker ("Did we not perform bootstrap?")."""

METADATA_MS = 10_000
"""How often a member of a group looks for new partitions: until it knows of them nobody reads them. The libraries' own
5 minutes would delay an emergency.
"""


class Progress:
    """Where a reader of Kafka stands that has more to read, and since when it has stood there."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._place: object = None
        self._moved = time.monotonic()

    def at(self, place: object) -> None:
        """Note where it stands. Raises UnreachableError when that has been the same for too long."""
        now = time.monotonic()
        if place != self._place:
            self._place, self._moved = place, now
        elif now - self._moved > self._seconds:
            raise UnreachableError(
                f"Kafka has not given {self._what} for {self._seconds:.0f} s, and has more: see that it runs, or ask "
                "`hotline doctor`"
            )


Call = Callable[[], Coroutine[Any, Any, Any]]


class Client(Protocol):
    """A producer or a consumer of aiokafka."""

    async def start(self) -> None:
        """Connect."""
        ...

    async def stop(self) -> None:
        """Let go."""
        ...


ClientT = TypeVar("ClientT", bound=Client)
T = TypeVar("T")


async def started(start: Call) -> None:
    """Return when a client has started.

    Raises what it raises, and UnreachableError when it takes too long, or a broker that begins names none yet.
    """
    try:
        await brought(start(), START_SECONDS)
    except AssertionError as error:
        if _NO_BROKER not in str(error):
            raise
        raise UnreachableError("Kafka names no broker yet") from error


async def brought(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """Return what a client brings. Raises what it raises, and UnreachableError when it does not end in time.

    What does not end is cancelled and left behind: to abort a transaction may hang as its commit did.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_look_at)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise UnreachableError(f"a Kafka client has not answered for {seconds:.0f} s: see `hotline doctor`")
        if task.cancelled():
            raise UnreachableError("a Kafka client was closed while it waited for an answer")
        return task.result()
    finally:
        task.cancel()


async def closed(stop: Call, seconds: float | None = None) -> bool:
    """Let a client go, and say whether it ended as it should; one that does not is left to the garbage."""
    ending = asyncio.create_task(stop(), name="closing")
    ending.add_done_callback(_look_at)
    try:
        await asyncio.wait({ending}, timeout=CLOSE_SECONDS if seconds is None else seconds)
    finally:
        ending.cancel()
    return ending.done() and not ending.cancelled() and ending.exception() is None


@asynccontextmanager
async def in_time(seconds: float = STUCK_SECONDS) -> AsyncIterator[None]:
    """Raise FatalError when the client forgets what it was given: only a new one helps."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise FatalError("the Kafka client neither delivers nor gives up: the worker has to start again") from error


@asynccontextmanager
async def running(client: ClientT, close_seconds: float | None = None) -> AsyncIterator[ClientT]:
    """Start a client, and let it go at the end, however that comes. Raises as `started` does."""
    try:
        await started(client.start)
        yield client
    finally:
        await closed(client.stop, close_seconds)


def _look_at(ending: "asyncio.Task[Any]") -> None:
    if not ending.cancelled():
        ending.exception()  # nobody waits for it any more, and asyncio would complain of one that nobody saw


# Unread faults of a transactional producer of aiokafka, after the broker fenced it.


def read_faults(producer: AIOKafkaProducer) -> None:
    """Read the faults that a stopped producer left in its futures; asyncio would log each unread one as an error.

    The writer gets the first fault as an exception. The future of the transaction's end and the future of each batch in
    the queue hold the same fault; aiokafka has no public way to them.
    """
    for future in _ends(producer):
        if future.done() and not future.cancelled():
            future.exception()


def _ends(producer: AIOKafkaProducer) -> Iterator[Future[Any]]:
    transactions = producer._txn_manager
    if transactions is not None and transactions._transaction_waiter is not None:
        yield transactions._transaction_waiter
    for batches in producer._message_accumulator._batches.values():
        yield from (batch._drain_waiter for batch in batches)


# A broker that lets nobody in is tried again after a pause that grows, and one that is off is given up soon.
#
# aiokafka itself knows no pause, and waits 40 s for a host whose packets come to nobody, before it tries the next one,
# as well as for the answer of a broker that was there when it was asked. A load balancer without anybody behind it
# accepts every connection and hangs up at once: a stage made twenty to forty connections a second there, the outbox
# ninety, for as long as it lasted.

FIRST_SECONDS, MOST_SECONDS = 0.05, 1.0
"""The pause doubles from the one to the other, and each is a fifth shorter or longer, as in Kafka's own clients."""

REACH_SECONDS = 5.0
"""For a host to take a connection, TLS included; what a broker says then may take it longer, if it has much to do."""

ANSWER_SECONDS = 12.0
"""For what a broker is asked. Of one whose machine is gone nobody says so; after 9 s others lead what it led."""

_WAIT_FOR_OTHERS = (JoinGroupRequest, SyncGroupRequest)
"""Answered when the other members of the group have come."""

_KNOWN = (CoordinatorNotAvailableError, NodeNotReadyError, RequestTimedOutError)
"""After these aiokafka's producer looks for its coordinator again; after any other fault it ends."""

_connected = AIOKafkaClient._get_conn
_connect = AIOKafkaConnection.connect
_send = AIOKafkaConnection.send
_lookup = AIOKafkaClient.coordinator_lookup


def _pause(failures: int) -> tuple[int, float]:
    """Return after how many further failures one tries again, and when."""
    seconds = min(MOST_SECONDS, FIRST_SECONDS * 2 ** min(failures, 20)) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    return failures, time.monotonic() + seconds


async def _connected_in_time(client: Any, node: Any, **options: Any) -> Any:
    """Return a connection to a node when its pause is over, None when it lets nobody in: who asked does so again."""
    pauses: dict[Any, tuple[int, float]] = vars(client).setdefault("_pauses", {})
    place = node, options.get("group")
    known = pauses.get(place)
    if known is not None:
        failures, until = known
        await asyncio.sleep(until - time.monotonic())
        if pauses.get(place, known) is not known:
            return None  # one of those who waited tries for all
        pauses[place] = _pause(failures + 1)
    connection = await _connected(client, node, **options)
    if connection is not None:
        pauses.pop(place, None)
    elif known is None:
        pauses[place] = _pause(0)
    return connection


AIOKafkaClient._get_conn = _connected_in_time


async def _connect_soon(self: Any) -> Any:
    """Connect as aiokafka does, with less time until the host has taken the connection: from then on it is read."""
    patience, begin = self._request_timeout, self._create_reader_task

    def reached() -> Any:
        self._request_timeout = patience
        return begin()

    self._request_timeout, self._create_reader_task = min(patience, REACH_SECONDS), reached
    try:
        return await _connect(self)
    finally:
        del self._create_reader_task


AIOKafkaConnection.connect = _connect_soon


def _send_for_a_while(self: Any, request: Any, expect_response: bool = True) -> Any:
    """Ask as aiokafka does, and give a broker that says nothing up sooner: the hand-over of an emergency may wait."""
    patience = self._request_timeout
    if not isinstance(request, _WAIT_FOR_OTHERS):
        self._request_timeout = min(patience, ANSWER_SECONDS)
    try:
        return _send(self, request, expect_response)
    finally:
        self._request_timeout = patience


AIOKafkaConnection.send = _send_for_a_while


async def _looked_up(self: Any, kind: Any, key: str) -> int:
    """Return who coordinates a group or a transaction; a broker that goes while it is asked is not to be asked.

    Over a connection that breaks then aiokafka's producer ends for good, and says of it that it was unexpected.
    """
    try:
        return int(await _lookup(self, kind, key))
    except KafkaError as error:
        if not error.retriable or isinstance(error, _KNOWN):
            raise
        raise NodeNotReadyError(str(error)) from error


AIOKafkaClient.coordinator_lookup = _looked_up


# Refusals of Kafka while a client works (a right is taken away, no answer comes), as errors of the pipeline.

_REFUSALS = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)


def refusal_in(error: BaseException) -> str | None:
    """Return the name of the refusal that Kafka answered a consumer with; None for any other error.

    Where aiokafka asks for the group's positions it tells a refusal in the words of a plain KafkaError.
    """
    if isinstance(error, _REFUSALS):
        return type(error).__name__
    if type(error) is not KafkaError:
        return None
    return next((one.__name__ for one in _REFUSALS if one.__name__ in str(error)), None)


def check_rights(consumer: AIOKafkaConsumer, topics: Container[str]) -> None:
    """Raise TopicAuthorizationFailedError when Kafka shows our user one of these topics no more.

    Where aiokafka learns that from the metadata before it reads, it goes on with the other topics, and says nothing.
    """
    refused = {topic for topic in consumer._client.cluster.unauthorized_topics if topic in topics}
    if refused:
        raise TopicAuthorizationFailedError(refused)


@contextmanager
def allowed() -> Iterator[None]:
    """Raise UnauthorizedError when Kafka lets our user read no more."""
    try:
        yield
    except KafkaError as error:
        refused = refusal_in(error)
        if refused is None:
            raise
        raise UnauthorizedError(
            f"Kafka does not let our user do this ({refused}): `hotline doctor` names the right that is missing."
        ) from error


@contextmanager
def answering() -> Iterator[None]:
    """Raise UnreachableError for what a client raises when Kafka does not answer it."""
    try:
        yield
    except KafkaError as error:
        raise UnreachableError(f"Kafka does not answer ({type(error).__name__}): run `hotline doctor`") from error

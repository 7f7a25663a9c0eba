"""Start and stop aiokafka clients with time limits: aiokafka's own `start` and `stop` may hang or leak a cancellation.

`stop` waits for internal tasks. If one of them is cancelled, the cancellation reaches the caller and ends it
silently. Each call therefore runs in a task of its own, with a time limit.
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
"""Limit of a client's start, in seconds; aiokafka gives up each of its own requests after 40 s."""

CLOSE_SECONDS = 5.0
"""Limit of a client's stop, in seconds, while Kafka does not answer."""

LEAVE_SECONDS = 10.0
"""The same limit for a member of a group: Kafka removes a silent member after this time anyway."""

STUCK_SECONDS = 120.0
"""Limit of a delivery, in seconds; aiokafka gives up a batch after 40 s.

A batch that is neither delivered nor failed by then never will be: the client has stopped without an error.
"""

SILENT_SECONDS = 180.0
"""Seconds without a record of a log that has more, until the client is replaced. An overloaded broker was seen to need
more than a minute, and each new client asked it for everything again."""

_NO_BROKER = "bootstrap"
"""Text of aiokafka's assertion for a cluster without a broker ("Did we not perform bootstrap?")."""

METADATA_MS = 10_000
"""Interval at which a group member looks for new partitions. The libraries' default of 5 minutes would
delay an emergency in a new partition."""


Call = Callable[[], Coroutine[Any, Any, Any]]


class Client(Protocol):
    """Interface of an aiokafka producer or consumer."""

    async def start(self) -> None:
        """Connect."""
        ...

    async def stop(self) -> None:
        """Disconnect."""
        ...


ClientT = TypeVar("ClientT", bound=Client)
T = TypeVar("T")


async def started(start: Call) -> None:
    """Start a client and return.

    Raises the client's own errors, and UnreachableError if the start takes too long or the broker does not know any
    broker yet.
    """
    try:
        await brought(start(), START_SECONDS)
    except AssertionError as error:
        if _NO_BROKER not in str(error):
            raise
        raise UnreachableError("Kafka has returned no broker yet") from error


async def brought(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """Return the result of a client's coroutine. Raises its errors, and UnreachableError if it does not end in time.

    After the limit the coroutine is cancelled and not awaited: the abort of a transaction may hang as its commit did.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_look_at)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise UnreachableError(f"a Kafka client has not responded for {seconds:.0f} s: run `hotline doctor`")
        if task.cancelled():
            raise UnreachableError("a Kafka client was closed while it waited for a response")
        return task.result()
    finally:
        task.cancel()


async def closed(stop: Call, seconds: float | None = None) -> bool:
    """Stop a client and return whether it stopped cleanly; otherwise the garbage collector takes it."""
    ending = asyncio.create_task(stop(), name="closing")
    ending.add_done_callback(_look_at)
    try:
        await asyncio.wait({ending}, timeout=CLOSE_SECONDS if seconds is None else seconds)
    finally:
        ending.cancel()
    return ending.done() and not ending.cancelled() and ending.exception() is None


@asynccontextmanager
async def in_time(seconds: float = STUCK_SECONDS) -> AsyncIterator[None]:
    """Raise FatalError if a delivery is neither done nor failed in time: only a new client helps."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise FatalError("the Kafka client neither delivers nor fails: the worker must restart") from error


@asynccontextmanager
async def running(client: ClientT, close_seconds: float | None = None) -> AsyncIterator[ClientT]:
    """Start a client and stop it at the end of the block, also after an error. Raises as `started` does."""
    try:
        await started(client.start)
        yield client
    finally:
        await closed(client.stop, close_seconds)


def _look_at(ending: "asyncio.Task[Any]") -> None:
    if not ending.cancelled():
        ending.exception()  # no caller awaits it; asyncio would log its exception as never retrieved


# Unread faults of a transactional aiokafka producer after the broker fenced it.


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


# Reconnection with back-off and shorter time limits. aiokafka has no back-off, and waits 40 s for a host that drops
# packets before it tries the next one, and as long for an answer of a broker that has gone. Behind a load balancer
# without a healthy target, which accepts and closes each connection, a stage made 20 to 40 connections a second, and
# the outbox 90.

FIRST_SECONDS, MOST_SECONDS = 0.05, 1.0
"""The back-off doubles from the first to the second value, with a jitter of a fifth, as in Kafka's own clients."""

REACH_SECONDS = 5.0
"""Limit for TCP and TLS, in seconds. The broker's first answer may take longer if it is busy."""

ANSWER_SECONDS = 12.0
"""Limit of a request, in seconds. If a broker's machine dies, no reset arrives; after 9 s other brokers lead its
partitions."""

_WAIT_FOR_OTHERS = (JoinGroupRequest, SyncGroupRequest)
"""Requests that the broker answers only when the other members of the group have joined."""

_KNOWN = (CoordinatorNotAvailableError, NodeNotReadyError, RequestTimedOutError)
"""Errors after which aiokafka's producer looks up its coordinator again; after any other error it stops."""

_connected = AIOKafkaClient._get_conn
_connect = AIOKafkaConnection.connect
_send = AIOKafkaConnection.send
_lookup = AIOKafkaClient.coordinator_lookup


def _pause(failures: int) -> tuple[int, float]:
    """Return the number of failures and the time of the next attempt."""
    seconds = min(MOST_SECONDS, FIRST_SECONDS * 2 ** min(failures, 20)) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    return failures, time.monotonic() + seconds


async def _connected_in_time(client: Any, node: Any, **options: Any) -> Any:
    """Return a connection to a node, or None during its back-off; callers repeat the request."""
    pauses: dict[Any, tuple[int, float]] = vars(client).setdefault("_pauses", {})
    place = node, options.get("group")
    known = pauses.get(place)
    if known is not None:
        failures, until = known
        await asyncio.sleep(until - time.monotonic())
        if pauses.get(place, known) is not known:
            return None  # one of the waiting callers tries for all of them
        pauses[place] = _pause(failures + 1)
    connection = await _connected(client, node, **options)
    if connection is not None:
        pauses.pop(place, None)
    elif known is None:
        pauses[place] = _pause(0)
    return connection


AIOKafkaClient._get_conn = _connected_in_time


async def _connect_soon(self: Any) -> Any:
    """Connect as aiokafka does, with a shorter limit until TCP and TLS are established."""
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
    """Send as aiokafka does, with a shorter limit for the answer: the hand-over of an emergency may wait for it."""
    patience = self._request_timeout
    if not isinstance(request, _WAIT_FOR_OTHERS):
        self._request_timeout = min(patience, ANSWER_SECONDS)
    try:
        return _send(self, request, expect_response)
    finally:
        self._request_timeout = patience


AIOKafkaConnection.send = _send_for_a_while


async def _looked_up(self: Any, kind: Any, key: str) -> int:
    """Return the coordinator of a group or a transaction, and retry if the broker goes away during the question.

    After a broken connection at this point aiokafka's producer stops for good, with an "unexpected error".
    """
    try:
        return int(await _lookup(self, kind, key))
    except KafkaError as error:
        if not error.retriable or isinstance(error, _KNOWN):
            raise
        raise NodeNotReadyError(str(error)) from error


AIOKafkaClient.coordinator_lookup = _looked_up


# Authorization errors and missing answers while a client works, as errors of the pipeline.

_REFUSALS = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)


def refusal_in(error: BaseException) -> str | None:
    """Return the name of the authorization error that Kafka answered, or None for any other error.

    If aiokafka asks for the group's offsets, it wraps the error in the text of a plain KafkaError.
    """
    if isinstance(error, _REFUSALS):
        return type(error).__name__
    if type(error) is not KafkaError:
        return None
    return next((one.__name__ for one in _REFUSALS if one.__name__ in str(error)), None)


def check_rights(consumer: AIOKafkaConsumer, topics: Container[str]) -> None:
    """Raise TopicAuthorizationFailedError if Kafka no longer lets this user see one of the topics.

    If the metadata say so before the first read, aiokafka silently reads the other topics only.
    """
    refused = {topic for topic in consumer._client.cluster.unauthorized_topics if topic in topics}
    if refused:
        raise TopicAuthorizationFailedError(refused)


@contextmanager
def allowed() -> Iterator[None]:
    """Raise UnauthorizedError if Kafka no longer lets this user read."""
    try:
        yield
    except KafkaError as error:
        refused = refusal_in(error)
        if refused is None:
            raise
        raise UnauthorizedError(
            f"Kafka denies this to our user ({refused}): `hotline doctor` names the missing right."
        ) from error


@contextmanager
def answering() -> Iterator[None]:
    """Raise UnreachableError for the errors that a client raises if Kafka does not answer."""
    try:
        yield
    except KafkaError as error:
        raise UnreachableError(f"Kafka does not answer ({type(error).__name__}): run `hotline doctor`") from error

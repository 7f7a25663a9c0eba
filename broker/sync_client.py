"""Create and close kafka-python clients; their exceptions become errors of the pipeline."""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from typing import Any, TypeAlias

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as theirs
from kafka.consumer.fetcher import Fetcher
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from broker.config import KafkaConnection
from broker.reader_progress import Progress
from schemas.errors import (
    LoginRefusedError,
    MisconfiguredError,
    PipelineError,
    TopicRefusedError,
    UnauthorizedError,
    UnreachableError,
)

# At DEBUG kafka-python logs every key, value and header: citizens' words do not belong in a log.
logging.getLogger("kafka").setLevel(logging.WARNING)

PATIENCE_MS = 5_000
"""Limit in milliseconds for the first broker that answers; a consumer's request may take twice as long."""

REACH_SECONDS = 1.5
"""Limit for one address to accept a connection, which its kernel does. A host that is off drops
packets, and all of several addresses must be tried within `PATIENCE_MS`; a lost packet is sent again after a
second."""

RECONNECT_MS = 1_000
"""Longest back-off, in milliseconds, before a broker that refuses connections: it may return at any time."""

READ_SECONDS = 30.0
"""Seconds without a record although there are some: a broker may fall silent, and a client was seen to hang."""

POLL_MS = 500

_WRONG = (
    theirs.KafkaConfigurationError,
    theirs.UnsupportedSaslMechanismError,
    theirs.UnsupportedVersionError,
    theirs.UnsupportedCodecError,
    theirs.UnrecognizedBrokerVersion,
    theirs.InvalidTopicError,
    theirs.InvalidRecordError,
    # no record is over 600 KiB, so the broker must accept Kafka's default of 1 MiB
    theirs.MessageSizeTooLargeError,
    theirs.RecordListTooLargeError,
)

_REFUSALS = (theirs.SaslAuthenticationFailedError, theirs.UnsupportedSaslMechanismError)
"""Errors of a broker that refuses the login."""


class RefusedEverywhereError(theirs.KafkaConnectionError):  # type: ignore[misc] # kafka-python has no types
    """No broker accepted the connection, and one of them refused the login."""


Connect: TypeAlias = Callable[..., Any]
"""Returns a client for its settings, such as `KafkaProducer`, or a connection."""


def connected(connect: Connect, **settings: Any) -> Any:
    """Return a connected kafka-python client; the sockets of a failed one are closed here.

    Raises RefusedEverywhereError for a refused login, which the library reports as a timeout only.
    """
    made: list[Any] = []
    refusals: list[Exception] = []

    def remembered(**options: Any) -> Any:
        made.append(KafkaNetClient(**options))
        _listen(made[-1], refusals)
        _take_turns(made[-1])
        _keep_pausing(made[-1])
        return made[-1]

    try:
        return connect(**{"reconnect_backoff_max_ms": RECONNECT_MS, **settings}, kafka_client=remembered)
    except BaseException as error:
        for client in made:
            client.close()
        if refusals and isinstance(error, theirs.KafkaTimeoutError):
            raise RefusedEverywhereError(type(refusals[-1]).__name__) from error
        raise


def _listen(client: Any, refusals: list[Exception]) -> None:
    """Keep the last refusal of a login: the library tries again and forgets it.

    The broker closes the connection at once, and the refusal is the only reason that the waiting callers may get.
    """
    manager = client._manager
    connection_to = manager.get_connection

    def listened(*arguments: Any, **options: Any) -> Any:
        connection = connection_to(*arguments, **options)
        if "close" not in vars(connection):
            connection.close = partial(_close, connection.close, refusals)
        return connection

    manager.get_connection = listened


def _close(close: Callable[[Any], None], refusals: list[Exception], error: Exception | None = None) -> None:
    if isinstance(error, _REFUSALS):
        refusals[:] = [error]
    close(error)


def _take_turns(client: Any) -> None:
    """Try the addresses in turn; kafka-python picks at random and may pick a dead one again and again."""
    cluster = client._manager.cluster
    brokers = cluster.bootstrap_brokers()
    random.shuffle(brokers)
    turns = cycle(brokers)
    cluster.bootstrap_brokers = lambda: [next(turns)]


def _keep_pausing(client: Any) -> None:
    """Let the back-off grow for a broker that closes connections before the login is complete.

    kafka-python resets its back-off as soon as TCP is connected: a producer made 500 connections a second.
    """
    manager = client._manager
    reset = manager.reset_backoff

    def judged(node_id: Any) -> None:
        connection = manager._conns.get(node_id)
        is_well = connection is not None and connection.connected
        (reset if is_well else manager.update_backoff)(node_id)

    manager.reset_backoff = judged


def _reaching(connect: Connect) -> Connect:
    """Give up an address that does not answer; kafka-python spends all of its time on one.

    The socket of a connection that is given up is closed; kafka-python leaves it open.
    """

    async def sock_connect(self: Any, net: Any, sock: Any, sockaddr: Any, timeout_at: float | None = None) -> Any:
        soon = time.monotonic() + REACH_SECONDS
        try:
            return await connect(self, net, sock, sockaddr, timeout_at=min(soon, timeout_at or soon))
        except theirs.KafkaTimeoutError as error:
            sock.close()
            raise theirs.KafkaConnectionError("nobody answers") from error  # another address of the host may
        except BaseException:
            sock.close()
            raise

    return sock_connect


KafkaNetSocket.sock_connect = _reaching(KafkaNetSocket.sock_connect)


def _asking_for_leaders(send: Callable[..., Any]) -> Callable[..., Any]:
    """Refresh the metadata if a broker no longer leads partitions whose end offsets were asked for.

    kafka-python asks the same broker without a pause until its time is over, and again at the next call.
    """

    async def sent(self: Any, node_id: Any, asked: Any) -> Any:
        found, again = await send(self, node_id, asked)
        if again:
            self._manager.cluster.request_update()
            await self._manager._net.sleep(self.config["retry_backoff_ms"] / 1000)
        return found, again

    return sent


Fetcher._send_list_offsets_request = _asking_for_leaders(Fetcher._send_list_offsets_request)


def _whatever_it_raises(close: Callable[..., None]) -> Callable[..., None]:
    """Close the sockets of a consumer even if an earlier step of its `close` fails; kafka-python leaves them open."""

    def closed(self: Any, *arguments: Any, **options: Any) -> None:
        try:
            close(self, *arguments, **options)
        finally:
            self._client.close()

    return closed


KafkaConsumer.close = _whatever_it_raises(KafkaConsumer.close)


def _at_once(close: Callable[..., None]) -> Callable[..., None]:
    """Close sockets with unsent bytes when a client's loop ends; kafka-python leaves them open."""

    def closed(self: Any, node_id: Any = None) -> None:
        transports = [one.transport for one in self._manager._conns.values() if one.transport and node_id is None]
        sockets = [one._sock for one in transports if one._sock]
        close(self, node_id)
        for sock in sockets:
            sock.close()

    return closed


KafkaNetClient.close = _at_once(KafkaNetClient.close)


def _heard(receive: Callable[[Any], tuple[bytes, Exception | None]]) -> Callable[[Any], tuple[bytes, Exception | None]]:
    """Return bytes that came before the peer hung up; kafka-python drops them, with the reason of a refusal."""

    def sock_recv(self: Any) -> tuple[bytes, Exception | None]:
        data, error = receive(self)
        return (data, None) if data else (data, error)  # the end is still there when it reads again

    return sock_recv


for _transport in (KafkaTCPTransport, KafkaSSLTransport):
    _transport._sock_recv = _heard(_transport._sock_recv)


@contextmanager
def opened(connect: Connect, connection: KafkaConnection, **settings: Any) -> Iterator[Any]:
    """Return a client for the block. Raises errors of the pipeline."""
    try:
        client = connected(connect, **connection.client_options(), **settings)
        try:
            yield client
        finally:
            client.close()
    except (theirs.KafkaError, OSError) as error:
        raise translated(error) from error


@contextmanager
def reader(connection: KafkaConnection, connect: Connect = KafkaConsumer, **settings: Any) -> Iterator[Any]:
    """Return a consumer of committed records that commits nothing by itself. Raises as `opened` does."""
    chosen = {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",  # of what retention takes meanwhile; otherwise it would go on at the end
        "isolation_level": "read_committed",
        "bootstrap_timeout_ms": PATIENCE_MS,
        "request_timeout_ms": 2 * PATIENCE_MS,
        **settings,
    }
    with opened(connect, connection, **chosen) as consumer:
        yield consumer


def up_to(consumer: Any, ends: Mapping[TopicPartition, int]) -> Iterator[Mapping[TopicPartition, list[Any]]]:
    """Yield each poll until every partition is read up to its end offset.

    The caller may remove partitions from `ends` meanwhile. Raises UnreachableError if Kafka falls silent.
    """
    progress = Progress(", ".join(sorted({place.topic for place in ends})), READ_SECONDS)
    while any(position(consumer, place) < end for place, end in ends.items()):
        progress.at([position(consumer, place) for place in ends])
        yield consumer.poll(timeout_ms=POLL_MS)


def position(consumer: Any, place: TopicPartition) -> int:
    """Return the offset of the next record to read; -1 if Kafka does not tell where the partition begins."""
    found: int | None = consumer.position(place, timeout_ms=READ_SECONDS * 1000)
    return -1 if found is None else found


def translated(error: BaseException) -> PipelineError:
    """Return the error of the pipeline for one of kafka-python's, with the next action."""
    if isinstance(error, PipelineError):
        return error
    name = type(error).__name__
    if isinstance(error, theirs.AuthorizationError):
        ours = TopicRefusedError if isinstance(error, theirs.TopicAuthorizationFailedError) else UnauthorizedError
        return ours(f"Kafka does not let our user do this ({name}): `hotline doctor` names the right that is missing")
    if isinstance(error, theirs.SaslAuthenticationFailedError):
        return UnauthorizedError(f"Kafka refuses our login ({name}): run `hotline doctor` for the reason")
    if isinstance(error, RefusedEverywhereError):
        return LoginRefusedError(
            f"Kafka refuses our login ({error.args[0]}): check `kafka.sasl_mechanism`, "
            "`kafka.sasl_username` and HOTLINE_KAFKA__SASL_PASSWORD, or run `hotline doctor`"
        )
    if isinstance(error, _WRONG):
        return MisconfiguredError(f"Kafka cannot be used with these settings ({name}): run `hotline doctor`")
    return UnreachableError(
        f"Kafka did not answer ({name}): check that it runs and that `hotline topics create` has been run, "
        "or run `hotline doctor`"
    )


# What a group member must do itself with kafka-python 3.0.12.


def finish_joining(consumer: Any) -> None:
    """Restart a join that ended between two polls; call it before each poll.

    If partitions were added since the last election, the library joins again. If this join ends while no poll runs,
    its reason is cleared and no poll evaluates the result: the member then sends no heartbeats and owns nothing, for
    ever and without an error (`ConsumerCoordinator.need_rejoin`, `BaseCoordinator.join_group_async`).
    """
    if is_joining(consumer):
        consumer._coordinator.request_rejoin()


def is_joining(consumer: Any) -> bool:
    """Return whether the member is between two generations: a commit would be refused."""
    coordinator = getattr(consumer, "_coordinator", None)
    return coordinator is not None and coordinator.rejoining

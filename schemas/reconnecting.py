"""A broker that lets nobody in is tried again after a pause that grows, and one that is off is given up soon.

aiokafka itself knows no pause, and waits 40 s for a host whose packets come to nobody, before it tries the next one, as
well as for the answer of a broker that was there when it was asked.
A load balancer without anybody behind it accepts every connection and hangs up at once: a stage made twenty to forty
connections a second there, the outbox ninety, for as long as it lasted.
"""

import asyncio
import random
import time
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import CoordinatorNotAvailableError, KafkaError, NodeNotReadyError, RequestTimedOutError
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest

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

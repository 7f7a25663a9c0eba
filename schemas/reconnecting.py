"""A broker that lets nobody in is tried again after a pause that grows; aiokafka itself knows none.

A load balancer without anybody behind it accepts every connection and hangs up at once: a stage made twenty to forty
connections a second there, the outbox ninety, for as long as it lasted.
"""

import asyncio
import random
import time
from typing import Any

from aiokafka.client import AIOKafkaClient

FIRST_SECONDS, MOST_SECONDS = 0.05, 1.0
"""The pause doubles from the one to the other, and each is a fifth shorter or longer, as in Kafka's own clients."""

_connected = AIOKafkaClient._get_conn


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

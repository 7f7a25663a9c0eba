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


async def _connected_in_time(client: Any, node: Any, **options: Any) -> Any:
    """Return a connection to a node when its pause is over, None when it lets nobody in: who asked does so again."""
    pauses: dict[Any, tuple[int, float]] = vars(client).setdefault("_pauses", {})
    place = node, options.get("group")
    if place in pauses:
        await asyncio.sleep(pauses[place][1] - time.monotonic())
    connection = await _connected(client, node, **options)
    if connection is not None:
        pauses.pop(place, None)
        return connection
    failures = pauses[place][0] + 1 if place in pauses else 0
    pause = min(MOST_SECONDS, FIRST_SECONDS * 2 ** min(failures, 20)) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    pauses[place] = failures, time.monotonic() + pause
    return None


AIOKafkaClient._get_conn = _connected_in_time

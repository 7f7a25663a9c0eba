"""A process of one subscriber; who started it kills it."""

import asyncio
import json
import signal
import sys

from broker.config import KafkaConnection
from sinks import Source
from sinks.webhook.run import run_subscriber
from tests.sinks.webhook.snapshots import subscriber


async def main(told: dict[str, str]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    connection = KafkaConnection(bootstrap_servers=told["kafka"])
    await run_subscriber(told["name"], subscriber(told["url"]), connection, stop, source=Source(topic=told["topic"]))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

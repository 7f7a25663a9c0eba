"""Components in one process, each with a Kafka user of its own: `{"screen": {variable: value}}` on standard input."""

import asyncio
import json
import os
import signal
import sys

from hotline.config.load import load
from hotline.runtime.components import component
from hotline.runtime.logging import set_up
from hotline.runtime.process import Deadline


async def main(users: dict[str, dict[str, str]]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    running = []
    for name, variables in users.items():
        os.environ.update(variables)
        running.append(asyncio.create_task(component(load(), name).run(stop)))
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    for name, result in zip(users, await asyncio.gather(*running, return_exceptions=True), strict=True):
        if result is not None:
            print(f"{name}: {result}", file=sys.stderr)
    Deadline(5).begin()  # as `hotline run` has one, for a library's thread that does not end


if __name__ == "__main__":
    set_up("debug", "json")
    asyncio.run(main(json.load(sys.stdin)))

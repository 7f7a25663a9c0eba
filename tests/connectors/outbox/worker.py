"""An outbox as a process: KAFKA FOLDER [AT_ONCE [POINT NUMBER]]; it kills itself the NUMBERth time it reaches POINT.

Its sender stands for a service: it writes a line into FOLDER/sent for each text that it gets, and takes a moment.
"""

import asyncio
import signal
import sys
from pathlib import Path

from broker.config import KafkaConnection
from connectors.replies.account_queue import Tools
from connectors.replies.base import Reply, Sent
from connectors.replies.service import Outbox
from connectors.replies.settings import AnswerSettings
from tests.connectors.outbox.answers import reply
from tests.dying import reached

SEND_SECONDS = 0.02


class Service:
    """Takes texts; `sent` holds the id of each."""

    def __init__(self, folder: Path) -> None:
        self._sent = folder / "sent"

    async def send(self, reply: Reply) -> Sent:
        with self._sent.open("a") as file:
            file.write(f"{reply.reply_id}\n")
        await asyncio.sleep(SEND_SECONDS)
        return Sent(outcome="accepted", code="ok")

    async def close(self) -> None:
        """Nothing to release."""


async def main(bootstrap: str, folder: str, at_once: str = "1", point: str = "", number: str = "0") -> None:
    connection = KafkaConnection(bootstrap_servers=bootstrap, partitions=2)
    tools = Tools(AnswerSettings(per_minute=6000), Service(Path(folder)), reply, int(at_once))
    outbox = Outbox(connection, lambda account: tools, reached=reached(point, int(number)), session_seconds=3)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await outbox.run(stop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

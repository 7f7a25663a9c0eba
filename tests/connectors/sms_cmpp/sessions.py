"""Sessions of our connector with an ISMG of ours, before a Kafka that does as it is told."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Any

from connectors.base import Emit
from connectors.sms_cmpp.connector import Cmpp
from connectors.sms_cmpp.settings import CmppSettings
from schemas.errors import UnreachableError
from schemas.records import RawMessage
from tests.peers.ismg import SECRET, SOURCE, Ismg


class Kafka(Emit):
    """Holds messages, unless it is down or paused."""

    kept: Mapping[str, Any] = MappingProxyType({})

    def __init__(self) -> None:
        self.held: list[RawMessage] = []
        self.tried = 0
        self.signs = 0
        self.down = False
        self.answering = asyncio.Event()
        self.answering.set()

    def alive(self) -> None:
        self.signs += 1

    async def recall(self) -> Mapping[str, Any]:
        return self.kept

    async def keep(self, position: Mapping[str, Any]) -> None:
        self.kept = dict(position)

    async def __call__(self, message: RawMessage) -> None:
        self.tried += 1
        await self.answering.wait()
        if self.down:
            raise UnreachableError("down")
        self.held.append(message)


def settings_for(ismg: Ismg, **changes: Any) -> CmppSettings:
    version = "2.0" if ismg.major == 2 else "3.0"
    given = {"host": "127.0.0.1", "port": ismg.port, "source": SOURCE, "secret": SECRET, "version": version}
    return CmppSettings(**(given | {"jurisdiction": "210100"} | changes))


@asynccontextmanager
async def session(ismg: Ismg, kafka: Kafka, **changes: Any) -> AsyncIterator[asyncio.Task[None]]:
    """One login that is served until the block ends; its task tells how it ended."""
    running = asyncio.create_task(Cmpp(settings_for(ismg, **changes), "mobile").run(kafka))
    try:
        yield running
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await running

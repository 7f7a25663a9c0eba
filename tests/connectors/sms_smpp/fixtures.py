"""Accounts, and what stands in for the runner's outlet where a test decides when Kafka answers."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from connectors.base import Emit
from connectors.sms_smpp.settings import SmppSettings
from schemas.records import RawMessage

NOW = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)


def settings(port: int, **changes: Any) -> SmppSettings:
    """An account of an SMSC on loopback."""
    chosen = {
        "host": "127.0.0.1", "port": port, "system_id": "hotline", "password": "secret", "jurisdiction": "210100",
        "answer_timeout_seconds": 5, "enquire_link_seconds": 60, "reply_from": "12345",
    }  # fmt: skip
    return SmppSettings.model_validate(chosen | changes)


class Outlet(Emit):
    """Takes messages at once, or when `gate` is open; refuses with `fault`."""

    kept: Mapping[str, Any] = MappingProxyType({})

    def __init__(self) -> None:
        self.taken: list[RawMessage] = []
        self.asked = 0
        self.lives = 0
        self._more = asyncio.Condition()
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault: Exception | None = None

    async def __call__(self, message: RawMessage) -> None:
        self.asked += 1
        async with self._more:
            self._more.notify_all()
        await self.gate.wait()
        if self.fault:
            raise self.fault
        self.taken.append(message)

    def alive(self) -> None:
        self.lives += 1

    async def recall(self) -> Mapping[str, Any]:
        return self.kept

    async def keep(self, position: Mapping[str, Any]) -> None:
        self.kept = dict(position)

    async def has_been_asked(self, times: int) -> None:
        async with asyncio.timeout(60):
            async with self._more:
                await self._more.wait_for(lambda: self.asked >= times)


class Clock:
    """Tells the time that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

"""Ahead: what stands behind a journal's backlog is told at once by how it begins, so that no emergency waits there.

`screen` alone reads a beginning (`connectors/early.py`). The message itself keeps its place in the journal, and so in
its conversation; nothing here is what keeps it safe.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec.structs import replace

from connectors import faults
from connectors.journal import Journal
from schemas.records import RawMessage
from schemas.records.raw import BEGINNING_BYTES
from storage.thread_pool import Threads

MOST_MESSAGES, MOST_BYTES = 10_000, 32 << 20
"""What waits to be told at most; older ones come with the journal."""

AT_ONCE = 500


class Teller(Protocol):
    """What brings beginnings to Kafka."""

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        """Bring to Kafka how these begin; return those that have to be told again, as Kafka is away."""
        ...


class Ahead:
    """Tells the newest first: who writes now is in danger now."""

    def __init__(self, teller: Teller, journal: Journal, retry_seconds: float) -> None:
        self._teller = teller
        self._journal = journal
        self._retry = retry_seconds
        self._waiting: deque[RawMessage] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._threads = Threads(f"ahead-{journal.kind}")

    def put(self, messages: Iterable[RawMessage]) -> None:
        """Take what the journal has just got."""
        for message in messages:
            self._waiting.append(replace(message, value=message.value[:BEGINNING_BYTES]))
            self._bytes += len(self._waiting[-1].value)
        self._let_go_of_the_oldest()
        self._arrived.set()

    def _put_back(self, newest_first: Sequence[RawMessage]) -> None:
        """Take again what could not be told; what has come meanwhile is newer."""
        self._waiting.extendleft(newest_first)
        self._bytes += sum(len(message.value) for message in newest_first)
        self._let_go_of_the_oldest()

    def _let_go_of_the_oldest(self) -> None:
        while len(self._waiting) > MOST_MESSAGES or self._bytes > MOST_BYTES:
            self._bytes -= len(self._waiting.popleft().value)

    async def run(self) -> None:
        """Tell whatever comes, and first the newest of what an earlier process left, until this is cancelled."""
        self.put(await self._threads.do(self._journal.newest, MOST_BYTES))
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while batch := self._newest():
                if not self._journal.empty and (left := await self._told(batch)):
                    self._put_back(left)
                    await asyncio.sleep(self._retry)

    def close(self) -> None:
        """Let go of the thread. Safe twice."""
        self._threads.close()

    async def _told(self, batch: list[RawMessage]) -> list[RawMessage]:
        """Return those that have to be told again."""
        try:
            return await self._threads.do(self._teller.tell, batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the messages still come, and so must others
            faults.told(batch[0].channel, batch[0].envelope.account or "", error)
            return []

    def _newest(self) -> list[RawMessage]:
        batch = [self._waiting.pop() for _ in range(min(len(self._waiting), AT_ONCE))]
        self._bytes -= sum(len(message.value) for message in batch)
        return batch

"""A fetching connector on a clock that only its own waiting moves, and the runner's part played by hand."""

from typing import Any

from connectors.base import Batch
from connectors.weibo.pull import WeiboPull
from connectors.weibo.settings import WeiboPullSettings
from schemas.records import Cursor, RawMessage
from tests.peers.weibo_platform import GOOD, Platform, session

BEGAN = 1_795_572_000.0
"""2026-11-25 10:00 in China."""


class Clock:
    def __init__(self, at: float = BEGAN) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


class Runner:
    """Moves batches as `connectors.runtime.pull` does; the quota lasts to midnight unless a test says less."""

    def __init__(
        self, platform: Platform, clock: Clock | None = None, account: str = "city_lists", **changes: Any
    ) -> None:
        self.platform = platform
        self.clock = clock or Clock()
        self.cursor = Cursor(connector_id="city_lists")
        self.complaints: tuple[str, ...] = ()
        settings = {"access_token": GOOD, "jurisdiction": "430100", "calls_per_day": 100_000} | changes
        self.connector = WeiboPull(
            WeiboPullSettings(**settings), account, lambda: session(platform), self.clock, self.clock.sleep
        )
        self.connector.open()

    def fetch(self) -> Batch:
        batch = self.connector.fetch(self.cursor)
        self.cursor, self.complaints = batch.cursor, batch.complaints
        return batch

    def round(self) -> list[RawMessage]:
        """Fetch until nothing is new."""
        messages: list[RawMessage] = []
        while True:
            before = self.cursor.position
            batch = self.fetch()
            messages += batch.messages
            if batch.cursor.position == before:
                return messages

    def next_round(self) -> list[RawMessage]:
        """Wait as long as the connector wants, then fetch."""
        while not self.connector.wait(1.0):
            pass
        return self.round()


def ids(messages: list[RawMessage]) -> list[str]:
    return [message.envelope.id for message in messages]

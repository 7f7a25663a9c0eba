"""Errands of a test: what they are told to do, they do in their turn."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connectors.media_fetch.job import Publish
from schemas.records import RawMessage, raw_message

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)


class Fake:
    """Raises these faults one after the other, then is done."""

    def __init__(
        self,
        name: str,
        *faults: Exception,
        account: str = "city",
        deadline: datetime = NOW + timedelta(days=3),
        keeps: bool = True,
    ) -> None:
        self.name, self.account, self.deadline, self.keeps = name, account, deadline, keeps
        self.faults = list(faults)
        self.runs: list[bool] = []
        self.may_go = threading.Event()
        self.may_go.set()

    def run(self, publish: Publish, *, last: bool) -> None:
        self.may_go.wait(60)
        self.runs.append(last)
        if self.faults:
            raise self.faults.pop(0)
        publish([message(self.name)])


class Record(NamedTuple):
    """A record of kafka-python, as far as anybody looks at it."""

    offset: int
    headers: list[tuple[str, bytes]]
    key: bytes
    value: bytes
    topic: str = "hotline.raw.wechat.v1"
    partition: int = 0
    timestamp: int = int(NOW.timestamp() * 1000)
    leader_epoch: int = 0


def record(offset: int, text: str = "x", **changes: Any) -> Record:
    out = message(text).outbound()
    return Record(offset, out.headers, out.key, out.value)._replace(**changes)


def message(text: str) -> RawMessage:
    return raw_message(
        channel="wechat",
        channel_kind="wechat_mp",
        account="city",
        jurisdiction="430100",
        identifier=text,
        value=text.encode(),
        content_type="text/xml",
        time=NOW,
        recorded=NOW,
        sender="o-lin",
    )


class Publisher:
    """Remembers what was published."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, messages: Sequence[RawMessage]) -> None:
        self.names += [one.envelope.id for one in messages]

"""Outcomes of a day's receipts, by account; those with an unknown outcome need a person."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from hotline.admin.replies import Answer, take
from hotline.monitor.kafka import Kafka, Places
from schemas import topics

WINDOW = timedelta(days=1)


class AnswerCount(Struct, frozen=True, kw_only=True):
    """Answers (回执) of one account that stand so, of those that moved in the last day."""

    kind: Literal["answers"] = "answers"
    account: str
    state: str
    count: int


class Answers:
    """Remembers the last state of each answer of a day."""

    def __init__(self) -> None:
        self._positions: Places = {}
        self._known: dict[str, Answer] = {}

    def look(self, kafka: Kafka, now: datetime) -> list[AnswerCount]:
        """Return the counts by account and state."""
        places = kafka.places([topics.OUTBOX])
        new = [place for place in places if place not in self._positions]
        self._positions |= kafka.since(new, now - WINDOW)
        for record in kafka.read(self._positions, kafka.ends(places)):
            take(self._known, record)
        for gone in [name for name, answer in self._known.items() if answer.at < now - WINDOW]:
            del self._known[gone]
        counts = Counter((answer.account, answer.state) for answer in self._known.values())
        return [
            AnswerCount(account=account, state=state, count=count) for (account, state), count in sorted(counts.items())
        ]

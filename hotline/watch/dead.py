"""How many dead letters came in the last day, by stage and code."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from hotline.watch.kafka import Kafka, Places
from schemas import topics
from schemas.records.dead import CODE, PREFIX

WINDOW = timedelta(days=1)
_MINUTE_MS = 60_000


class DeadCount(Struct, frozen=True, kw_only=True):
    """Dead letters (死信) of one stage and code in the last day."""

    kind: Literal["dead_letters"] = "dead_letters"
    stage: str
    code: str
    count: int


class DeadLetters:
    """Counts by the minute, so that a storm of them takes no memory."""

    def __init__(self) -> None:
        self._positions: Places = {}
        self._counts: Counter[tuple[int, str, str]] = Counter()

    def look(self, kafka: Kafka, now: datetime) -> list[DeadCount]:
        """Return the counts, the largest first."""
        places = kafka.places([topics.DEAD])
        new = [place for place in places if place not in self._positions]
        self._positions |= kafka.since(new, now - WINDOW)
        self._counts.update(_named(record) for record in kafka.read(self._positions, kafka.ends(places)))
        oldest = int((now - WINDOW).timestamp() * 1000) // _MINUTE_MS
        for key in [key for key in self._counts if key[0] < oldest]:
            del self._counts[key]
        totals: Counter[tuple[str, str]] = Counter()
        for (_, stage, code), count in self._counts.items():
            totals[stage, code] += count
        return [DeadCount(stage=stage, code=code, count=count) for (stage, code), count in totals.most_common()]


def _named(record: Any) -> tuple[int, str, str]:
    headers = dict(record.headers)
    stage, code = ((headers.get(name) or b"unknown").decode(errors="replace")[:40] for name in (f"{PREFIX}stage", CODE))
    return record.timestamp // _MINUTE_MS, stage, code

"""Number of dead letters in the last day and in the last hour, by stage and code."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from hotline.monitor.kafka import Kafka, Places
from schemas import topics
from schemas.records.dead_letter import CODE, PREFIX

WINDOW = timedelta(days=1)
HOUR = timedelta(hours=1)
_MINUTE_MS = 60_000


class DeadCount(Struct, frozen=True, kw_only=True):
    """Dead letters (死信) of one stage and code in the last day, and how many of them came in the last hour."""

    kind: Literal["dead_letters"] = "dead_letters"
    stage: str
    code: str
    count: int
    last_hour: int = 0


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
        oldest, recent = _minute(now - WINDOW), _minute(now - HOUR)
        for key in [key for key in self._counts if key[0] < oldest]:
            del self._counts[key]
        day: Counter[tuple[str, str]] = Counter()
        hour: Counter[tuple[str, str]] = Counter()
        for (minute, stage, code), count in self._counts.items():
            day[stage, code] += count
            hour[stage, code] += count if minute >= recent else 0
        return [
            DeadCount(stage=stage, code=code, count=count, last_hour=hour[stage, code])
            for (stage, code), count in day.most_common()
        ]


def _minute(moment: datetime) -> int:
    return int(moment.timestamp() * 1000) // _MINUTE_MS


def _named(record: Any) -> tuple[int, str, str]:
    headers = dict(record.headers)
    stage, code = ((headers.get(name) or b"unknown").decode(errors="replace")[:40] for name in (f"{PREFIX}stage", CODE))
    return record.timestamp // _MINUTE_MS, stage, code

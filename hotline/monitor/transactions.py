"""Hanging transactions by topic; Kafka is asked once a minute."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from hotline.admin.transactions import WATCHED, Hangings
from hotline.monitor.kafka import Kafka

EVERY = timedelta(minutes=1)


class Transactions:
    """Looks once a minute; what two looks find is reported."""

    def __init__(self) -> None:
        self._hangings = Hangings()
        self._looked: datetime | None = None
        self._told: Mapping[str, int] = {}

    def look(self, kafka: Kafka, now: datetime) -> Mapping[str, int]:
        """Return how many hang in each topic that we may look into, as of the last minute."""
        if self._looked is None or now - self._looked >= EVERY:
            hanging, found = kafka.hanging(self._hangings, WATCHED, now)
            counted = Counter(one.open.topic for one in hanging)
            # topics that are unavailable now keep their last result: an alarm must not end for that
            self._told = {**self._told, **{topic: counted[topic] for topic in found.seen}}
            self._looked = now
        return self._told

"""Repeated looks at Kafka: records that were read once are not read again."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from broker.config import KafkaConnection
from hotline.monitor import stages
from hotline.monitor.accounts import Account, Accounts, expected
from hotline.monitor.answers import AnswerCount, Answers
from hotline.monitor.dead import DeadCount, DeadLetters
from hotline.monitor.handovers import Handovers, Unanswered
from hotline.monitor.kafka import Kafka, Known, opened
from hotline.monitor.stages import Stage
from hotline.monitor.transactions import Transactions
from schemas import topics

if TYPE_CHECKING:
    from hotline.config.settings import Settings


WRONG_SECONDS = 5.0
"""Two clocks that are set by NTP differ by less. By one that was set back an hour no emergency would be overdue for so
long, and Kafka's is the one by which everything was written."""


class Seen(Struct, frozen=True, kw_only=True):
    """Results of one look."""

    stages: list[Stage]
    accounts: list[Account]
    dead_letters: list[DeadCount]
    handovers: list[Unanswered]
    answers: list[AnswerCount]
    transactions_hanging: Mapping[str, int] = {}
    """Number of hanging transactions by topic, for topics that could be examined."""
    clock_ahead: float | None = None
    """Seconds by which this clock is ahead of Kafka's; None if unknown."""


class Watcher:
    """Looks at the cluster that `connection` names; the first look reads back, the others go on."""

    def __init__(self, settings: "Settings", connection: KafkaConnection) -> None:
        self._settings = settings
        self._connection = connection
        self._watched = stages.watched(settings)
        self._ids: dict[str, str] = {}
        self._known: Known = {}
        self._transactions = Transactions()
        self._begin()

    def _begin(self) -> None:
        settings = self._settings
        self._accounts = Accounts(expected(settings))
        self._dead = DeadLetters()
        self._answers = Answers() if settings.answers else None
        self._handovers = Handovers(settings.telemetry.acknowledge_within_seconds)

    def _look_for_lost(self, kafka: Kafka) -> None:
        """Read again from the start if a topic was made anew or lost its end: an emergency before the old position is
        unseen.
        """
        ids = kafka.ids(topics.TOPICS)
        is_anew = any(self._ids.get(topic, identifier) != identifier for topic, identifier in ids.items())
        if is_anew or not kafka.holds(self._known):
            self._begin()
        self._ids |= ids
        self._known = kafka.known(topics.TOPICS)

    def look(self, now: datetime) -> Seen:
        """Return the state at the time `now` of this clock, or of Kafka's if this one is wrong. Raises errors of the
        pipeline.
        """
        with opened(self._connection) as kafka:
            self._look_for_lost(kafka)
            ahead = kafka.seconds_ahead(time.time)
            if ahead is not None and abs(ahead) > WRONG_SECONDS:
                now -= timedelta(seconds=ahead)
            return Seen(
                stages=stages.look(kafka, now, self._watched),
                accounts=self._accounts.look(kafka, now),
                dead_letters=self._dead.look(kafka, now),
                handovers=self._handovers.look(kafka, now),
                answers=self._answers.look(kafka, now) if self._answers else [],
                transactions_hanging=self._transactions.look(kafka, now),
                clock_ahead=ahead,
            )

"""Rate limit: the messages of a sender beyond its share wait in a topic of their own; nothing is dropped.

Token buckets fill by the times at which Kafka took the records, never by a clock. Messages from a connector's journal
were taken over hours and reach Kafka within seconds: they have buckets of their own, which fill by the times at which
the connector took them.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import structlog
from faust.types import TP

from schemas import topics
from schemas.codec import Inbound, Outbound
from schemas.records.raw import is_beginning
from streams import metrics
from streams.backpressure.settings import FloodSettings, ShareSettings

_log = structlog.get_logger(__name__)

SLICE = 96
"""Records of a flood that go on at a time: so many may stand before a live message in downstream stages."""

WAITED_SECONDS = 60.0
"""A record that was taken by this many seconds earlier than Kafka had it waited in a journal."""

SENDERS = 20_000
"""Senders that are remembered for a partition; the least recently seen is forgotten first."""

Reason = Literal["sender", "account"]


class Parted(NamedTuple):
    """Records of a chunk in their order: those that go on, and those beyond a share."""

    within: Sequence[Inbound]
    beyond: Sequence[Inbound]


class Bucket:
    """Token bucket (令牌桶); the caller gives the time. An empty bucket is `flooding` until it is full again.

    So a sender's later messages stay behind its waiting ones until it has been calm for a while.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens", "flooding")

    def __init__(self, burst: int, per_minute: int, at: float) -> None:
        self._burst = burst
        self._rate = per_minute / 60
        self._tokens = float(burst)
        self._at = at
        self.flooding = False

    def take(self, at: float) -> bool:
        """Take a token and return whether there was one and no flood goes on."""
        self._fill(at)
        self.flooding = self.flooding or self._tokens < 1
        self._tokens = max(0.0, self._tokens - 1)
        return not self.flooding

    def has(self, at: float) -> bool:
        """Return whether there is a token and no flood goes on."""
        self._fill(at)
        return self._tokens >= 1 and not self.flooding

    def _fill(self, at: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, at - self._at) * self._rate)
        self._at = max(self._at, at)
        if self.flooding and self._tokens >= self._burst:
            self.flooding = False

    def empty(self) -> None:
        """Begin a flood: the sender's next messages must not overtake those that wait."""
        self._tokens, self.flooding = 0.0, True


class Floods:
    """The buckets of one partition of a raw topic. A sender's records are all in one partition, an account's in all."""

    def __init__(self, settings: FloodSettings, partitions: int) -> None:
        self._settings = settings
        self._partitions = partitions
        self._senders: OrderedDict[tuple[str, str, bool], Bucket] = OrderedDict()
        self._accounts: dict[tuple[str, bool], Bucket] = {}
        self._chunk: tuple[int, int] | None = None
        self._reasons: list[Reason | None] = []

    def reasons(self, records: Sequence[Inbound]) -> list[Reason | None]:
        """Return for each record the reason why it must wait, or None.

        The same chunk, repeated after an error, gets the same answer.
        """
        chunk = (records[0].offset, len(records)) if records else None
        if chunk is None or chunk != self._chunk:
            self._chunk, self._reasons = chunk, [self._beyond(record) for record in records]
        return self._reasons

    def _beyond(self, record: Inbound) -> Reason | None:
        account, sender, taken = _named(record)
        share = self._settings.accounts.get(account, self._settings)
        appended = record.timestamp / 1000
        waited = taken is not None and appended - taken > WAITED_SECONDS
        at = taken if taken is not None and waited else appended
        own = self._sender(account, sender, share, at, waited) if sender and share.sender_per_minute else None
        if is_beginning(record):
            return self._foreseen(account, own, share, at, waited)
        reason = self._reason(account, own, share, at, waited)
        if reason is not None and own is not None and waited:  # the sender's next messages must not overtake it
            self._sender(account, sender, share, appended, waited=False).empty()
        return reason

    def _reason(self, account: str, own: Bucket | None, share: ShareSettings, at: float, waited: bool) -> Reason | None:
        if own is not None and not own.take(at):
            return "sender"
        if share.account_per_minute and not self._account(account, share, at, waited):
            if own is not None:
                own.empty()
            return "account"
        return None

    def _foreseen(
        self, account: str, own: Bucket | None, share: ShareSettings, at: float, waited: bool
    ) -> Reason | None:
        """Return why the beginning of a message must wait; the message itself comes later and takes the token."""
        if own is not None and not own.has(at):
            return "sender"
        if share.account_per_minute and not self._of_account(account, share, at, waited).has(at):
            return "account"
        return None

    def _sender(self, account: str, sender: str, share: ShareSettings, at: float, waited: bool) -> Bucket:
        key = account, sender, waited
        bucket = self._senders.pop(key, None) or Bucket(share.sender_burst, share.sender_per_minute, at)
        self._senders[key] = bucket
        if len(self._senders) > SENDERS:
            self._senders.popitem(last=False)
        return bucket

    def _account(self, account: str, share: ShareSettings, at: float, waited: bool) -> bool:
        """Take a token of the account's share of this partition; its flood ends with the first available token."""
        bucket = self._of_account(account, share, at, waited)
        bucket.take(at)
        over, bucket.flooding = bucket.flooding, False
        return not over

    def _of_account(self, account: str, share: ShareSettings, at: float, waited: bool) -> Bucket:
        bucket = self._accounts.get((account, waited))
        if bucket is None:
            burst = max(1, share.account_burst // self._partitions)
            per_minute = max(1, share.account_per_minute // self._partitions)
            bucket = self._accounts[account, waited] = Bucket(burst, per_minute, at)
        return bucket


class FloodControl:
    """The buckets of all partitions of a worker; those of a new partition are full.

    Exactly one stage counts and logs deferred records (`told`).
    """

    def __init__(self, settings: FloodSettings, partitions: int, *, told: bool = True) -> None:
        self._is_told = told
        self._settings = settings
        self._partitions = partitions
        self._of: dict[TP, Floods] = {}

    def part(self, tp: TP, records: Sequence[Inbound]) -> Parted:
        """Split a chunk, count and log the records that must wait. Back-fill waits anyway."""
        if tp.topic == topics.BACKFILL:
            return Parted(records, ())
        floods = self._of.get(tp)
        if floods is None:
            floods = self._of[tp] = Floods(self._settings, self._partitions)
        reasons = floods.reasons(records)
        told = Counter(filter(None, reasons))
        if not told:
            return Parted(records, ())
        if self._is_told:
            self._tell(tp, told)
        judged = list(zip(records, reasons, strict=True))
        within = [record for record, reason in judged if reason is None]
        return Parted(within, [record for record, reason in judged if reason is not None])

    def _tell(self, tp: TP, told: Mapping[str, int]) -> None:
        for reason, count in told.items():
            metrics.BEYOND.labels(topic=tp.topic, reason=reason).inc(count)
        _log.warning("flood_put_behind", topic=tp.topic, partition=tp.partition, records=sum(told.values()))


def _named(record: Inbound) -> tuple[str, str, float | None]:
    """Return account, sender and time of intake; an unknown sender has no share of its own."""
    account = sender = taken = b""
    for name, value in record.headers:
        if name == "ce_account":
            account = value or b""
        elif name == "ce_sender":
            sender = value or b""
        elif name == "ce_recordedtime":
            taken = value or b""
    return account.decode(errors="replace"), sender.decode(errors="replace"), _moment(taken)


def _moment(text: bytes) -> float | None:
    try:
        return datetime.fromisoformat(text.decode()).timestamp()
    except (ValueError, OverflowError):
        return None


def put_behind(record: Inbound) -> Outbound:
    """Return the record for the topic of floods, unchanged; its key keeps the order of a sender's records."""
    return Outbound(topics.FLOOD, record.key or b"", record.value or b"", list(record.headers))

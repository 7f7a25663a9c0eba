"""When each account brought its last message: a mailbox that is silent for a day may have lost its forwarding rule."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from connectors.mailbox.settings import CHANNEL as LMTP_CHANNEL
from connectors.registry import entries
from hotline.monitor.kafka import Kafka, Places
from schemas import topics

if TYPE_CHECKING:
    from hotline.config.settings import Settings


TAILS = (50, 500, 5_000)
"""Records of each partition that are read, at first, when an account is not among them, and at the most."""


class Expected(Struct, frozen=True, kw_only=True):
    """An account of the settings, and how long it may bring nothing."""

    channel: str
    silent_after: timedelta


class Account(Struct, frozen=True, kw_only=True):
    """One account. `silent` is null if unknown: not in these settings, or beyond the records that were read."""

    kind: Literal["account"] = "account"
    account: str
    channel: str
    last_message: datetime | None = None
    silent_after_seconds: float | None = None
    silent: bool | None = None


def expected(settings: "Settings") -> dict[str, Expected]:
    """Return the accounts of the settings; an account's own limit goes before its channel's."""
    chosen = settings.telemetry
    found = {}
    channels = {section: entry.channel for section, entry in entries()}
    named = [(channels[section], accounts) for section, accounts in settings.connectors.sections.items()]
    for channel, accounts in [*named, (LMTP_CHANNEL, settings.lmtp.mailboxes)]:
        for account in accounts:
            seconds = chosen.silent_after.get(account, chosen.silent_after.get(channel, chosen.silent_after_seconds))
            found[account] = Expected(channel=channel, silent_after=timedelta(seconds=seconds))
    return found


class Accounts:
    """Reads the ends of the raw topics at first, and whatever came since at each further look."""

    def __init__(self, accounts: Mapping[str, Expected]) -> None:
        self._expected = accounts
        self._longest = max((one.silent_after for one in accounts.values()), default=timedelta())
        self._last: dict[str, tuple[str, datetime]] = {}
        self._positions: Places = {}
        self._bound: dict[str, bool] = {}

    def look(self, kafka: Kafka, now: datetime) -> list[Account]:
        """Return the accounts of the settings and all others that were seen, silent ones first."""
        for topic in topics.LIVE_RAW:
            self._look_at(kafka, topic, now)
        names = sorted({*self._expected, *self._last}, key=lambda name: (name not in self._expected, name))
        return sorted((self._account(name, now) for name in names), key=lambda one: one.silent is not True)

    def _look_at(self, kafka: Kafka, topic: str, now: datetime) -> None:
        places = kafka.places([topic])
        ends = kafka.ends(places)
        if any(place not in self._positions for place in places):
            self._look_back(kafka, topic, ends, now)
        self._take(kafka.read(mine := {place: self._positions[place] for place in places}, ends))
        self._positions |= mine

    def _look_back(self, kafka: Kafka, topic: str, ends: Places, now: datetime) -> None:
        """Read the end of a topic, and more of it as long as an account that belongs there was not seen."""
        bounds = kafka.since(ends, now - self._longest)
        upto = dict(ends)
        for size in TAILS:
            begin = {place: max(bounds[place], end - size) for place, end in ends.items()}
            self._take(kafka.read(dict(begin), upto))
            upto = begin
            self._bound[topic] = begin == bounds
            if self._bound[topic] or not self._missing(topic):
                break
        self._positions |= ends

    def _missing(self, topic: str) -> list[str]:
        return [
            name for name, one in self._expected.items() if topics.raw(one.channel) == topic and name not in self._last
        ]

    def _take(self, records: Iterable[Any]) -> None:
        for account, channel, at in _told(records):
            if account not in self._last or at > self._last[account][1]:
                self._last[account] = channel, at

    def _account(self, name: str, now: datetime) -> Account:
        channel, last = self._last.get(name, (None, None))
        wanted = self._expected.get(name)
        if wanted is None:
            return Account(account=name, channel=channel or "", last_message=last)
        return Account(
            account=name,
            channel=channel if channel in topics.CHANNELS else wanted.channel,
            last_message=last,
            silent_after_seconds=wanted.silent_after.total_seconds(),
            silent=now - last > wanted.silent_after if last else self._silent_for_sure(wanted),
        )

    def _silent_for_sure(self, wanted: Expected) -> bool | None:
        """Return whether every record that is young enough was read."""
        return True if self._bound.get(topics.raw(wanted.channel), True) else None


def _told(records: Iterable[Any]) -> Iterator[tuple[str, str, datetime]]:
    for record in records:
        headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
        try:
            yield headers["ce_account"], headers["ce_channel"], datetime.fromisoformat(headers["ce_recordedtime"])
        except (KeyError, ValueError):
            continue  # a stranger's record: normalize makes a dead letter of it

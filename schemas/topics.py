"""Every Kafka topic: its key, how it is partitioned, how long it keeps what."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from schemas import enums

CHANNELS: tuple[str, ...] = tuple(enums.CHANNELS)
"""The channels: topic suffix, `--channel` value, normalizer's and connector package's name."""

DAY_MS = 24 * 60 * 60 * 1000

MAX_BYTES = 1_048_588
"""Of a record with key and headers: Kafka's own default, written down because a broker may have another."""

SEGMENT_BYTES = 1024 * 1024 * 1024
"""Kafka's own default. A broker refuses a batch of records that is larger than a segment."""


class Topic(Struct, frozen=True, kw_only=True):
    """A topic as `hotline topics create` makes it; `retention_ms` None means for ever.

    `partitions` None means as many as `kafka.partitions`.
    """

    name: str
    about: str
    key: str
    partitioned_by: Literal["jurisdiction", "key"] = "jurisdiction"
    cleanup_policy: Literal["delete", "compact"] = "delete"
    retention_ms: int | None = None
    partitions: int | None = None
    extra: Mapping[str, str] = MappingProxyType({})

    @property
    def config(self) -> dict[str, str]:
        """Return the topic's settings in Kafka's own names: each one that can remove a record or refuse it.

        What is left out is the brokers' own default, which may be anything.

        The broker says when a record came. By the clock of a sender that began in 1970, retention would take what it
        sends within minutes, read or not, as it would decisions; and one that is an hour ahead would be refused.
        """
        config: dict[str, str] = {
            "cleanup.policy": self.cleanup_policy,
            "max.message.bytes": str(MAX_BYTES),
            "message.timestamp.type": "LogAppendTime",
            "segment.bytes": str(SEGMENT_BYTES),
            "unclean.leader.election.enable": "false",  # a copy that lacks what was acknowledged never leads
        }
        if self.cleanup_policy == "delete":
            config["retention.ms"] = str(self.retention_ms if self.retention_ms is not None else -1)
            config["retention.bytes"] = "-1"  # by age alone: a busy day takes nothing away
            config["segment.ms"] = str(7 * DAY_MS)
        return {**config, **self.extra}


def raw(channel: str) -> str:
    """Return the raw topic of a channel."""
    return f"hotline.raw.{channel}.v1"


BACKFILL = "hotline.raw.backfill.v1"
FLOOD = "hotline.raw.flood.v1"
MESSAGE = "hotline.message.v1"
EVENT = "hotline.event.v1"
LINK = "hotline.link.v1"
TICKET = "hotline.ticket.v1"
TICKET_MASKED = "hotline.ticket.masked.v1"
TICKET_RESTRICTED = "hotline.ticket.restricted.v1"
HANDOVER = "hotline.handover.v1"
COMMAND = "hotline.command.v1"
OUTBOX = "hotline.outbox.v1"
CURSOR = "hotline.cursor.v1"
DEAD = "hotline.dead.v1"
DELIVERY = "hotline.delivery.v1"
AUDIT = "hotline.audit.v1"
REPLAYED = "hotline.replayed.v1"
LEASE = "hotline.lease.v1"
PLACEMENT = "hotline.placement.v1"

LIVE_RAW: tuple[str, ...] = tuple(raw(channel) for channel in CHANNELS)

_COMPACTED = MappingProxyType(
    {
        "min.compaction.lag.ms": "3600000",
        "max.compaction.lag.ms": str(DAY_MS),
        "delete.retention.ms": str(7 * DAY_MS),
    }
)
"""Without a longest lag a quiet city's erased ticket would stay for as long as its segment is the newest one."""

_DAILY = MappingProxyType({"segment.ms": str(DAY_MS)})
"""Kafka deletes whole segments: a record may outlive its retention by one, seven days of Kafka's own."""

_LONG = MappingProxyType({"max.message.bytes": str(4 * 1024 * 1024)})
"""The erasure of a ticket names each of its messages: 1 MiB would hold the names of 16,000."""

_WITH_REASONS = MappingProxyType({**_DAILY, "max.message.bytes": str(2 * MAX_BYTES)})
"""A dead letter is a record of the largest size with its reasons behind it."""

_RAW = [
    Topic(
        name=name,
        about="Bytes as they came",
        key="account + sender or thread",
        partitioned_by="key",
        retention_ms=30 * DAY_MS,
        extra=_DAILY,
    )
    for name in (*LIVE_RAW, BACKFILL)
]

_ALL = [
    *_RAW,
    Topic(
        name=FLOOD,
        about="Bytes beyond a sender's or an account's share, once more, as they came",
        key="account + sender or thread",
        partitioned_by="key",
        retention_ms=30 * DAY_MS,
        extra=_DAILY,
    ),
    Topic(
        name=MESSAGE,
        about="Normalized messages and forwarded commands",
        key="message_id",
        retention_ms=30 * DAY_MS,
        extra=_DAILY,
    ),
    Topic(
        name=EVENT,
        about="The log of decisions, no personal text",
        key="ticket_id",
        retention_ms=3653 * DAY_MS,
        extra=_LONG,
    ),
    Topic(name=LINK, about="Message to ticket", key="message_id", cleanup_policy="compact", extra=_COMPACTED),
    Topic(name=TICKET, about="Ticket snapshots", key="ticket_id", cleanup_policy="compact", extra=_COMPACTED),
    Topic(
        name=TICKET_MASKED,
        about="Ticket snapshots, masked; none of a restricted ticket (严格保密)",
        key="ticket_id",
        cleanup_policy="compact",
        extra=_COMPACTED,
    ),
    Topic(
        name=TICKET_RESTRICTED,
        about="Snapshots of restricted tickets (严格保密), in clear",
        key="ticket_id",
        cleanup_policy="compact",
        extra=_COMPACTED,
    ),
    Topic(
        name=HANDOVER,
        about="Emergencies for 110/119/120/122",
        key="message_id",
        retention_ms=180 * DAY_MS,
        extra=_DAILY,
    ),
    Topic(
        name=COMMAND,
        about="Commands from outside",
        key="any",
        partitioned_by="key",
        retention_ms=7 * DAY_MS,
        extra=_DAILY,
    ),
    Topic(
        name=OUTBOX,
        about="Answers to citizens, and what became of them",
        key="ticket_id",
        retention_ms=7 * DAY_MS,
        extra=_DAILY,
    ),
    Topic(
        name=CURSOR,
        about="Where each pull connector stands",
        key="connector id",
        partitioned_by="key",
        cleanup_policy="compact",
        extra=_COMPACTED,  # of call files it names recordings that are awaited, and those are named by telephones
    ),
    Topic(
        name=DEAD,
        about="What could not be processed, with its reason",
        key="original key",
        partitioned_by="key",
        retention_ms=30 * DAY_MS,
        extra=_WITH_REASONS,
    ),
    Topic(
        name=DELIVERY,
        about="What became of each webhook delivery, no personal data",
        key="delivery_id",
        partitioned_by="key",
        retention_ms=30 * DAY_MS,
    ),
    Topic(
        name=AUDIT,
        about="Who read in clear, erased, confirmed and used the tools: chained by hashes",
        key="run + what it was done to",
        partitioned_by="key",
        retention_ms=3653 * DAY_MS,
    ),
    Topic(
        name=REPLAYED,
        about="Which dead letters were put back, so that nobody puts them back twice",
        key="run + dead letter",
        partitioned_by="key",
        retention_ms=38 * DAY_MS,  # as long as a dead letter may be there
        extra=_DAILY,
    ),
    Topic(
        name=LEASE,
        about="Always empty: in an account's consumer group, who has its partition 0 owns the account",
        key="none",
        partitioned_by="key",
        retention_ms=DAY_MS,
    ),
    Topic(
        name=PLACEMENT,
        about="Over how many partitions cities are spread",
        key="default, or a city's adcode",
        partitioned_by="key",
        partitions=1,
        cleanup_policy="compact",
        extra=_COMPACTED,
    ),
]

TOPICS: Mapping[str, Topic] = MappingProxyType({topic.name: topic for topic in _ALL})
"""Every topic by name."""

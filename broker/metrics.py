"""Instruments of Kafka clients; the packages above register them as their own."""

from prometheus_client import Counter, Gauge

CONNECTOR_RECORDS_GONE = Counter(
    "hotline_connectors_records_gone_total",
    "Records that a reader finds no more: the newest, which it had read and Kafka lost, or the oldest, which went "
    "unread",
    ["topic", "end"],
)
STREAM_RECORDS_GONE = Counter(
    "hotline_streams_records_gone",
    "Records that a reader finds no more: the newest, which it had read and Kafka lost, or the oldest, which went "
    "unread",
    ["topic", "end"],
)
LEASE_HELD = Gauge(
    "hotline_connectors_lease_held", "1 while this process owns the account, 0 while it stands by", ["connector"]
)

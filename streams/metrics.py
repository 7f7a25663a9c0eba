"""Metrics of the streams; labels are bounded, never ids."""

from collections import Counter as CollectionsCounter
from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

from broker import metrics as broker_metrics
from schemas import topics
from schemas.codec import Outbound
from schemas.records import Event
from schemas.records.dead_letter import CODE, PREFIX

RECORDS = Counter("hotline_streams_records", "Input records worked off", ["stage", "topic"])
OUTPUTS = Counter("hotline_streams_outputs", "Records that Kafka has acknowledged", ["stage", "topic"])
DEAD = Counter("hotline_streams_dead_letters", "Input records whose dead letters Kafka holds", ["stage", "code"])
ERRORS = Counter("hotline_streams_record_errors", "Records that a stage passed over", ["stage", "code"])
RETRIES = Counter("hotline_streams_retries", "Chunks that wait for their surroundings", ["stage", "error"])
HANDOVERS = Counter("hotline_streams_handovers", "Emergencies handed over", ["level", "stale"])
HANDOVER_SECONDS = Histogram(
    "hotline_streams_handover_seconds",
    "From taking a message in to the broker's acknowledgement of its hand-over; stale ones are left out",
    ["level"],
    buckets=(0.05, 0.1, 0.25, 0.5, 0.75, 1, 2, 5, 10, 30, 60, 300, 3600),
)
CHUNK_SECONDS = Histogram("hotline_streams_chunk_seconds", "From taking a chunk to its acknowledgement", ["stage"])
BEYOND = Counter(
    "hotline_streams_beyond_share",
    "Live records that wait behind the others because of their sender's or their account's share",
    ["topic", "reason"],
)
REPEATS = Counter("hotline_streams_repeats", "Messages that were decided before", ["stage"])
DECISIONS = Counter("hotline_streams_decisions", "Decisions written", ["relation"])
COMMANDS_UNPROVEN = Counter(
    "hotline_streams_commands_unproven",
    "Commands refused because no key of ours signed them, or a key that may not give them",
)
DECIDED_AGAIN = Counter(
    "hotline_streams_decided_again",
    "Decisions about inputs that were acknowledged before: Kafka had lost the end of the event log",
)
ANNOTATOR_FAILURES = Counter(
    "hotline_streams_annotator_failures",
    "Messages that went on without the findings of an annotator, which failed on them",
    ["annotator"],
)
RECORDS_GONE = broker_metrics.STREAM_RECORDS_GONE
POSITIONS_LOST = Counter(
    "hotline_streams_positions_lost",
    "Partitions that hold records and of which Kafka does not know how far screen had read them: what the broker took "
    "more than a day before alarms nobody",
)
POSITIONS_UNKNOWN = Counter(
    "hotline_streams_positions_unknown",
    "Looks of screen for lost positions that Kafka did not answer: what it had handed over before may ring again",
)
TRANSACTION_SECONDS = Histogram("hotline_streams_transaction_seconds", "From begin to commit of a chunk's decisions")
RESTORE_SECONDS = Histogram(
    "hotline_streams_restore_seconds",
    "From taking a partition over to its first decision",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
RESTORING_SINCE = Gauge(
    "hotline_streams_restoring_since_timestamp_seconds",
    "Since when a partition is being taken over; there only while it is",
    ["partition"],
)
QUARANTINED = Gauge(
    "hotline_streams_partition_quarantined",
    "1 while a partition cannot go on and waits for a person; there only while it does",
    ["stage", "topic", "partition"],
)
CHECKPOINT_ERRORS = Counter(
    "hotline_streams_checkpoint_errors", "Checkpoints that the blob store did not take or give", ["operation"]
)
FENCED = Counter("hotline_streams_fenced", "Partitions that another worker took while this one still held them")
TICKETS = Gauge("hotline_streams_live_tickets", "Tickets held in memory", ["partition"])
LAG_SECONDS = Gauge("hotline_streams_lag_seconds", "Age of the oldest live record not worked off", ["stage"])
LAG_RECORDS = Gauge("hotline_streams_lag_records", "Live records behind the last one that was worked off", ["stage"])
PAUSED = Gauge("hotline_streams_backfill_paused", "1 while back-fill waits for live messages", ["stage"])

# Shown from the start: for Prometheus a counter that first appears as 1 has not grown.
for _level in ("critical", "urgent", "mentioned"):
    HANDOVER_SECONDS.labels(level=_level)
ERRORS.labels(stage="screen", code="internal")
for _operation in ("list", "load", "save"):
    CHECKPOINT_ERRORS.labels(operation=_operation)


# Counters of a stage, increased when Kafka has acknowledged the records.


def count_written(stage: str, outbounds: Sequence[Outbound]) -> None:
    """Count acknowledged records."""
    sent = CollectionsCounter(outbound.topic for outbound in outbounds)
    for topic, count in sent.items():
        OUTPUTS.labels(stage=stage, topic=topic).inc(count)
    for outbound in outbounds if topics.DEAD in sent else ():
        if outbound.topic == topics.DEAD:
            headers = dict(outbound.headers)
            told = (headers[name].decode() for name in (f"{PREFIX}stage", CODE))
            DEAD.labels(*told).inc()


def count_decisions(stage: str, decisions: Sequence[Event], dead: int, records: int) -> None:
    """Count the results of inputs: decisions, dead letters, and repeats for the rest."""
    RECORDS.labels(stage=stage, topic=topics.MESSAGE).inc(records)
    REPEATS.labels(stage=stage).inc(records - len(decisions) - dead)
    for relation, count in CollectionsCounter(decision.relation for decision in decisions).items():
        DECISIONS.labels(relation=relation).inc(count)

"""What the sinks count and measure."""

from prometheus_client import Counter, Gauge, Histogram

DOCUMENTS = Counter(
    "hotline_sinks_documents",
    "Documents by what became of them: stored, stale (a newer version was there), rejected, skipped",
    ["sink", "outcome"],
)
DEAD_LETTERS = Counter("hotline_sinks_dead_letters", "Documents whose dead letters Kafka holds", ["sink", "code"])
RETRIES = Counter("hotline_sinks_retries", "Documents that went round again", ["sink"])
FAULTS = Counter("hotline_sinks_faults", "Writes and commits that failed as a whole", ["sink", "error"])
WRITE_SECONDS = Histogram(
    "hotline_sinks_write_seconds",
    "Time of one write, as the service answered it",
    ["sink"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
RECORDS_GONE = Counter(
    "hotline_sinks_records_gone",
    "Records that a reader finds no more: the newest, which it had read and Kafka lost, or the oldest, which went "
    "unread",
    ["topic", "end"],
)
ARCHIVE_LACKS = Gauge(
    "hotline_sinks_archive_lacks",
    "1 while an index has nothing of documents that were brought to it: it was emptied, or put back as it was",
    ["index"],
)
NEWER_EVENTS = Counter(
    "hotline_sinks_newer_events",
    "Tries of events that the eraser holds, as they have a change of a kind that its version does not know",
)
OLDEST_SECONDS = Gauge(
    "hotline_sinks_oldest_seconds", "Age of the oldest record that was read and is not yet stored", ["sink"]
)
IN_FLIGHT = Gauge("hotline_sinks_in_flight_batches", "Batches written or waiting to be written again", ["sink"])

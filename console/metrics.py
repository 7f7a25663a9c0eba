"""Instruments of the console; labels are bounded: pages, outcomes."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("hotline_console_requests", "Requests, by page and status of the answer", ("page", "status"))
REQUEST_SECONDS = Histogram(
    "hotline_console_request_seconds",
    "Time until the answer, by page",
    ("page",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10),
)
SIGN_INS = Counter("hotline_console_sign_ins", "Sign-ins by outcome: done, refused, limited", ("outcome",))
FORGED = Counter("hotline_console_forged_requests", "Unsafe requests that another site sent")
TRAIL_FAILED = Counter("hotline_console_trail_failed", "Acts that could not be recorded, and were not carried out")
TRAIL_WAITING = Gauge("hotline_console_trail_waiting", "Acts on this host's disk that wait for Kafka")
STREAMS = Gauge("hotline_console_streams", "Open live pages (server-sent events)")
DESK_WAITING = Gauge("hotline_console_desk_waiting", "Hand-overs that the desk shows as waiting")
DESK_COMPLETE = Gauge(
    "hotline_console_desk_complete_timestamp_seconds", "Until when the desk has read everything that Kafka had"
)

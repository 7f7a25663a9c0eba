"""Metrics of `hotline run monitor`, which sees dead workers, too, and of a process about itself."""

from prometheus_client import Counter, Gauge

LOOKED = Gauge("hotline_monitor_last_look_timestamp_seconds", "When everything was last looked at with success")
REACHABLE = Gauge("hotline_monitor_reachable", "1 while a service answers, else 0", ["service"])
WORKERS = Gauge("hotline_monitor_workers", "Processes that work in a stage", ["stage"])
LAG_RECORDS = Gauge("hotline_monitor_lag_records", "Records that a stage has not worked off", ["stage"])
OLDEST_SECONDS = Gauge(
    "hotline_monitor_oldest_seconds", "Age of the oldest record that a stage has not worked off", ["stage"]
)
LAST_MESSAGE = Gauge(
    "hotline_monitor_last_message_timestamp_seconds",
    "When the last message of an account was taken in",
    ["channel", "connector"],
)
SILENT = Gauge(
    "hotline_monitor_silent",
    "1 when an account of the settings has brought nothing for longer than it may, else 0",
    ["channel", "connector"],
)
DEAD_LETTERS = Gauge("hotline_monitor_dead_letters", "Dead letters of the last day", ["stage", "code"])
DEAD_LETTERS_LAST_HOUR = Gauge(
    "hotline_monitor_dead_letters_last_hour", "Dead letters of the last hour", ["stage", "code"]
)
UNACKNOWLEDGED = Gauge(
    "hotline_monitor_handovers_unacknowledged",
    "Hand-overs that no desk has acknowledged, but for stale ones and those that another rings for",
    ["level"],
)
OVERDUE = Gauge(
    "hotline_monitor_handovers_overdue",
    "Hand-overs that no desk has acknowledged in time, but for stale ones and those that another rings for",
    ["level"],
)
REMINDERS = Counter(
    "hotline_monitor_handover_reminders_total",
    "Times that the monitor told of overdue hand-overs in its log",
    ["level"],
)
OLDEST_UNACKNOWLEDGED_SECONDS = Gauge(
    "hotline_monitor_handover_oldest_unacknowledged_seconds",
    "Time since the message of the oldest unacknowledged hand-over was taken in",
    ["level"],
)
TICKETS_OVERDUE = Gauge(
    "hotline_monitor_tickets_overdue",
    "Tickets that are not accepted, signed or resolved within their limit",
    ["clock", "urgency"],
)
ANSWERS = Gauge(
    "hotline_monitor_answers",
    "Answers to citizens of the last day, by how they stand; `unknown` ones are for a person",
    ["account", "state"],
)
TRANSACTIONS_HANGING = Gauge(
    "hotline_monitor_transactions_hanging",
    "Transactions that nobody will end: no reader of committed records gets past one",
    ["topic"],
)
CLOCK_AHEAD_SECONDS = Gauge(
    "hotline_monitor_clock_ahead_seconds",
    "How far the clock of the monitor's machine is ahead of that of a service which tells its own",
    ["service"],
)
BUILD = Gauge("hotline_build_info", "1, of the version and the commit that this process runs", ["version", "revision"])
COMPONENT_UP = Gauge(
    "hotline_process_component_up", "1 while a component of this process runs or stands by, else 0", ["component"]
)
DISK_FREE_BYTES = Gauge(
    "hotline_process_disk_free_bytes", "Room on the disk of a folder that this process may write to", ["folder"]
)
DISK_HANGS = Gauge(
    "hotline_process_disk_hangs",
    "1 while the disk of a folder that this process may write to does not tell its room, else 0",
    ["folder"],
)

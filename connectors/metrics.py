"""Metrics of the connectors; labels are bounded."""

from prometheus_client import Counter, Gauge, Histogram

from broker import metrics as broker_metrics

RECORDS = Counter("hotline_connectors_records_total", "Records that the broker holds, repeats included", ["topic"])
BYTES = Counter("hotline_connectors_bytes_total", "Bytes of their values", ["topic"])
CLAIMED = Counter("hotline_connectors_claimed_total", "Messages whose bytes went to the blob store first", ["channel"])
DEAD_LETTERS = Counter(
    "hotline_connectors_dead_letters_total", "Messages that a connector had to put aside", ["channel", "code"]
)
RECORDS_GONE = broker_metrics.CONNECTOR_RECORDS_GONE
PUBLISH_SECONDS = Histogram("hotline_connectors_publish_seconds", "From handing a batch over to the broker's answer")
ERRORS = Counter(
    "hotline_connectors_errors_total", "Faults of a source, of the broker or of ours", ["channel", "connector", "error"]
)
FAULTS_OF_OURS = Counter(
    "hotline_connectors_faults_of_ours_total",
    "Faults of ours in a connector: whether it is tried again or a message goes on unread, a developer must see it",
    ["channel", "connector"],
)
LAST_SUCCESS = Gauge(
    "hotline_connectors_last_success_timestamp_seconds",
    "When a source was last asked with success, or a message that it pushed was safe",
    ["channel", "connector"],
)
UP = Gauge("hotline_connectors_up", "1 while a source answers, else 0", ["channel", "connector"])
LEASE_HELD = broker_metrics.LEASE_HELD
MAILS_VANISHED = Counter(
    "hotline_connectors_mails_vanished_total", "Mails that were gone before they could be fetched", ["connector"]
)
MAILS_POSTPONED = Gauge(
    "hotline_connectors_mails_postponed",
    "Mails that a server does not hand out while it does others, that the blob store does not take, or over which a "
    "fault of ours comes each time: they are asked for again",
    ["connector"],
)
MAILBOX_RESCANS = Counter(
    "hotline_connectors_mailbox_rescans_total",
    "Folders read again because their UIDs begin anew (UIDVALIDITY), or went back (UIDNEXT, after a restore)",
    ["connector"],
)
LMTP_MAILS = Counter(
    "hotline_connectors_lmtp_mails_total",
    "Mails handed over by LMTP: published, journaled, unsafe (in neither) or too_large (the mail server tells its "
    "sender)",
    ["outcome"],
)
LMTP_RECIPIENTS = Counter(
    "hotline_connectors_lmtp_recipients_total", "Recipients named by LMTP: accepted or unknown", ["outcome"]
)
ASTERISK_EVENTS = Counter(
    "hotline_connectors_asterisk_events_total",
    "Frames of Asterisk's manager interface: kept, passed_over, too_large (dropped) or lost (kept, but Kafka did not "
    "take them before we stopped)",
    ["connector", "outcome"],
)
ASTERISK_GAP_SECONDS = Counter(
    "hotline_connectors_asterisk_gap_seconds_total",
    "Seconds without a connection to an Asterisk, found at the next login: its events of that time are lost, and "
    "call_files still brings its calls",
    ["connector"],
)
CALL_FILES_RESTARTED = Counter(
    "hotline_connectors_call_files_restarted_total", "Call files that were read anew: replaced or cut", ["connector"]
)
SMPP_MESSAGES = Counter(
    "hotline_connectors_smpp_messages_total",
    "What an SMSC asked: accepted, refused (Kafka did not take it, it comes again) or unknown commands",
    ["connector", "outcome"],
)
CMPP_MESSAGES = Counter(
    "hotline_connectors_cmpp_messages_total",
    "DELIVERs of an ISMG: answered, repeated (before they were), throttled (Result 8) or failed (no answer)",
    ["connector", "outcome"],
)
PUSH_REQUESTS = Counter(
    "hotline_connectors_push_requests_total",
    "Requests to the receiver: published, journaled, answered, unanswered (a question, while who knows is away), "
    "refused, overloaded, unsafe (in neither) or failed",
    ["channel", "outcome"],
)
PUSH_REFUSED = Counter("hotline_connectors_push_refused_total", "Refused push requests", ["channel", "reason"])
PUSH_UNHEARD = Counter(
    "hotline_connectors_push_unheard_total",
    "Requests that came to nothing though their sender is known, or cannot be before the body: too large (size), too "
    "slow (slow), from a new address (address), too many at once (overloaded, connections, share), a fault of ours "
    "(failed). Platforms send a message a few times, and then never again",
    ["channel", "reason"],
)
PUSH_SECONDS = Histogram(
    "hotline_connectors_push_answer_seconds", "From a push request's header to its answer", ["channel"]
)
JOURNAL_APPENDED = Counter(
    "hotline_connectors_journal_appended_total",
    "Messages kept in a journal because Kafka or the blob store did not answer",
)
JOURNAL_BYTES = Gauge(
    "hotline_connectors_journal_bytes",
    "Bytes in a journal: small messages wait for Kafka, large ones for the blob store and Kafka; a listener's has its "
    "name",
    ["journal"],
)
JOURNAL_LIMIT_BYTES = Gauge(
    "hotline_connectors_journal_limit_bytes", "Bytes in a journal from which on senders are told 503", ["journal"]
)
JOURNALS_AWAY = Gauge(
    "hotline_connectors_journals_away",
    "Journals of this process that cannot be opened or written: what comes is taken as long as Kafka takes it",
)
JOURNAL_TORN = Counter(
    "hotline_connectors_journal_torn_total", "Appends that a crash cut short; their senders send them again"
)
JOURNAL_SET_ASIDE = Counter(
    "hotline_connectors_journal_set_aside_total",
    "Pieces of the journal in .bad files, those found at the start among them: a person must look",
)
WEIBO_CALLS = Counter(
    "hotline_connectors_weibo_calls_total", "Calls that count against Weibo's quota", ["connector", "interface"]
)
WEIBO_CALLS_LEFT = Gauge("hotline_connectors_weibo_calls_left", "Calls left until the quota begins anew", ["connector"])
WEIBO_QUOTA_RESET = Gauge(
    "hotline_connectors_weibo_quota_reset_timestamp_seconds", "When Weibo's quota begins anew", ["connector"]
)
WEIBO_TOKEN_EXPIRES = Gauge(
    "hotline_connectors_weibo_token_expires_timestamp_seconds",
    "When the access token ends: a person must grant it again before",
    ["connector"],
)
WEIBO_GAPS = Counter(
    "hotline_connectors_weibo_gaps_total", "Times that items of a list were out of reach", ["connector", "list"]
)
WEIBO_PUBLIC_PAGES = Counter(
    "hotline_connectors_weibo_public_pages_total",
    "Cut statuses looked up on the public site: completed, unavailable, or given_up",
    ["connector", "outcome"],
)
ERRANDS = Counter(
    "hotline_connectors_errands_total",
    "Errands of the fetcher: done, retried (it is tried again), given_up (its time is over, what it was for is lost) "
    "or failed (the same by a fault of ours)",
    ["connector", "outcome"],
)
ERRANDS_WAITING = Gauge("hotline_connectors_errands_waiting", "Files and messages that are yet to be fetched")
MEDIA = Counter(
    "hotline_connectors_media_total",
    "Files that messages named: stored, expired, refused, too_large or erased meanwhile",
    ["channel", "outcome"],
)
MEDIA_SECONDS = Histogram(
    "hotline_connectors_media_seconds",
    "From a message's intake to its file in the blob store",
    ["channel"],
    buckets=(1, 2, 5, 10, 30, 60, 300, 1800, 7200, 43200, 259200),
)
ANSWERS = Counter(
    "hotline_connectors_answers_total",
    "Answers to citizens: accepted, refused, unknown (never sent again), withheld, or waiting for another try; "
    "then delivered or undelivered, where a gateway reports it",
    ["account", "state"],
)
ANSWERS_OPEN = Gauge("hotline_connectors_answers_open", "Answers that are not settled", ["account"])
ANSWER_SECONDS = Histogram(
    "hotline_connectors_answer_seconds",
    "From the decision to the service's yes",
    ["account"],
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 180, 600, 3600, 21600, 86400),
)

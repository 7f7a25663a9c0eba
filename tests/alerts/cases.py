"""What each alarm of deploy/alerts.yml is shown in its tests: when it rings, and what is none of its business."""

from msgspec import Struct

MAYOR = {"connector": "mayor"}
HOURS = "100+5000x200"
"""Of any trouble: large, and growing."""


class Case(Struct, frozen=True):
    """Series by the minute, the last minute without the alarm, the first with it if there is one, and whom it names."""

    series: dict[str, str]
    quiet: int
    rings: int | None
    labels: dict[str, str] = {}


def gauge(name: str, before: str, after: str, quiet: int, wait: int = 0, **labels: str) -> Case:
    """A gauge that has one value until minute `quiet` and another one from then on; `wait` is the rule's `for`."""
    shown = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return Case({f"{name}{{{shown}}}": f"{before}x{quiet} {after}x200"}, quiet + wait, quiet + wait + 1, labels)


def grows(name: str, **labels: str) -> Case:
    """A counter that stands still for five minutes, then grows by one."""
    return gauge(name, "0+0", "1+0", 5, **labels)


def without(case: Case, *labels: str) -> Case:
    """The same, of which the alarm does not tell these labels."""
    kept = {name: value for name, value in case.labels.items() if name not in labels}
    return Case(case.series, case.quiet, case.rings, kept)


def owned(name: str, before: str, after: str, wait: int = 0) -> Case:
    """A gauge of the account's owner; that of a former owner, who stands by, stays as bad as it was."""
    lease = "hotline_connectors_lease_held"
    case = gauge(name, before, after, 5, wait, instance="a:1", **MAYOR)
    former = {
        f'{name}{{instance="b:1",connector="mayor"}}': f"{after}x200",
        f'{lease}{{instance="a:1",connector="mayor"}}': "1x200",
        f'{lease}{{instance="b:1",connector="mayor"}}': "0x200",
    }
    return without(Case(case.series | former, case.quiet, case.rings, case.labels), "instance")


BEGAN = {'process_start_time_seconds{instance="a:1"}': "0x200"}


def young(name: str, minutes: int = 60, bound: int = 0, hidden: str = "", **labels: str) -> list[Case]:
    """A counter that stood there when Prometheus first asked its process: it is told for as long as it may be news.

    Then the same that is no more than the bound, beside others of the process.
    """
    shown = ",".join(f'{label}="{value}"' for label, value in {**labels, "instance": "a:1"}.items())
    harmless = {f"{name}{{{shown}}}": f"{bound}x200"}
    if hidden:
        harmless[f'{name}{{{hidden}="of no harm",instance="a:1"}}'] = HOURS
    told = {label: value for label, value in labels.items() if label not in ("stage", "code", hidden)}
    return [
        Case({f"{name}{{{shown}}}": f"{bound + 1}x200", **BEGAN}, minutes, minutes - 1, told),
        Case(harmless | BEGAN, minutes - 1, None),
    ]


def restored_at_once(slow: int) -> dict[str, str]:
    """A process that took over two partitions before it was first asked, so many of them slowly."""
    count, bucket = "hotline_streams_restore_seconds_count", "hotline_streams_restore_seconds_bucket"
    buckets = {"10.0": 2 - slow, "60.0": 2}
    shown = {f'{bucket}{{instance="a:1",le="{le}"}}': f"{number}x200" for le, number in buckets.items()}
    return {f'{count}{{instance="a:1"}}': "2x200"} | shown | BEGAN


def handed_over_at_once(slow: int) -> dict[str, str]:
    """A process that handed a hundred over before it was first asked, so many slowly; those of an old one are over."""
    bucket = "hotline_streams_handover_seconds_bucket"
    buckets = {"5.0": 100 - slow, "10.0": 100, "+Inf": 100}
    young = {f'{bucket}{{instance="a:1",le="{le}"}}': f"{number}x200" for le, number in buckets.items()}
    old = {f'{bucket}{{instance="b:1",le="{le}"}}': f"{number}x200" for le, number in (("5.0", 0), ("+Inf", 5000))}
    return {**young, **old, **BEGAN, 'process_start_time_seconds{instance="b:1"}': "-90000x200"}


CASES = {
    "EmergencyUnanswered": without(
        gauge("hotline_monitor_handovers_overdue", "0+0", "1+0", 3, level="critical"), "level"
    ),
    "EmergenciesSlow": Case(
        {
            'hotline_streams_handover_seconds_bucket{le="5.0"}': "0+10x10 100+0x20",
            'hotline_streams_handover_seconds_bucket{le="10.0"}': "0+10x10 100+10x20",
            'hotline_streams_handover_seconds_bucket{le="+Inf"}': "0+10x10 100+10x20",
        },
        15,
        18,
    ),
    "EmergencyUnheard": without(
        gauge("hotline_monitor_dead_letters_last_hour", "0+0", "1+0", 5, stage="screen", code="internal"),
        "stage",
        "code",
    ),
    "ScreenPositionLost": grows("hotline_streams_positions_lost_total"),
    "ScreenPositionUnknown": grows("hotline_streams_positions_unknown_total"),
    "TicketsOverdue": without(
        gauge("hotline_monitor_tickets_overdue", "0+0", "1+0", 5, 15, clock="resolve", urgency="normal"), "urgency"
    ),
    "StageWithoutWorker": gauge("hotline_monitor_workers", "2+0", "0+0", 5, 1, stage="screen"),
    "StageBehind": gauge("hotline_monitor_oldest_seconds", "300+0", "301+0", 5, 5, stage="assign"),
    "FloodWaits": without(gauge("hotline_monitor_oldest_seconds", "3600+0", "3601+0", 5, stage="flood"), "stage"),
    "ProcessAway": gauge("up", "1+0", "0+0", 5, 2, job="hotline", instance="a:1"),
    "ComponentFailed": gauge("hotline_process_component_up", "1+0", "0+0", 5, 5, instance="a:1", component="lmtp"),
    "RestoreSlow": Case(
        {
            "hotline_streams_restore_seconds_count": "0+0x5 1+0x20",
            'hotline_streams_restore_seconds_bucket{le="10.0"}': "0+0x20",
            'hotline_streams_restore_seconds_bucket{le="60.0"}': "0+0x5 1+0x20",
        },
        5,
        6,
    ),
    "PartitionQuarantined": gauge(
        "hotline_streams_partition_quarantined", "0+0", "1+0", 5, stage="assign", partition="7"
    ),
    "CheckpointsFail": grows("hotline_streams_checkpoint_errors_total", operation="save"),
    "WorkerFenced": grows("hotline_streams_fenced_total"),
    "AnnotatorFails": grows("hotline_streams_annotator_failures_total", annotator="place"),
    "CommandsUnproven": grows("hotline_streams_commands_unproven_total"),
    "DecisionsLost": grows("hotline_streams_decided_again_total"),
    "RecordsLost": grows("hotline_streams_records_gone_total", topic="hotline.message.v1", end="new"),
    "AccountSilent": gauge("hotline_monitor_silent", "0+0", "1+0", 5, 5, channel="mailbox", **MAYOR),
    "SourceAway": gauge("hotline_connectors_up", "1+0", "0+0", 5, 15, **MAYOR),
    "ConnectorFault": Case(
        {'hotline_connectors_faults_of_ours_total{channel="mailbox",connector="mayor"}': "0+0x20 1+1x50"}, 25, 28, MAYOR
    ),
    "MailsPostponed": Case(
        {
            'hotline_connectors_mails_postponed{instance="a:1",connector="mayor"}': "0+0x5 1+0x200",
            'hotline_connectors_lease_held{instance="a:1",connector="mayor"}': "1+0x205",
            'hotline_connectors_mails_postponed{instance="b:1",connector="mayor"}': "1+0x205",  # of a former owner
            'hotline_connectors_lease_held{instance="b:1",connector="mayor"}': "0+0x205",
        },
        65,
        66,
        MAYOR,
    ),
    "MailsVanished": grows("hotline_connectors_mails_vanished_total", **MAYOR),
    "NobodyOwnsAccount": gauge("hotline_connectors_lease_held", "1+0", "0+0", 5, 2, **MAYOR),
    "TokenEnds": owned("hotline_connectors_weibo_token_expires_timestamp_seconds", "700000+0", "604800+0"),
    "QuotaUsedUp": owned("hotline_connectors_weibo_calls_left", "1+0", "0+0", 30),
    "ListOutOfReach": grows("hotline_connectors_weibo_gaps_total", list="mentions", **MAYOR),
    "FilesWait": gauge("hotline_connectors_errands_waiting", "100+0", "101+0", 5, 120),
    "FilesLost": without(grows("hotline_connectors_errands_total", outcome="given_up", **MAYOR), "outcome"),
    "EventsLost": without(grows("hotline_connectors_asterisk_events_total", outcome="too_large", **MAYOR), "outcome"),
    "AsteriskUnheard": Case(
        {'hotline_connectors_asterisk_gap_seconds_total{connector="mayor"}': "0x5 40x4 70x200"}, 10, 11, MAYOR
    ),
    "PushUnsafe": without(grows("hotline_connectors_push_requests_total", channel="sms", outcome="unsafe"), "outcome"),
    "PushUnheard": grows("hotline_connectors_push_unheard_total", channel="sms", reason="size"),
    "PushRefused": Case(
        {
            'hotline_connectors_push_refused_total{channel="sms",reason="signature"}': "0+3x200 600+4x50",
            'hotline_connectors_push_requests_total{channel="sms",outcome="published"}': HOURS,
        },
        214,
        215,
        {"channel": "sms", "reason": "signature"},
    ),
    "JournalFills": Case(
        {
            'hotline_connectors_journal_bytes{instance="a:1",journal="large"}': "100x5 101+0x20",
            'hotline_connectors_journal_limit_bytes{instance="a:1",journal="large"}': "1000x30",
            'hotline_connectors_journal_bytes{instance="a:1",journal="small"}': "50x30",
            'hotline_connectors_journal_limit_bytes{instance="a:1",journal="small"}': "1000x30",
        },
        5,
        6,
        {"instance": "a:1"},
    ),
    "JournalAway": gauge("hotline_connectors_journals_away", "0+0", "1+0", 5, 1, instance="a:1"),
    "JournalSetAside": gauge("hotline_connectors_journal_set_aside_total", "0+0", "1+0", 5, instance="a:1"),
    "DeadLetters": gauge(
        "hotline_monitor_dead_letters_last_hour", "100+0", "101+0", 5, stage="normalize", code="malformed"
    ),
    "FaultOfOurs": without(
        gauge("hotline_monitor_dead_letters_last_hour", "0+0", "1+0", 5, stage="assign", code="internal"), "code"
    ),
    "MessageNotTaken": without(
        gauge("hotline_monitor_dead_letters_last_hour", "0+0", "1+0", 5, stage="connector", code="too_large"), "stage"
    ),
    "MessageUnfiled": gauge(
        "hotline_monitor_dead_letters_last_hour", "0+0", "1+0", 5, stage="assign", code="too_large"
    ),
    "AnswersUnknown": without(
        gauge("hotline_monitor_answers", "0+0", "1+0", 5, account="mayor", state="unknown"), "state"
    ),
    "ServiceAway": gauge("hotline_monitor_reachable", "1+0", "0+0", 5, 1, service="kafka"),
    "TransactionHangs": gauge("hotline_monitor_transactions_hanging", "0+0", "1+0", 5, topic="hotline.outbox.v1"),
    "ErasureHeld": Case({"hotline_sinks_newer_events_total": "0+0x5 1+1x200"}, 5, 6),
    "ArchiveLacks": gauge("hotline_sinks_archive_lacks", "0+0", "1+0", 5, index="ticket"),
    "DiskFills": gauge(
        "hotline_process_disk_free_bytes", "2000000000+0", "1999999999+0", 5, 5, instance="a:1", folder="blobs.url"
    ),
    "DiskHangs": gauge("hotline_process_disk_hangs", "0+0", "1+0", 5, 1, instance="a:1", folder="blobs.url"),
    "ClockWrong": gauge("hotline_monitor_clock_ahead_seconds", "-30+0", "-31+0", 5, 1, service="kafka"),
    "MonitorBlind": Case({"hotline_monitor_last_look_timestamp_seconds": "0+60x5 300+0x20"}, 7, 8),
}
"""A look at minute n is of the second 60 n."""

STANDING: dict[str, str] = {"hotline_monitor_last_look_timestamp_seconds": "0+60x300"}
"""What every city has."""


def never(series: dict[str, str]) -> Case:
    """Series of others' troubles: the alarm says nothing of them, hours later as well."""
    return Case(series, 200, None)


GONE = {"topic": "hotline.message.v1", "end": "old"}

YOUNG = [
    (
        "EmergencyUnheard",
        young("hotline_streams_record_errors_total", hidden="code", stage="screen", code="internal"),
    ),
    ("ScreenPositionLost", young("hotline_streams_positions_lost_total")),
    ("ScreenPositionUnknown", young("hotline_streams_positions_unknown_total")),
    ("CheckpointsFail", young("hotline_streams_checkpoint_errors_total", operation="list")),
    ("WorkerFenced", young("hotline_streams_fenced_total")),
    ("AnnotatorFails", young("hotline_streams_annotator_failures_total", annotator="place")),
    ("CommandsUnproven", young("hotline_streams_commands_unproven_total")),
    ("DecisionsLost", young("hotline_streams_decided_again_total")),
    *(
        ("RecordsLost", young(f"hotline_{room}_records_gone_total", **GONE))
        for room in ("streams", "sinks", "connectors")
    ),
    ("MailsVanished", young("hotline_connectors_mails_vanished_total", **MAYOR)),
    ("ListOutOfReach", young("hotline_connectors_weibo_gaps_total", list="mentions", **MAYOR)),
    ("FilesLost", young("hotline_connectors_errands_total", hidden="outcome", outcome="given_up", **MAYOR)),
    ("FilesLost", young("hotline_connectors_media_total", hidden="outcome", outcome="refused", channel="wechat")),
    ("EventsLost", young("hotline_connectors_asterisk_events_total", hidden="outcome", outcome="lost", **MAYOR)),
    ("AsteriskUnheard", young("hotline_connectors_asterisk_gap_seconds_total", bound=60, **MAYOR)),
    (
        "PushUnsafe",
        young("hotline_connectors_push_requests_total", 10, hidden="outcome", channel="sms", outcome="unsafe"),
    ),
    ("PushUnheard", young("hotline_connectors_push_unheard_total", 15, channel="sms", reason="size")),
]
"""Of a process that has just begun."""

FURTHER: list[tuple[str, Case]] = [
    ("EmergencyUnanswered", never({'hotline_monitor_handovers_overdue{level="mentioned"}': HOURS})),
    ("StageBehind", never({'hotline_monitor_oldest_seconds{stage="flood"}': HOURS})),
    ("FloodWaits", never({'hotline_monitor_oldest_seconds{stage="assign"}': HOURS})),
    ("ProcessAway", never({'up{job="node",instance="a:1"}': "0x200"})),
    (
        "RestoreSlow",
        never(
            {
                "hotline_streams_restore_seconds_count": HOURS,
                'hotline_streams_restore_seconds_bucket{le="10.0"}': HOURS,
            }
        ),
    ),
    ("RecordsLost", grows("hotline_sinks_records_gone_total", **GONE)),
    ("RecordsLost", grows("hotline_connectors_records_gone_total", **GONE)),
    # nine seconds at each look, then eleven
    ("RestoreSlow", Case({'hotline_streams_restoring_since_timestamp_seconds{partition="3"}': "-9+60x5 349"}, 5, 6)),
    (
        "SourceAway",
        never(
            {
                'hotline_connectors_up{instance="a:1",connector="mayor"}': "1x200",
                'hotline_connectors_up{instance="b:1",connector="mayor"}': "0x200",
            }
        ),
    ),
    (
        "NobodyOwnsAccount",
        never(
            {
                'hotline_connectors_lease_held{instance="a:1",connector="mayor"}': "0x200",
                'hotline_connectors_lease_held{instance="b:1",connector="mayor"}': "1x200",
            }
        ),
    ),
    ("FilesLost", never({'hotline_connectors_errands_total{connector="mayor",outcome="done"}': HOURS})),
    ("FilesLost", never({'hotline_connectors_media_total{channel="wechat",outcome="stored"}': HOURS})),
    *(
        ("FilesLost", without(grows("hotline_connectors_media_total", outcome=why, channel="wechat"), "outcome"))
        for why in ("expired", "refused", "too_large")
    ),
    ("FilesLost", without(grows("hotline_connectors_errands_total", outcome="failed", **MAYOR), "outcome")),
    ("EventsLost", never({'hotline_connectors_asterisk_events_total{connector="mayor",outcome="kept"}': HOURS})),
    ("EventsLost", without(grows("hotline_connectors_asterisk_events_total", outcome="lost", **MAYOR), "outcome")),
    ("PushUnsafe", never({'hotline_connectors_push_requests_total{channel="sms",outcome="accepted"}': HOURS})),
    (
        "PushRefused",  # a few whose time is wrong: our clock is
        Case(
            {'hotline_connectors_push_refused_total{channel="wechat",reason="timestamp"}': "0+0x20 1+1x50"},
            28,
            30,
            {"channel": "wechat", "reason": "timestamp"},
        ),
    ),
    (
        "PushRefused",  # a few without the right secret, while nobody has it
        Case(
            {
                'hotline_connectors_push_refused_total{channel="weibo",reason="signature"}': "0+0x100 1+1x50",
                'hotline_connectors_push_requests_total{channel="weibo",outcome="refused"}': HOURS,
                'hotline_connectors_push_requests_total{channel="weibo",outcome="published"}': "0+0x200",
            },
            108,
            110,
            {"channel": "weibo", "reason": "signature"},
        ),
    ),
    (
        "PushRefused",  # as many, and one that has it
        never(
            {
                'hotline_connectors_push_refused_total{channel="weibo",reason="signature"}': "0+2x200",
                'hotline_connectors_push_requests_total{channel="weibo",outcome="published"}': "0x30 1x60 2x60 3x60",
            }
        ),
    ),
    ("PushRefused", never({'hotline_connectors_push_refused_total{channel="sms",reason="path"}': "0+1x200"})),
    ("FaultOfOurs", never({'hotline_monitor_dead_letters_last_hour{stage="assign",code="malformed"}': HOURS})),
    ("FaultOfOurs", never({'hotline_monitor_dead_letters_last_hour{stage="screen",code="internal"}': HOURS})),
    ("FaultOfOurs", never({'hotline_monitor_dead_letters_last_hour{stage="connector",code="internal"}': HOURS})),
    (
        "EmergencyUnheard",
        without(
            gauge("hotline_monitor_dead_letters_last_hour", "0+0", "1+0", 5, stage="connector", code="internal"),
            "stage",
            "code",
        ),
    ),
    ("EmergencyUnheard", never({'hotline_monitor_dead_letters_last_hour{stage="connector",code="too_large"}': HOURS})),
    ("EmergencyUnheard", never({'hotline_monitor_dead_letters_last_hour{stage="normalize",code="internal"}': HOURS})),
    ("EmergencyUnheard", never({'hotline_streams_record_errors_total{stage="screen",code="malformed"}': HOURS})),
    (
        "EmergencyUnheard",  # a dead letter could not be written either
        without(grows("hotline_streams_record_errors_total", stage="screen", code="internal"), "stage", "code"),
    ),
    ("MessageNotTaken", never({'hotline_monitor_dead_letters_last_hour{stage="normalize",code="malformed"}': HOURS})),
    ("MessageNotTaken", never({'hotline_monitor_dead_letters_last_hour{stage="connector",code="internal"}': HOURS})),
    ("MessageUnfiled", never({'hotline_monitor_dead_letters_last_hour{stage="assign",code="internal"}': HOURS})),
    ("MessageUnfiled", never({'hotline_monitor_dead_letters_last_hour{stage="normalize",code="malformed"}': HOURS})),
    (
        "MessageUnfiled",
        gauge("hotline_monitor_dead_letters_last_hour", "0+0", "1+0", 5, stage="normalize", code="missing_blob"),
    ),
    ("AnswersUnknown", never({'hotline_monitor_answers{account="mayor",state="accepted"}': HOURS})),
    # what a process counts as soon as it starts has grown by nothing
    ("EmergenciesSlow", Case(handed_over_at_once(slow=2), 4, 5)),
    ("EmergenciesSlow", Case(handed_over_at_once(slow=2), 15, 14)),
    ("EmergenciesSlow", Case(handed_over_at_once(slow=1), 14, None)),
    ("RestoreSlow", Case(restored_at_once(slow=1), 60, 59)),
    ("RestoreSlow", Case(restored_at_once(slow=0), 59, None)),
    *((alarm, case) for alarm, cases in YOUNG for case in cases),
    # no monitor at all, and nothing remembered of one
    ("MonitorBlind", Case({"hotline_monitor_last_look_timestamp_seconds": "0+60x2 stale _x20"}, 3, 4)),
    # one that did not answer once, or was just started and has not looked yet
    ("MonitorBlind", Case({"hotline_monitor_last_look_timestamp_seconds": "0+60x5 stale 420+60x20"}, 6, None)),
    ("MonitorBlind", Case({"hotline_monitor_last_look_timestamp_seconds": "0+60x5 0 420+60x20"}, 6, None)),
]
"""What a rule that leaves out a label, or a half of it, would get wrong."""

LOOKS = [*CASES.items(), *FURTHER]

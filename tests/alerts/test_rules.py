"""The alarms by themselves: `promtool` finds them in order, each rings in its time, and the runbook knows each."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct

from tests.docs.pages import ROOT, anchors
from tests.peers import prometheus
from tests.peers.presence import require

FILE = ROOT / "deploy" / "alerts.yml"
RUNBOOK = ROOT / "docs" / "how-to" / "runbook.md"
ALARMS = {rule["alert"]: rule for group in yaml.safe_load(FILE.read_text("utf-8"))["groups"] for rule in group["rules"]}

MAYOR = {"connector": "mayor"}
PARTS = ("Means", "Look", "Do", "Over")


class Case(Struct, frozen=True):
    """Series by the minute, the last minute without the alarm, the first with it, and whom it names."""

    series: dict[str, str]
    quiet: int
    rings: int
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
    "StageWithoutWorker": gauge("hotline_monitor_workers", "2+0", "0+0", 5, 1, stage="screen"),
    "StageBehind": gauge("hotline_monitor_oldest_seconds", "300+0", "301+0", 5, 5, stage="assign"),
    "FloodWaits": without(gauge("hotline_monitor_oldest_seconds", "3600+0", "3601+0", 5, stage="flood"), "stage"),
    "ProcessAway": gauge("up", "1+0", "0+0", 5, 2, job="hotline", instance="a:1"),
    "ComponentFailed": gauge("hotline_process_component_up", "1+0", "0+0", 5, 5, instance="a:1", component="lmtp"),
    "RestoreSlow": Case(
        {
            "hotline_streams_restore_seconds_count": "0+0x5 1+0x20",
            'hotline_streams_restore_seconds_bucket{le="10.0"}': "0+0x20",
        },
        5,
        6,
    ),
    "CheckpointsFail": grows("hotline_streams_checkpoint_errors_total", operation="save"),
    "WorkerFenced": grows("hotline_streams_fenced_total"),
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
    "NobodyOwnsAccount": gauge("hotline_connectors_lease_held", "1+0", "0+0", 5, 2, **MAYOR),
    "TokenEnds": gauge("hotline_connectors_weibo_token_expires_timestamp_seconds", "700000+0", "604800+0", 5, **MAYOR),
    "QuotaUsedUp": gauge("hotline_connectors_weibo_calls_left", "1+0", "0+0", 5, 30, **MAYOR),
    "ListOutOfReach": grows("hotline_connectors_weibo_gaps_total", list="mentions", **MAYOR),
    "FilesWait": gauge("hotline_connectors_errands_waiting", "100+0", "101+0", 5, 120),
    "FilesLost": without(grows("hotline_connectors_errands_total", outcome="given_up", **MAYOR), "outcome"),
    "PushUnsafe": without(grows("hotline_connectors_push_requests_total", channel="sms", outcome="unsafe"), "outcome"),
    "PushRefused": Case(
        {'hotline_connectors_push_refused_total{channel="sms",reason="signature"}': "0+1x200 200+20x50"},
        205,
        213,
        {"channel": "sms", "reason": "signature"},
    ),
    "JournalFills": Case(
        {
            'hotline_connectors_journal_bytes{instance="a:1"}': "100x5 101+0x20",
            'hotline_connectors_journal_limit_bytes{instance="a:1"}': "1000x30",
        },
        5,
        6,
        {"instance": "a:1"},
    ),
    "JournalSetAside": gauge("hotline_connectors_journal_set_aside_total", "0+0", "1+0", 5, instance="a:1"),
    "DeadLetters": gauge(
        "hotline_monitor_dead_letters_last_hour", "100+0", "101+0", 5, stage="normalize", code="malformed"
    ),
    "FaultOfOurs": without(
        gauge("hotline_monitor_dead_letters_last_hour", "0+0", "1+0", 5, stage="assign", code="internal"), "code"
    ),
    "AnswersUnknown": without(
        gauge("hotline_monitor_answers", "0+0", "1+0", 5, account="mayor", state="unknown"), "state"
    ),
    "ServiceAway": gauge("hotline_monitor_reachable", "1+0", "0+0", 5, 1, service="kafka"),
    "DiskFills": gauge(
        "hotline_process_disk_free_bytes", "2000000000+0", "1999999999+0", 5, 5, instance="a:1", folder="blobs.url"
    ),
    "ClockWrong": gauge("hotline_monitor_clock_ahead_seconds", "-30+0", "-31+0", 5, 1, service="kafka"),
    "MonitorBlind": Case({"hotline_monitor_last_look_timestamp_seconds": "0+60x5 300+0x20"}, 7, 8),
}
"""A look at minute n is of the second 60 n."""

STANDING: dict[str, str] = {"hotline_monitor_last_look_timestamp_seconds": "0+60x300"}
"""What every city has."""


def summary(alarm: str, labels: dict[str, str]) -> str:
    text: str = ALARMS[alarm]["annotations"]["summary"]
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels.get(found[1], ""), text)


def promtool_test(alarm: str, case: Case) -> dict[str, Any]:
    """A test of promtool: one look before it rings and one when it does."""
    labels = case.labels | ALARMS[alarm]["labels"]
    annotations = ALARMS[alarm]["annotations"] | {"summary": summary(alarm, labels)}
    rings = [{"exp_labels": labels, "exp_annotations": annotations}]
    looks = [
        {"eval_time": f"{minute}m", "alertname": alarm, "exp_alerts": expected}
        for minute, expected in ((case.quiet, []), (case.rings, rings))
    ]
    series = [{"series": name, "values": values} for name, values in (STANDING | case.series).items()]
    return {"interval": "1m", "name": alarm, "input_series": series, "alert_rule_test": looks}


@pytest.fixture(autouse=True)
def promtool() -> None:
    require(prometheus.missing())


def run(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_files_are_in_order() -> None:
    assert f"{len(ALARMS)} rules found" in run("check", "rules", str(FILE))
    assert "SUCCESS" in run("check", "config", str(FILE.with_name("prometheus.yml")))


def test_each_rings_in_its_time_and_not_before(tmp_path: Path) -> None:
    assert CASES.keys() == ALARMS.keys()
    file = tmp_path / "alarms.yml"
    whole = {
        "rule_files": [str(FILE)],
        "evaluation_interval": "1m",
        "tests": [promtool_test(alarm, case) for alarm, case in CASES.items()],
    }
    file.write_text(yaml.safe_dump(whole), "utf-8")
    assert "SUCCESS" in run("test", "rules", str(file))


def test_the_runbook_has_each_alarm_and_no_other_one() -> None:
    text = RUNBOOK.read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [*ALARMS]
    for alarm, part in zip(ALARMS, text.split("\n## ")[1:], strict=True):
        assert re.findall(r"^\*\*(\w+)\.\*\*", part, re.MULTILINE) == [*PARTS], alarm


def test_each_alarm_leads_to_its_place_in_the_runbook() -> None:
    for alarm, rule in ALARMS.items():
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (ROOT / page, anchor) == (RUNBOOK, alarm.lower())
        assert anchor in anchors(RUNBOOK)
        assert rule["labels"]["severity"] in ("critical", "warning")

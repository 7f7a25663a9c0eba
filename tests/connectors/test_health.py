"""Health changes with the connector and is one line in the log for each change."""

from datetime import UTC, datetime

import structlog
from prometheus_client import REGISTRY

from connectors.runtime.health import Health
from schemas.errors import UnauthorizedError, UnreachableError

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_one_line_for_a_change_and_none_while_it_stays() -> None:
    health = Health("mayor", "mailbox", now=lambda: NOW)
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            health.succeeded(messages=2)
        for _ in range(3):
            health.troubled(UnreachableError("no answer; see host"))
        health.succeeded(complaints=("folder 'x' cannot be opened",))
    assert [line["event"] for line in lines] == ["connector_running", "connector_degraded", "connector_running"]
    report = health.report
    assert (report.messages, report.errors, report.sentence) == (6, 3, None)
    assert report.complaints == ("folder 'x' cannot be opened",)


def test_what_a_person_must_look_at_is_a_warning_and_another_cause_is_another_line() -> None:
    health = Health("letters", "mailbox", now=lambda: NOW)
    with structlog.testing.capture_logs() as lines:
        health.succeeded()
        for error in (UnreachableError("away"), UnreachableError("away"), UnauthorizedError("see password")):
            health.troubled(error)
        health.succeeded(complaints=("folder 'x' cannot be opened",))
        health.stopped()
    assert [(line["log_level"], line["event"], line["sentence"]) for line in lines] == [
        ("info", "connector_running", None),
        ("warning", "connector_degraded", "away"),
        ("warning", "connector_degraded", "see password"),
        ("warning", "connector_running", None),
        ("info", "connector_stopped", None),
    ]


def test_metrics_follow() -> None:
    health = Health("metrics", "mailbox", now=lambda: NOW)
    labels = {"channel": "mailbox", "connector": "metrics"}
    health.succeeded()
    assert REGISTRY.get_sample_value("hotline_connectors_up", labels) == 1
    health.troubled(UnreachableError("x"))
    assert REGISTRY.get_sample_value("hotline_connectors_up", labels) == 0
    last = REGISTRY.get_sample_value("hotline_connectors_last_success_timestamp_seconds", labels)
    assert last == NOW.timestamp()


def test_a_failure_stays_one_after_the_stop() -> None:
    health = Health("failed", "mailbox", now=lambda: NOW)
    health.failed(UnreachableError("x"))
    health.stopped()
    assert health.report.state == "failed"

"""`hotline status` at a glance: it says what is away, shows all the rest, and what a person must look at is red."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from hotline.cli import status_view
from hotline.cli.app import app
from hotline.config.load import load
from hotline.config.settings import TelemetrySettings
from hotline.dev.stack.stack import Existing
from hotline.doctor.neighbours import other_installations
from hotline.monitor import kafka, processes
from hotline.monitor.accounts import Account
from hotline.monitor.dead import DeadCount
from hotline.monitor.handovers import Unanswered, Waiting
from hotline.monitor.processes import OtherInstallation, Process
from hotline.monitor.services import Service
from hotline.monitor.stages import Stage
from hotline.runtime.health import HealthServer, ProcessHealth
from hotline.version import build
from tests.rows import each_row

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
DAY = 86_400.0


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOTLINE_TELEMETRY__PORT", "0")
    monkeypatch.delenv("HOTLINE_LOCAL__DATA_DIR", raising=False)
    monkeypatch.setattr(kafka, "PATIENCE_MS", 300)
    return tmp_path


def lines() -> list[dict]:
    shown = CliRunner().invoke(app, ["status", "--json"])
    assert shown.exit_code == 1
    return [json.loads(line) for line in shown.stdout.splitlines()]


def test_a_stack_that_was_never_up_says_what_to_do() -> None:
    shown = CliRunner().invoke(app, ["status"])
    assert shown.exit_code == 1
    assert "9.5.3" in shown.stdout
    told = lines()
    servers = {line["name"]: line["up"] for line in told if line["kind"] == "server"}
    assert servers == {"kafka": False, "elasticsearch": False}
    services = {line["service"]: line["detail"] for line in told if line["kind"] == "service"}
    assert all("run `hotline up`" in services[name] for name in ("kafka", "elasticsearch"))


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_clusters_that_do_not_answer_are_said_to_be_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "http://127.0.0.1:9")
    told = {line["service"]: line for line in lines() if line["kind"] == "service"}
    assert {name: one["reachable"] for name, one in told.items()} == {"kafka": False, "elasticsearch": False}
    assert "did not answer" in told["kafka"]["detail"]


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_the_processes_of_this_machine_tell_what_they_know() -> None:
    health = ProcessHealth(["connector:mayor", "screen"], "ours")
    health.watch("connector:mayor", lambda: {"last_success": "2026-11-25T03:00:00Z", "detail": "password refused"})
    with HealthServer(health, "127.0.0.1", 0, CollectorRegistry()) as server:
        found = processes.look(TelemetrySettings(port=server.port), "ours", 0)
    assert [(one.component, one.version) for one in found] == [
        (name, str(build())) for name in ("connector:mayor", "screen")
    ]
    assert (found[0].last_success, found[0].detail) == (NOW - timedelta(hours=1), "password refused")


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_components_of_another_installation_do_not_run_here(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with HealthServer(ProcessHealth(["screen"], "theirs"), "127.0.0.1", 0, CollectorRegistry()) as server:
        found = processes.look(TelemetrySettings(port=server.port), "ours", 0)
        (folder / "hotline.toml").write_text(f"[telemetry]\nport = {server.port}\n")
        monkeypatch.delenv("HOTLINE_TELEMETRY__PORT")
        told = [one for one in other_installations(load(folder / "hotline.toml")) if not isinstance(one, str)]
    assert found == [OtherInstallation(port=server.port, components=("screen",))]
    assert [str(server.port) in str(one) and "telemetry.port" in str(one) for one in told] == [True]
    (line,) = [line for line in rendered(capsys, monkeypatch, *found) if "screen" in line]
    assert str(server.port) in line


def test_an_installation_is_named_by_its_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = []
    for chosen in ("one", "two", "one"):
        monkeypatch.setenv("HOTLINE_LOCAL__DATA_DIR", str(tmp_path / chosen))
        named.append(load().installation)
    assert named[0] == named[2] != named[1]


QUARANTINED = {
    "stage": "assign",
    "topic": "hotline.message.v1",
    "partition": 7,
    "reason": "the log has a hole: restore it",
    "since": (NOW - timedelta(minutes=2)).timestamp(),
    "next_try": (NOW + timedelta(minutes=4)).timestamp(),
    "tries": 2,
    "cities": ["210100"],
}


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_partition_in_quarantine_is_shown_with_its_city_and_its_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    health = ProcessHealth(["assign"], "ours")
    health.watch("assign", lambda: {"quarantined": [QUARANTINED, {"a later": "version's"}]})
    with HealthServer(health, "127.0.0.1", 0, CollectorRegistry()) as server:
        found = processes.look(TelemetrySettings(port=server.port), "ours", 0)
    told = " ".join(rendered(capsys, monkeypatch, *found))
    for part in ("<red>assign 7", "210100", "2 min ago", "in 4 min", "the log has a hole: restore it"):
        assert part in told


def rendered(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *seen: object) -> list[str]:
    """Return the lines as a terminal gets them; `<red>` stands where red begins."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("NO_COLOR", raising=False)
    status_view.show([], Existing(), seen, NOW)
    red = capsys.readouterr().out.replace("\x1b[31m", "<red>")
    return re.sub(r"\x1b\[[0-9;]*m", "", red).splitlines()


def account(name: str, age: timedelta, *, silent: bool) -> Account:
    return Account(account=name, channel="mailbox", last_message=NOW - age, silent_after_seconds=DAY, silent=silent)


def waiting(name: str) -> Waiting:
    return Waiting(handover_id=name, jurisdiction="210100", seconds=90)


def test_what_a_person_must_look_at_is_red(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown = rendered(
        capsys,
        monkeypatch,
        Service(service="kafka", reachable=False, detail="did not answer"),
        Process(component="connector:quiet", version="1.2.0", state="degraded", last_success=NOW - timedelta(hours=2)),
        Stage(stage="screen", workers=2, lag_records=3, oldest_seconds=1.5),
        Stage(stage="assign", workers=0, lag_records=9, oldest_seconds=4000),
        account("quiet", timedelta(days=3), silent=True),
        account("busy", timedelta(0), silent=False),
        Account(account="[red]stranger\x1b", channel="sms"),
        Unanswered(level="critical", unacknowledged=1, oldest_seconds=90, longest=(waiting("fire"),)),
        Unanswered(level="mentioned", unacknowledged=1, oldest_seconds=90, longest=(waiting("past"),)),
        DeadCount(stage="normalize", code="malformed", count=7),
    )
    (quiet,) = (line for line in shown if "quiet" in line and "3 d ago" in line)
    assert "2 h ago" in quiet
    assert "<red>quiet" in quiet
    assert not any("<red>" in line for line in shown if "busy" in line or "stranger" in line)
    assert any("[red]stranger\N{REPLACEMENT CHARACTER}" in line for line in shown)
    (assign,) = (line for line in shown if "assign" in line)
    assert "<red>none" in assign
    assert "<red>1 h 6 min" in assign
    assert not any("<red>" in line for line in shown if "screen" in line)
    assert any("<red>critical" in line and "1 min 30 s" in line for line in shown)
    (fire,) = (line for line in shown if "fire" in line)
    assert "210100" in fire
    assert "1 min 30 s" in fire
    assert not any("past" in line for line in shown)
    assert any("malformed" in line and "7" in line for line in shown)
    assert any("<red>kafka" in line for line in shown)
    assert any("<red>degraded" in line and "1.2.0" in line for line in shown)


@each_row(("seconds", "words"), [(0, "0 s"), (59.9, "59 s"), (3600, "1 h"), (90_061, "1 d 1 h")])
def test_a_length_of_time_is_said_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert status_view.ago(seconds) == words


def test_a_password_in_an_address_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """`hotline check` says that it does not belong there; until it is gone a screen, or a ticket, must not show it."""
    status_view.show([], Existing("b:9092", "https://u:planted@es:9200,https://u:pl@nted@es2:9200"), (), NOW)
    assert "at https://es:9200,https://es2:9200: " in " ".join(capsys.readouterr().out.split())

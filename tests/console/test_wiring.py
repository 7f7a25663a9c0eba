"""What `hotline run console` hands in: keys, users of the command line, acts as commands."""

import asyncio
from pathlib import Path
from typing import cast, get_args

import pytest
from typer.testing import CliRunner

from broker.sync_producer import Producer
from console.trail import MAY_WAIT, Act, Action, UnrecordedError
from hotline.cli.app import app
from hotline.config.settings import Settings
from hotline.doctor.examine import _who_signs_in
from hotline.runtime import audit_trail, components
from hotline.runtime.audit_trail import AuditTrail
from hotline.runtime.components_console import session_keys, users
from schemas import topics
from schemas.codec import Outbound, decode
from schemas.errors import MisconfiguredError, UnreachableError
from schemas.records import Command
from tests.console.doors import CITY, PASSWORD
from tests.waiting import soon


class Kept:
    """A producer that keeps what it is given, unless it is away."""

    def __init__(self) -> None:
        self.records: list[Outbound] = []
        self.away = False

    def deliver_now(self, records: list[Outbound]) -> None:
        if self.away:
            raise UnreachableError("away")
        self.records += records


async def test_an_act_is_a_command_of_its_person(tmp_path: Path) -> None:
    kept = Kept()
    trail = AuditTrail(cast(Producer, kept), None, CITY, tmp_path / "acts")
    await trail.record(Act(action="opened", person="wang.li", run="r1", subject="210100-x", details={"a": 1}))
    (record,) = kept.records
    command = decode(record.value, Command)
    assert (record.topic, command.kind, command.author, command.jurisdiction) == (
        topics.COMMAND,
        "record",
        "console/wang.li",
        CITY,
    )
    assert command.args == {"action": "opened", "subject": "210100-x", "details": {"run": "r1", "a": 1}}


async def test_without_kafka_only_acts_that_show_no_ticket_wait_on_the_disk_also_for_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_trail, "PAUSE_SECONDS", 0.01)
    kept, folder = Kept(), tmp_path / "new" / "acts"
    trail = AuditTrail(cast(Producer, kept), None, CITY, folder)
    kept.away = True
    for action in get_args(Action):
        act = Act(action=action, person="wang.li")
        if action in MAY_WAIT:
            await trail.record(act)
            continue
        with pytest.raises(UnrecordedError):
            await trail.record(act)
    assert {*MAY_WAIT} == {"searched", "search_refused", "sign_in_refused", "signed_out"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    kept.away = False
    (folder / "0-damaged.act").write_bytes(b"{")
    following = AuditTrail(cast(Producer, kept), None, CITY, folder)
    delivering = asyncio.create_task(following.deliver())
    await soon(lambda: not list(folder.glob("*.act")))
    delivering.cancel()
    told = [decode(record.value, Command).args["action"] for record in kept.records]
    assert told == [action for action in get_args(Action) if action in MAY_WAIT]
    assert [path.name for path in folder.iterdir()] == ["0-damaged.bad"]


def settings_in(folder: Path, **console: object) -> Settings:
    return Settings.model_validate({"local": {"data_dir": folder}, "console": console})


def test_without_keys_of_the_settings_a_private_file_has_one(tmp_path: Path) -> None:
    (key,) = session_keys(settings_in(tmp_path))
    assert session_keys(settings_in(tmp_path)) == [key]
    assert len(key) == 32
    assert (tmp_path / "console-session.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["console-session.key"]
    chosen = {"k2": "second" * 8, "k1": "first" * 8}
    assert session_keys(settings_in(tmp_path, session_keys=chosen)) == [b"first" * 8, b"second" * 8]


def test_users_are_made_and_taken_away_at_the_command_line(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.setenv("HOTLINE_LOCAL__DATA_DIR", str(tmp_path))
    run = CliRunner().invoke
    add = ["console", "user", "add", "wang.li", "--role", "analyst", "--role", "clerk", "--city", CITY]
    assert run(app, add, input="short\n").exit_code == 2
    added = run(app, add, input=f"{PASSWORD}\n")
    assert added.output == f"wang.li may sign in: analyst, clerk of {CITY}.\n"
    known = users(settings_in(tmp_path))
    assert known.checked("wang.li", PASSWORD) is not None
    assert "wang.li" in run(app, ["console", "user", "list"]).output
    before = known.all()["wang.li"].ended_at
    assert run(app, ["console", "user", "end", "wang.li"]).exit_code == 0
    assert known.all()["wang.li"].ended_at > before
    assert run(app, ["console", "user", "remove", "wang.li"]).exit_code == 0
    assert known.checked("wang.li", PASSWORD) is None


def test_the_doctor_says_that_nobody_may_sign_in(tmp_path: Path) -> None:
    (told,) = _who_signs_in(settings_in(tmp_path))
    assert "hotline console user add" in str(told)
    users(settings_in(tmp_path)).add("wang.li", PASSWORD, ("analyst",), (CITY,), 0)
    assert list(_who_signs_in(settings_in(tmp_path))) == ["1 local user"]


def test_it_is_a_component_where_it_is_on(tmp_path: Path) -> None:
    assert "console" in components.names(settings_in(tmp_path, enabled=True))
    with pytest.raises(MisconfiguredError, match=r"set `console.enabled`"):
        components.component(settings_in(tmp_path), "console")


@pytest.mark.parametrize("missing", ["public_url", "groups"])
def test_a_provider_needs_a_url_of_ours_and_groups(missing: str, tmp_path: Path) -> None:
    oidc = {"issuer": "https://id.example.cn", "client_id": "c", "client_secret": "s"}
    whole = {"oidc": oidc, "public_url": "https://console.example.cn", "groups": {"analysts": ["analyst"]}}
    settings_in(tmp_path, **whole)
    with pytest.raises(ValueError, match=f"`console.{missing}`"):
        settings_in(tmp_path, **{name: value for name, value in whole.items() if name != missing})


def test_the_desk_is_a_component_of_its_own_where_it_is_on(tmp_path: Path) -> None:
    on = settings_in(tmp_path, desk={"enabled": True})
    assert {"console", "console:desk"} & {*components.names(on)} == {"console:desk"}
    with pytest.raises(MisconfiguredError, match=r"set `console.desk.enabled`"):
        components.component(settings_in(tmp_path), "console:desk")


def test_a_provider_needs_the_url_of_the_desk_as_well(tmp_path: Path) -> None:
    oidc = {"issuer": "https://id.example.cn", "client_id": "c", "client_secret": "s"}
    whole = {"oidc": oidc, "public_url": "https://console.example.cn", "groups": {"analysts": ["analyst"]}}
    with pytest.raises(ValueError, match=r"`console.desk.public_url`"):
        settings_in(tmp_path, **whole, desk={"enabled": True})

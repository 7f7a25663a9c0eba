"""Who gives commands: the login at Kafka, never a variable; which key signs, and what is missing."""

import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hotline.admin import clear_exports
from hotline.config.command_signers import (
    keys_of,
    missing,
    principal,
    signer_of_console,
    signer_of_desk,
    signer_of_door,
    signer_of_person,
    transition,
)
from hotline.config.settings import Settings
from hotline.doctor import checks
from schemas.errors import MisconfiguredError
from schemas.records import Command, Event
from schemas.records.common import InputRef
from tests.peers.certificates import Authority
from tests.rows import each_row
from tests.tickets.build import START

US = f"local:{pwd.getpwuid(os.getuid()).pw_name}"
SECRET = "of a person, 32 bytes or more, planted"
CITY = ["210100"]
LOGIN = {
    "bootstrap_servers": "kafka:9093",
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_password": "x",
}


def key(**changes: Any) -> dict[str, Any]:
    return {"author": "wang.li", "secret": SECRET, "kinds": ["set_status"], "jurisdictions": CITY} | changes


def secured(login: str = "wang.li", **more: Any) -> Settings:
    return Settings.model_validate({"kafka": LOGIN | {"sasl_username": login}, **more})


def test_the_author_is_the_login_that_kafka_checks() -> None:
    assert principal(secured("wang.li")) == "wang.li"


def test_that_of_a_certificate_is_its_common_name(tmp_path: Path) -> None:
    file = Authority(tmp_path).issue("wang.li").file
    kafka = {"bootstrap_servers": "k:9094", "security_protocol": "SSL", "ssl_certfile": file}
    assert principal(Settings.model_validate({"kafka": kafka})) == "wang.li"
    with pytest.raises(MisconfiguredError, match="contains no certificate"):
        principal(Settings.model_validate({"kafka": kafka | {"ssl_certfile": tmp_path / "gone"}}))


@pytest.mark.parametrize("variable", ["HOTLINE_AUTHOR", "LOGNAME", "USER", "LNAME", "USERNAME"])
def test_without_a_login_it_is_the_machines_user_marked_as_such_whatever_variables_say(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "somebody.else")
    assert principal(Settings.model_construct(kafka=Settings().kafka)) == US


def test_a_user_without_a_name_is_known_by_his_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.config.command_signers.os.getuid", lambda: 3_999_999_999)
    assert principal(Settings()) == "local:uid-3999999999"


def test_a_login_that_cannot_stand_in_the_logs_is_refused() -> None:
    for login in ("王丽", "local:root", "13812345678"):
        with pytest.raises(MisconfiguredError):
            principal(secured(login))


def test_a_person_signs_with_the_newest_of_the_own_keys_whose_secret_is_here() -> None:
    keys = {"wang": key(), "wang_2": key(), "wang_3": key(secret=None), "zhao": key(author="zhao.min")}
    signer = signer_of_person(secured(command_keys=keys))
    assert signer is not None
    assert (signer.key_id, signer.secret) == ("wang_2", SECRET.encode())


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, 'wang.li has no key to sign commands: add one with author = "wang.li"'),
        ({"wang": key(secret=None)}, "set HOTLINE_COMMAND_KEYS__WANG__SECRET"),
    ],
)
def test_who_has_no_key_is_told_so(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(MisconfiguredError) as refused:
        signer_of_person(secured(command_keys=keys))
    assert told in str(refused.value)


def test_the_local_stack_without_keys_signs_and_checks_nothing_and_any_other_is_strict() -> None:
    assert (signer_of_person(Settings()), keys_of(Settings()), missing(Settings())) == (None, None, [])
    strict = keys_of(secured())
    assert strict is not None
    assert strict.keys == {}
    assert missing(secured()) == [
        "`command_keys` has no key: `assign` refuses every command, and no operator can read in clear."
    ]
    assert keys_of(Settings.model_validate({"command_keys": {"wang": key()}})) is not None


def test_the_console_has_a_key_that_may_record() -> None:
    ours = key(author=None, systems=["console"], kinds=["record"])
    signer = signer_of_console(secured(command_keys={"console": ours, "wang": key()}))
    assert signer is not None
    assert signer.key_id == "console"
    for others in ({"wang": key()}, {"console": ours | {"kinds": ["set_status"]}}):
        with pytest.raises(MisconfiguredError, match="The console has no key"):
            signer_of_console(secured(command_keys=others))
    assert signer_of_console(Settings()) is None


def test_a_secret_that_assign_lacks_is_named() -> None:
    (told,) = missing(secured(command_keys={"wang": key(), "zhao": key(author="zhao.min", secret=None)}))
    assert "HOTLINE_COMMAND_KEYS__ZHAO__SECRET" in told


def test_the_transition_is_told_of_while_it_lasts() -> None:
    settings = secured(commands={"unsigned_until": "2026-12-05T22:00:00+08:00"})
    until = settings.commands.unsigned_until
    assert until is not None
    assert "2026-12-05" in str(transition(settings, START))
    assert transition(settings, until) is None


@each_row(
    "faulty",
    [
        key(author=None),
        key(systems=["crm"]),
        key(author=None, systems=["crm"], kinds=["forget"]),
        key(kinds=["nothing"]),
        key(kinds=[]),
        key(jurisdictions=[]),
        key(secret="short"),
    ],
)
def test_a_key_that_cannot_be_is_refused(faulty: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        secured(command_keys={"one": faulty})


def office(*kinds: str) -> dict[str, Any]:
    return {"crm_1": {"secret": SECRET, "system": "crm", "kinds": [*kinds], "jurisdictions": CITY}}


@each_row("kind", ["forget", "export", "approve", "record"])
def test_a_back_office_gives_nothing_that_takes_two_persons(kind: str) -> None:
    with pytest.raises(ValidationError, match="two persons"):
        secured(backoffice=office(kind))


def test_the_door_has_a_key_of_its_own_for_all_its_systems() -> None:
    door = key(author=None, systems=["crm", "callcentre"], secret=SECRET)
    signer = signer_of_door(secured(backoffice=office("set_status"), command_keys={"door": door, "wang": key()}))
    assert signer is not None
    assert signer.key_id == "door"
    bare = secured(backoffice=office("set_status"), command_keys={"wang": key()})
    with pytest.raises(MisconfiguredError, match="The receiver has no key"):
        signer_of_door(bare)
    assert [one for one in checks.faults(bare) if "back offices of crm" in one] != []


def test_a_clear_export_is_bound_to_what_is_exported_and_to_who_confirmed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from tickets.search import Filters

    sent: list[Command] = []
    settings = secured(command_keys={"wang": key()}, jurisdiction="210100")
    monkeypatch.setattr("hotline.admin.commands.send", lambda _, __, *commands: sent.extend(commands))
    order = clear_exports.Order("zammad", "路灯", Filters(channel=("sms",)))
    request = clear_exports.ask(settings, "to Zammad", order)
    (asked,) = sent
    assert (asked.kind, asked.command_id, asked.reason) == ("export", request, "to Zammad")
    assert "路灯" in asked.args["chosen"]

    def decided(by: str | None) -> Event:
        place = InputRef(command_id=f"{request}+2", topic="t", partition=0, offset=1)
        return Event(
            event_id="e", jurisdiction="210100", at=START, input=place, relation="command", policy_version="1",
            approved_by=by,
        )  # fmt: skip

    looked: list[str] = []

    def find(_: object, command_id: str, *__: object) -> Event | None:
        looked.append(command_id)
        return answers.pop(0)

    monkeypatch.setattr("connectors.backoffice.command_status.find", find)
    monkeypatch.setattr("hotline.admin.placement.check", lambda connection: None)
    answers = [decided("zhao.min"), decided(None), decided("wang.li"), None]
    clear_exports.check(settings, request, order)
    for _ in range(3):
        with pytest.raises(MisconfiguredError, match="The request is not confirmed"):
            clear_exports.check(settings, request, order)
    assert set(looked) == {f"{request}+2"}
    others: tuple[dict[str, Any], ...] = (
        {"query": "井盖"}, {"filters": Filters()}, {"form": "open311-json"}, {"restricted": True},
    )  # fmt: skip
    for other in (order._replace(**change) for change in others):
        with pytest.raises(MisconfiguredError, match="another export"):
            clear_exports.check(settings, request, other)
    with pytest.raises(MisconfiguredError, match="another export"):
        clear_exports.check(secured("zhao.min", command_keys={"wang": key()}), request, order)


def test_the_desk_has_a_key_that_may_record_and_acknowledge() -> None:
    ours = key(author=None, systems=["desk"], kinds=["record", "acknowledge_handover"])
    signer = signer_of_desk(secured(command_keys={"desk": ours, "wang": key()}))
    assert signer is not None
    assert signer.key_id == "desk"
    for others in ({"wang": key()}, {"desk": ours | {"kinds": ["record"]}}, {"c": ours | {"systems": ["console"]}}):
        with pytest.raises(MisconfiguredError, match="The desk has no key"):
            signer_of_desk(secured(command_keys=others))
    assert signer_of_desk(Settings()) is None

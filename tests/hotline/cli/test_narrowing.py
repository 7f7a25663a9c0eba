"""Who is meant by `--person`: whoever wrote by a telephone or an address, however it is typed, under each key."""

import pytest
import typer
from typer.testing import CliRunner

from hotline.cli.app import app
from hotline.cli.common import known_channel, settings_of
from hotline.cli.narrowing import Person, persons
from hotline.config.settings import Settings
from normalizers.base import Policy
from normalizers.similarity.requester import requester_hashes
from schemas.records import Party
from tests.rows import each_row

KEYS = {"k1": "a" * 32, "k2": "b" * 32}
SETTINGS = Settings(requester_keys=KEYS)
POLICY = Policy(requester_keys={name: KEYS[name].encode() for name in ("k2", "k1")})


@each_row(
    ("said", "kind", "received"),
    [
        ("13912345678", "phone", "+8613912345678"),
        ("139 1234 5678", "phone", "8613912345678"),
        ("024-84000001", "phone", "02484000001"),
        ("Zhou.Yaqin@mail.example", "email", "zhou.yaqin@mail.example"),
    ],
)
def test_a_telephone_or_an_address_names_who_wrote_by_it(said: str, kind: str, received: str) -> None:
    written = requester_hashes([Party(kind=kind, value=received)], POLICY)
    assert [one.partition(":")[0] for one in written] == ["k2", "k1"]
    assert persons(said, SETTINGS) == written


def test_a_hash_is_taken_as_it_is() -> None:
    assert persons("k1:bymy7zvmnjhvk2eg", SETTINGS) == ("k1:bymy7zvmnjhvk2eg",)
    assert persons(None, SETTINGS) == ()


@each_row("said", ["张伟", "12345", "k1:abcdefgh", "8001", "", "no-reply@mail.example"])
def test_what_identifies_nobody_is_refused(said: str) -> None:
    with pytest.raises(typer.BadParameter):
        persons(said, SETTINGS)


@pytest.mark.parametrize("typed", ["13912345678", "-"])
def test_a_telephone_may_come_where_no_list_of_processes_shows_it(typed: str) -> None:
    app = typer.Typer()

    @app.command()
    def said(person: Person = None) -> None:
        typer.echo(person)

    assert CliRunner().invoke(app, ["--person", typed], input="13912345678\n").stdout == "13912345678\n"


def test_every_verb_takes_a_channel_in_english_and_in_chinese() -> None:
    assert [known_channel(said) for said in ("sms", "短信", None)] == ["sms", "sms", None]
    with pytest.raises(typer.BadParameter, match=r"sms \(短信\)"):
        known_channel("短信息")


def test_a_command_line_reads_its_settings_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bool] = []

    def load(_: object, *, accounts: bool) -> object:
        read.append(accounts)
        return object()

    monkeypatch.setattr("hotline.config.load.load", load)
    ctx = typer.Context(typer.main.get_command(app))
    assert settings_of(ctx, accounts=False) is settings_of(ctx, accounts=False)
    assert settings_of(ctx) is not settings_of(ctx, accounts=False)
    assert read == [False, True]

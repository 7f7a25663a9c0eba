"""Single values that can be read and cannot work: each is told before anything starts."""

from pathlib import Path

import pytest

from hotline.checks import faults
from hotline.config import FaultySettingsError, load

MAILBOX = '[connectors.mailbox.mayor]\nhost = "imap.example.cn"\nusername = "u"\n'


@pytest.fixture(autouse=True)
def password(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD", "planted")


def told(text: str) -> list[str]:
    Path("hotline.toml").write_text(text, encoding="utf-8")
    try:
        return faults(load())
    except FaultySettingsError as error:
        return error.faults


@pytest.mark.parametrize(
    "host", ["imaps://imap.example.cn:993", "imap.example.cn:993", "imap.example.cn/", "u@imap.example.cn", "a b"]
)
def test_a_whole_address_is_no_host(host: str) -> None:
    (fault,) = told(MAILBOX.replace("imap.example.cn", host))
    assert fault.startswith(f"`connectors.mailbox.mayor.host` names {host!r}: write the host alone")


@pytest.mark.parametrize("host", ["imap.example.cn", "127.0.0.1", "::1", "邮箱.example.cn"])
def test_a_host_is_one(host: str) -> None:
    assert told(MAILBOX.replace("imap.example.cn", host)) == []


@pytest.mark.parametrize(
    "line", ["monitor_seconds = inf", "silent_after_seconds = 1e15", "silent_after = {mayor = inf}"]
)
def test_a_time_without_end_is_told(line: str) -> None:
    (fault,) = told(f"{MAILBOX}[telemetry]\n{line}\n")
    assert "longer than thirty years" in fault


def test_a_silence_of_an_account_that_there_is_not() -> None:
    assert told(f"{MAILBOX}[telemetry]\nsilent_after = {{mayor = 60, sms = 60, mayer = 60}}\n") == [
        "`telemetry.silent_after.mayer` names neither an account nor a channel: correct it, or remove it."
    ]


def test_an_id_that_no_variable_can_name_is_told_instead_of_its_missing_password() -> None:
    (fault, *_) = told('[connectors.mailbox.Mayor]\nhost = "h"\nusername = "u"\n')
    assert "the id 'Mayor' must be lower_snake_case" in fault


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('kafka = "x"', "`kafka` cannot be used (it must be a table)"),
        ("[[connectors.web]]\n", "`connectors.web` cannot be used (it must be a table)"),
        ('[elasticsearch]\nhosts = "https://es-1:9200"', "cannot be used (it must be a list, such as"),
        ("jurisdiction = 210100", "`jurisdiction` cannot be used (it must be text in quotes)"),
    ],
)
def test_a_value_of_another_type_is_told_in_the_words_of_the_file(text: str, plain: str) -> None:
    assert any(plain in fault for fault in told(text)), told(text)


def test_every_file_of_rules_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "emergency.toml").write_text("[[[")
    (folder / "kind.toml").write_text("nonsense = 1")
    (folder / "place.toml").write_bytes(b"\xff\xfe")
    (folder / "what_is_this.toml").write_text("a = 1")
    found = told(f'{MAILBOX}[rules]\nfolder = "{folder}"\n')
    for name in ("emergency.toml", "kind.toml", "place.toml", "what_is_this.toml"):
        assert any(name in fault for fault in found), (name, found)

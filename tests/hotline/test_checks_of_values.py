"""Single values that can be read and cannot work: each is told before anything starts."""

from pathlib import Path

import pytest

from hotline.config.load import FaultySettingsError, load
from hotline.doctor.checks import faults
from tests.rows import each_row

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


@each_row(
    "host", ["imaps://imap.example.cn:993", "imap.example.cn:993", "imap.example.cn/", "u@imap.example.cn", "a b"]
)
def test_a_whole_address_is_no_host(host: str) -> None:
    (fault,) = told(MAILBOX.replace("imap.example.cn", host))
    assert fault.startswith(f"`connectors.mailbox.mayor.host` names {host!r}: write only the host")


@each_row("host", ["imap.example.cn", "127.0.0.1", "::1", "邮箱.example.cn"])
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
        "`telemetry.silent_after.mayer` is neither an account nor a channel: correct it, or remove it."
    ]


def test_an_id_that_no_variable_can_name_is_told_instead_of_its_missing_password() -> None:
    (fault, *_) = told('[connectors.mailbox.Mayor]\nhost = "h"\nusername = "u"\n')
    assert "the id 'Mayor' must be lower_snake_case" in fault


@each_row(
    ("text", "plain"),
    [
        ('kafka = "x"', "`kafka` cannot be used (it must be a table)"),
        ("[[connectors.web]]\n", "`connectors.web` cannot be used (it must be a table)"),
        ('[elasticsearch]\nhosts = "https://es-1:9200"', "cannot be used (it must be a list, such as"),
        (
            "[sinks.webhook.map.filter]\nsince = 2026-11-01",
            "(it must be a time with its offset, such as 2026-11-01T00:00:00+08:00)",
        ),
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


@pytest.mark.parametrize("blank", [" ", "\t", " \n", "\u3000"])
def test_a_password_of_blanks_is_none(env: pytest.MonkeyPatch, blank: str) -> None:
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD", blank)
    assert told(MAILBOX) == [
        "`connectors.mailbox.mayor.password` cannot be used (it is blank): correct "
        "HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD."
    ]


def test_a_blank_name_and_a_blank_secret_among_others_are_told(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS", '["12345", "     "]')
    found = told(
        f'{MAILBOX.replace("imap.example.cn", "  ")}[connectors.wechat.city]\nappid = "wx1"\nmodes = ["plain"]\n'
    )
    assert [fault.partition(":")[0] for fault in found] == [
        "`connectors.mailbox.mayor.host` cannot be used (it is blank)",
        "`connectors.wechat.city.tokens` cannot be used (it is blank)",
    ]


@pytest.mark.parametrize("secret", ["geheim\r", "geheim\u200b"])
def test_a_character_that_nobody_sees_in_a_password_is_told_and_no_word_of_it(
    env: pytest.MonkeyPatch, secret: str
) -> None:
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD", secret)
    (fault,) = told(MAILBOX)
    assert fault.startswith("HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD contains a line end")
    assert "heim" not in fault


def test_keys_of_hashes_may_be_any_bytes(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_REQUESTER_KEYS__K1", "0123456789abcdef\t")
    env.setenv("HOTLINE_QUERY_KEY", "0123456789abcdef\r")
    assert told(MAILBOX) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[receiver]\njournal_max_bytes = 10", "`receiver.journal_max_bytes` is 10, but one message may need 131072"),
        (
            "[lmtp]\njournal_max_bytes = 1000000",
            "`lmtp.journal_max_bytes` is 1000000, but one message may need 67174400",
        ),
        ("[receiver]\nbody_max_bytes = 10", "`receiver.body_max_bytes` is 10, but a message may have 16384 bytes"),
    ],
)
def test_room_for_less_than_a_message_is_told(line: str, says: str) -> None:
    (fault,) = told(f"{MAILBOX}{line}\n")
    assert fault.startswith(says)


def test_a_journal_must_hold_the_largest_request_of_any_account() -> None:
    web = '[connectors.web.city]\npublic_url = "https://12345.example.cn/web"\njurisdiction_id = "city.example"\n'
    assert told(f"{MAILBOX}[receiver]\njournal_max_bytes = 100000000\n{web}") == []
    (fault,) = told(f"{MAILBOX}[receiver]\njournal_max_bytes = 10000000\n{web}")
    assert "one message may need 21037056 bytes" in fault


def test_a_filter_that_nothing_can_pass_is_told(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_SINKS__WEBHOOK__MAP__SECRETS", "whsec_" + "a" * 44)
    subscriber = f'{MAILBOX}[sinks.webhook.map]\nurl = "https://map.example.cn/"\n[sinks.webhook.map.filter]\n'
    assert told(f'{subscriber}statuses = ["resolved"]\ncategories = ["environment"]\n') == []
    status, category = told(f'{subscriber}statuses = ["resolvd"]\ncategories = ["环境保护", "其他系统的"]\n')
    assert status.startswith("`sinks.webhook.map.filter.statuses` names resolvd, which is not a 办理状态: choose from")
    assert category == "`sinks.webhook.map.filter.categories` names 环境保护: use its code, environment."


@pytest.mark.parametrize("text", ["[[[", "nonsense = 1"])
def test_categories_that_cannot_be_read_are_told_as_rules_and_hide_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "category.toml").write_text(text)
    host, *rules = told(f'{MAILBOX.replace("imap", "imaps://imap")}[rules]\nfolder = "{tmp_path}"\n')[::-1]
    assert host.startswith("`connectors.mailbox.mayor.host` names")
    assert any("category.toml" in fault for fault in rules)

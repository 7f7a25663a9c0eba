"""Which accounts can answer, and what they lack."""

from types import SimpleNamespace
from typing import Any

import pytest

from connectors.registry import entries
from connectors.replies.settings import AnswerSettings
from connectors.reply_registry import SENDERS, check
from tests.rows import each_row

SMTP = {"host": "smtp.example.cn", "from_address": "mayor@example.cn"}
ACCOUNTS: dict[str, dict[str, Any]] = {
    "mailbox": {"mayor": SimpleNamespace()},
    "wechat": {"city": SimpleNamespace(secret=None)},
    "weibo": {"fans": SimpleNamespace(access_token=None, access_token_file=None)},
    "weibo_pull": {"lists": SimpleNamespace(access_token=None, access_token_file="token")},
    "phone": {"desk": SimpleNamespace()},
}


def test_only_sections_that_there_are_can_answer() -> None:
    assert SENDERS.keys() <= {section for section, _ in entries()}


def test_what_an_answer_needs_of_the_account_is_a_setting_of_it() -> None:
    known = dict(entries())
    for section, entry in SENDERS.items():
        assert {*entry.of_account, *entry.one_of_account} <= known[section].settings.model_fields.keys()
        assert set(entry.of_answers) <= AnswerSettings.model_fields.keys()


@each_row(
    ("account", "settings", "said"),
    [
        ("nobody", {}, "nobody is no account that can answer; there are city, fans, lists, mayor"),
        ("desk", {}, "desk is no account that can answer"),
        ("mayor", {}, r"answers\.mayor\.smtp is missing"),
        ("city", {}, r"connectors\.wechat\.city\.secret is missing"),
        ("fans", {}, r"connectors\.weibo\.fans\.access_token or access_token_file is missing"),
    ],
)
def test_what_cannot_answer_is_refused(account: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check({account: AnswerSettings.model_validate(settings)}, ACCOUNTS)


def test_an_account_of_weibo_answers_with_the_token_of_a_file() -> None:
    check({"lists": AnswerSettings()}, ACCOUNTS)


def test_a_mailbox_with_a_server_answers() -> None:
    check({"mayor": AnswerSettings.model_validate({"smtp": SMTP})}, ACCOUNTS)


@each_row(
    ("smtp", "said"),
    [
        ({"username": "u"}, "belong together"),
        ({"username": "u", "password": "p", "tls": "none"}, "would go in clear"),
        ({"from_address": "mayor+tag@example.cn"}, "pattern"),
        ({"from_name": "a\nBcc: b@example.cn"}, "pattern"),
    ],
)
def test_a_server_that_cannot_work_is_refused(smtp: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AnswerSettings.model_validate({"smtp": SMTP | smtp})

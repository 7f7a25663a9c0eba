"""Senders of the channels that can send receipts, by section of the settings; a new one adds one line."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from connectors.replies.base import Sender
from connectors.replies.settings import AnswerSettings
from connectors.weibo.settings import TokenSettings
from schemas.errors import MisconfiguredError


class SenderEntry(Struct, frozen=True):
    """Sender of one kind of account, and the settings that it needs.

    `make` takes the settings of the account, those of its receipts, and its id; it imports the sender, which only the
    outbox needs. It is None if the connector's session sends (`connectors/replies/base.py:Answering`).

    `at_once` is the default limit of parallel sends. `of_account` and `of_answers` are settings that are optional
    elsewhere and required here; of the settings in `one_of_account`, one is enough.
    """

    make: Callable[[Any, AnswerSettings, str], Sender] | None
    at_once: int
    of_account: tuple[str, ...] = ()
    one_of_account: tuple[str, ...] = ()
    of_answers: tuple[str, ...] = ()


def check(answers: Mapping[str, AnswerSettings], sections: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise ValueError for receipts of an unknown account, or of an account that cannot send any."""
    section_of = {name: section for section, accounts in sections.items() for name in accounts}
    for name, one in answers.items():
        section = section_of.get(name, "")
        if section not in SENDERS:
            able = sorted(account for account, where in section_of.items() if where in SENDERS)
            raise ValueError(f"{name} is no account that can answer; there are {', '.join(able) or 'none'}")
        entry, account = SENDERS[section], sections[section][name]
        missing = [f"answers.{name}.{needed}" for needed in entry.of_answers if getattr(one, needed) is None]
        missing += [
            f"connectors.{section}.{name}.{needed}" for needed in entry.of_account if getattr(account, needed) is None
        ]
        if entry.one_of_account and all(getattr(account, needed) is None for needed in entry.one_of_account):
            missing += [f"connectors.{section}.{name}.{' or '.join(entry.one_of_account)}"]
        if missing:
            raise ValueError(f"{missing[0]} is missing: an account of {section} answers with it")


def at_once(answers: Mapping[str, AnswerSettings], sections: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Return the limit of parallel sends of each account."""
    return {
        name: answers[name].at_once or SENDERS[section].at_once
        for section, accounts in sections.items()
        for name in accounts
        if name in answers
    }


def over_session(
    answers: Mapping[str, AnswerSettings], sections: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, Any]]:
    """Yield the accounts whose session carries their receipts, with their settings."""
    for section, accounts in sections.items():
        if section in SENDERS and SENDERS[section].make is None:
            yield from ((name, account) for name, account in accounts.items() if name in answers)


def _mail(_: Any, answers: AnswerSettings, account: str) -> Sender:
    from connectors.mailbox.reply import MailSender

    if answers.smtp is None:
        raise MisconfiguredError(f"`answers.{account}.smtp` is missing: a mailbox answers through an SMTP server.")
    return MailSender(answers.smtp, account)


def _wechat(account: Any, _: AnswerSettings, name: str) -> Sender:
    from connectors.wechat.sender import WeChatSender

    return WeChatSender(account, name)


def _wecom(account: Any, _: AnswerSettings, name: str) -> Sender:
    from connectors.wechat.sender import WeComSender

    return WeComSender(account, name)


def _weibo(account: TokenSettings, _: AnswerSettings, name: str) -> Sender:
    from connectors.weibo.reply import WeiboSender

    account.token()  # only receiving accounts lack one, and this check reports it
    return WeiboSender(account, name)


_WEIBO = ("access_token", "access_token_file")

SENDERS: Mapping[str, SenderEntry] = MappingProxyType(
    {
        "mailbox": SenderEntry(_mail, 4, of_answers=("smtp",)),
        "sms_cmpp": SenderEntry(None, 8, of_account=("number",)),
        "sms_smpp": SenderEntry(None, 8),
        "wechat": SenderEntry(_wechat, 4, of_account=("secret",)),
        "wecom": SenderEntry(_wecom, 4, of_account=("secret",)),
        "weibo": SenderEntry(_weibo, 3, one_of_account=_WEIBO),
        "weibo_pull": SenderEntry(_weibo, 3, one_of_account=_WEIBO),
    }
)

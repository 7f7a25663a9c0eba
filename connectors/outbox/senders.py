"""Every channel that can answer, by its section of the settings: one line is what a new one costs here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from connectors.answers import Sender
from connectors.mailbox.reply import MailSender
from connectors.outbox.settings import AnswerSettings
from schemas.errors import MisconfiguredError


class SenderEntry(Struct, frozen=True):
    """`make` takes the settings of the account, those of its answers, and its id; `needs` are names of the latter."""

    make: Callable[[Any, AnswerSettings, str], Sender]
    needs: tuple[str, ...] = ()


def _mail(_: Any, answers: AnswerSettings, account: str) -> Sender:
    if answers.smtp is None:
        raise MisconfiguredError(f"`answers.{account}.smtp` is missing: a mailbox answers through an SMTP server.")
    return MailSender(answers.smtp, account)


SENDERS: Mapping[str, SenderEntry] = MappingProxyType({"mailbox": SenderEntry(_mail, needs=("smtp",))})

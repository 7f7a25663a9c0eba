"""Every connector by its section of the settings: one line is what a new one costs here."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from connectors.asterisk import Asterisk, AsteriskSettings
from connectors.base import PullConnector, PushConnector, SessionConnector
from connectors.call_files import CallFiles, CallFilesSettings
from connectors.mailbox import Mailbox, MailboxSettings
from connectors.phone import Phone, PhoneSettings
from connectors.wechat import WeChat, WeChatSettings

Connector = TypeVar("Connector")


class Entry(Struct, Generic[Connector], frozen=True):
    """One kind of account: its channel, what its accounts are called, their settings, and what makes the connector.

    `make` takes the settings of an account and its id. The settings of a push connector have a `path` and may have
    `body_max_bytes`.
    """

    channel: str
    about: str
    settings: type[BaseModel]
    make: Callable[[Any, str], Connector]


PULL: Mapping[str, Entry[PullConnector]] = MappingProxyType(
    {
        "mailbox": Entry("mailbox", "IMAP mailboxes", MailboxSettings, Mailbox),
        "call_files": Entry("phone", "Folders of call records", CallFilesSettings, CallFiles),
    }
)
"""They ask."""

PUSH: Mapping[str, Entry[PushConnector]] = MappingProxyType(
    {
        "phone": Entry("phone", "Call platforms that post", PhoneSettings, Phone),
        "wechat": Entry("wechat", "WeChat accounts", WeChatSettings, WeChat),
    }
)
"""They are called, through the receiver."""

SESSION: Mapping[str, Entry[SessionConnector]] = MappingProxyType(
    {
        "asterisk": Entry("phone", "Asterisk PBXs", AsteriskSettings, Asterisk),
    }
)
"""They hold a connection on which the other side speaks."""


def entries() -> Iterator[tuple[str, Entry[Any]]]:
    """Yield every section with its entry."""
    for table in (PULL, PUSH, SESSION):
        yield from table.items()

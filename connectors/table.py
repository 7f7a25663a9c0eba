"""Every connector by its section of the settings: one line is what a new one costs here."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from connectors.base import PullConnector, PushConnector, SessionConnector
from connectors.mailbox import Mailbox, MailboxSettings
from connectors.wechat import WeChat, WeChatSettings
from connectors.weibo import Weibo, WeiboPull, WeiboPullSettings, WeiboSettings

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
        "weibo_pull": Entry(
            "weibo", "Weibo accounts whose mentions and comments are fetched", WeiboPullSettings, WeiboPull
        ),
    }
)
"""They ask."""

PUSH: Mapping[str, Entry[PushConnector]] = MappingProxyType(
    {
        "wechat": Entry("wechat", "WeChat accounts", WeChatSettings, WeChat),
        "weibo": Entry("weibo", "Weibo accounts of the fans' service (微博粉丝服务)", WeiboSettings, Weibo),
    }
)
"""They are called, through the receiver."""

SESSION: Mapping[str, Entry[SessionConnector]] = MappingProxyType({})
"""They hold a connection on which the other side speaks."""


def entries() -> Iterator[tuple[str, Entry[Any]]]:
    """Yield every section with its entry."""
    for table in (PULL, PUSH, SESSION):
        yield from table.items()

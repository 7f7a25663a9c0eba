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
from connectors.sms_cmpp import Cmpp, CmppSettings
from connectors.sms_http import SmsHttp, SmsHttpSettings
from connectors.sms_smpp import SmppSettings, SmsSmpp
from connectors.web import WebDoor, WebSettings
from connectors.wechat import WeChat, WeChatSettings, WeCom, WeComSettings
from connectors.weibo import Weibo, WeiboPull, WeiboPullSettings, WeiboSettings

Connector = TypeVar("Connector")


class Entry(Struct, Generic[Connector], frozen=True):
    """One kind of account: its channel, what its accounts are called, their settings, and what makes the connector.

    `make` takes the settings of an account and its id. The settings of a push connector have a `path` and may have
    `body_max_bytes`, and a `route` where the path of its requests holds more than that (Starlette's patterns).
    """

    channel: str
    about: str
    settings: type[BaseModel]
    make: Callable[[Any, str], Connector]


PULL: Mapping[str, Entry[PullConnector]] = MappingProxyType(
    {
        "mailbox": Entry("mailbox", "IMAP mailboxes", MailboxSettings, Mailbox),
        "call_files": Entry("phone", "Folders of call records", CallFilesSettings, CallFiles),
        "weibo_pull": Entry(
            "weibo", "Weibo accounts whose mentions and comments are fetched", WeiboPullSettings, WeiboPull
        ),
    }
)
"""They ask."""

PUSH: Mapping[str, Entry[PushConnector]] = MappingProxyType(
    {
        "phone": Entry("phone", "Call platforms that post", PhoneSettings, Phone),
        "sms_http": Entry("sms", "SMS accounts at a gateway with webhooks", SmsHttpSettings, SmsHttp),
        "wechat": Entry("wechat", "WeChat official accounts and mini programmes", WeChatSettings, WeChat),
        "wecom": Entry("wechat", "企业微信 applications and 微信客服", WeComSettings, WeCom),
        "weibo": Entry("weibo", "Weibo accounts of the fans' service (微博粉丝服务)", WeiboSettings, Weibo),
    }
)
"""They are called, through the receiver."""

SESSION: Mapping[str, Entry[SessionConnector]] = MappingProxyType(
    {
        "asterisk": Entry("phone", "Asterisk PBXs", AsteriskSettings, Asterisk),
        "sms_cmpp": Entry("sms", "CMPP accounts", CmppSettings, Cmpp),
        "sms_smpp": Entry("sms", "SMPP accounts (short messages)", SmppSettings, SmsSmpp),
    }
)
"""They hold a connection on which the other side speaks."""

DOORS: Mapping[str, Entry[WebDoor]] = MappingProxyType(
    {
        "web": Entry("web", "Web doors: the citizens' form, and Open311 for apps", WebSettings, WebDoor),
    }
)
"""They are called on several paths below their own, through the receiver, and ask the archive."""


def entries() -> Iterator[tuple[str, Entry[Any]]]:
    """Yield every section with its entry."""
    for table in (PULL, PUSH, SESSION, DOORS):
        yield from table.items()

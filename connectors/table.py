"""Every connector by its section of the settings: one line is what a new one costs here."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from connectors import asterisk, call_files, mailbox, phone, sms_cmpp, sms_http, sms_smpp, web, wechat, weibo
from connectors.base import PullConnector, PushConnector, SessionConnector

if TYPE_CHECKING:
    from connectors.web import WebDoor

Connector = TypeVar("Connector")


class Entry(Struct, Generic[Connector], frozen=True):
    """One kind of account: its channel, what its accounts are called, their settings, and what makes the connector.

    `load` returns what takes the settings of an account and its id: every process has this table, and hardly any needs
    the clients of more than one channel. The settings of a push connector have a `path` and may have `body_max_bytes`,
    and a `route` where the path of its requests holds more than that (Starlette's patterns).
    """

    channel: str
    about: str
    settings: type[BaseModel]
    load: Callable[[], Callable[[Any, str], Connector]]

    def make(self, settings: Any, account: str) -> Connector:
        """Make the connector of an account."""
        return self.load()(settings, account)


PULL: Mapping[str, Entry[PullConnector]] = MappingProxyType(
    {
        "mailbox": Entry("mailbox", "IMAP mailboxes", mailbox.MailboxSettings, lambda: mailbox.Mailbox),
        "call_files": Entry(
            "phone",
            "Folders of call records",
            call_files.CallFilesSettings,
            lambda: call_files.CallFiles,
        ),
        "weibo_pull": Entry(
            "weibo",
            "Weibo accounts whose mentions and comments are fetched",
            weibo.WeiboPullSettings,
            lambda: weibo.WeiboPull,
        ),
    }
)
"""They ask."""

PUSH: Mapping[str, Entry[PushConnector]] = MappingProxyType(
    {
        "phone": Entry("phone", "Call platforms that post", phone.PhoneSettings, lambda: phone.Phone),
        "sms_http": Entry(
            "sms",
            "SMS accounts at a gateway with webhooks",
            sms_http.SmsHttpSettings,
            lambda: sms_http.SmsHttp,
        ),
        "wechat": Entry(
            "wechat",
            "WeChat official accounts and mini programmes",
            wechat.WeChatSettings,
            lambda: wechat.WeChat,
        ),
        "wecom": Entry("wechat", "企业微信 applications and 微信客服", wechat.WeComSettings, lambda: wechat.WeCom),
        "weibo": Entry(
            "weibo",
            "Weibo accounts of the fans' service (微博粉丝服务)",
            weibo.WeiboSettings,
            lambda: weibo.Weibo,
        ),
    }
)
"""They are called, through the receiver."""

SESSION: Mapping[str, Entry[SessionConnector]] = MappingProxyType(
    {
        "asterisk": Entry("phone", "Asterisk PBXs", asterisk.AsteriskSettings, lambda: asterisk.Asterisk),
        "sms_cmpp": Entry("sms", "CMPP accounts", sms_cmpp.CmppSettings, lambda: sms_cmpp.Cmpp),
        "sms_smpp": Entry("sms", "SMPP accounts (short messages)", sms_smpp.SmppSettings, lambda: sms_smpp.SmsSmpp),
    }
)
"""They hold a connection on which the other side speaks."""

DOORS: Mapping[str, "Entry[WebDoor]"] = MappingProxyType(
    {
        "web": Entry(
            "web",
            "Web doors: the citizens' form, and Open311 for apps",
            web.WebSettings,
            lambda: web.WebDoor,
        ),
    }
)
"""They are called on several paths below their own, through the receiver, and ask the archive."""


def entries() -> Iterator[tuple[str, Entry[Any]]]:
    """Yield every section with its entry."""
    for table in (PULL, PUSH, SESSION, DOORS):
        yield from table.items()

"""All connectors by section of the settings; a new one adds one line."""

from collections.abc import Iterator, Mapping
from pkgutil import resolve_name
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from connectors.asterisk.settings import AsteriskSettings
from connectors.base import PullConnector, PushConnector, SessionConnector
from connectors.call_files.settings import CallFilesSettings
from connectors.mailbox.settings import MailboxSettings
from connectors.mapped_webhook.settings import AppWebhookSettings, PhoneWebhookSettings, SmsWebhookSettings
from connectors.phone.settings import PhoneSettings
from connectors.sms_cmpp.settings import CmppSettings
from connectors.sms_http.settings import SmsHttpSettings
from connectors.sms_smpp.settings import SmppSettings
from connectors.web.settings import WebSettings
from connectors.wechat.settings import WeChatSettings, WeComSettings
from connectors.weibo.settings import WeiboPullSettings, WeiboSettings

if TYPE_CHECKING:
    from connectors.web.routes import WebDoor


Connector = TypeVar("Connector")


class Entry(Struct, Generic[Connector], frozen=True):
    """One kind of account: its channel, a description, the settings class, and the path of the connector class.

    `connector` is imported only when a connector is created: every process has this table, and hardly any needs the
    clients of more than one channel. The settings of a push connector have a `path` and may have `body_max_bytes`,
    and a `route` if its requests have variable paths (Starlette's patterns).
    """

    channel: str
    about: str
    settings: type[BaseModel]
    connector: str

    def make(self, settings: Any, account: str) -> Connector:
        """Create the connector of an account."""
        made: Connector = resolve_name(self.connector)(settings, account)
        return made


PULL: Mapping[str, Entry[PullConnector]] = MappingProxyType(
    {
        "mailbox": Entry("mailbox", "IMAP mailboxes", MailboxSettings, "connectors.mailbox.connector:Mailbox"),
        "call_files": Entry(
            "phone",
            "Folders of call records",
            CallFilesSettings,
            "connectors.call_files.connector:CallFiles",
        ),
        "weibo_pull": Entry(
            "weibo",
            "Weibo accounts whose mentions and comments are fetched",
            WeiboPullSettings,
            "connectors.weibo.pull:WeiboPull",
        ),
    }
)
"""Pull connectors: they poll a service."""

PUSH: Mapping[str, Entry[PushConnector]] = MappingProxyType(
    {
        "app_webhook": Entry(
            "web",
            "Apps and mini programmes whose requests a profile reads",
            AppWebhookSettings,
            "connectors.mapped_webhook.connector:AppWebhook",
        ),
        "phone": Entry("phone", "Call platforms that post", PhoneSettings, "connectors.phone.connector:Phone"),
        "phone_webhook": Entry(
            "phone",
            "Call platforms whose requests a profile reads",
            PhoneWebhookSettings,
            "connectors.mapped_webhook.connector:PhoneWebhook",
        ),
        "sms_http": Entry(
            "sms",
            "SMS accounts at a gateway with webhooks",
            SmsHttpSettings,
            "connectors.sms_http.connector:SmsHttp",
        ),
        "sms_webhook": Entry(
            "sms",
            "SMS gateways whose requests a profile reads",
            SmsWebhookSettings,
            "connectors.mapped_webhook.connector:SmsWebhook",
        ),
        "wechat": Entry(
            "wechat",
            "WeChat official accounts and mini programmes",
            WeChatSettings,
            "connectors.wechat.connector:WeChat",
        ),
        "wecom": Entry("wechat", "企业微信 applications and 微信客服", WeComSettings, "connectors.wechat.wecom:WeCom"),
        "weibo": Entry(
            "weibo",
            "Weibo accounts of the fans' service (微博粉丝服务)",
            WeiboSettings,
            "connectors.weibo.push:Weibo",
        ),
    }
)
"""Push connectors: a service calls them through the receiver."""

SESSION: Mapping[str, Entry[SessionConnector]] = MappingProxyType(
    {
        "asterisk": Entry("phone", "Asterisk PBXs", AsteriskSettings, "connectors.asterisk.connector:Asterisk"),
        "sms_cmpp": Entry("sms", "CMPP accounts", CmppSettings, "connectors.sms_cmpp.connector:Cmpp"),
        "sms_smpp": Entry(
            "sms", "SMPP accounts (short messages)", SmppSettings, "connectors.sms_smpp.connector:SmsSmpp"
        ),
    }
)
"""Session connectors: they hold a connection on which the other side sends."""

DOORS: Mapping[str, "Entry[WebDoor]"] = MappingProxyType(
    {
        "web": Entry(
            "web",
            "Web doors: the citizens' form, and Open311 for apps",
            WebSettings,
            "connectors.web.routes:WebDoor",
        ),
    }
)
"""Web connectors: called on several paths below their own through the receiver; they query the archive."""


def entries() -> Iterator[tuple[str, Entry[Any]]]:
    """Yield every section with its entry."""
    for table in (PULL, PUSH, SESSION, DOORS):
        yield from table.items()

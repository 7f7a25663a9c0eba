"""Every connector by its channel: one line is what a new one costs here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from pydantic import BaseModel

from connectors.base import PullConnector, PushConnector
from connectors.mailbox import Mailbox, MailboxSettings
from connectors.wechat import WeChat, WeChatSettings


class PullChannel(Struct, frozen=True):
    """The settings of one account, and what makes its connector of them and the account's name."""

    settings: type[BaseModel]
    make: Callable[[Any, str], PullConnector]


class PushChannel(Struct, frozen=True):
    """The settings of one account, and what makes its connector of them and the account's name."""

    settings: type[BaseModel]
    make: Callable[[Any, str], PushConnector]


PULL: Mapping[str, PullChannel] = MappingProxyType({"mailbox": PullChannel(MailboxSettings, Mailbox)})

PUSH: Mapping[str, PushChannel] = MappingProxyType({"wechat": PushChannel(WeChatSettings, WeChat)})

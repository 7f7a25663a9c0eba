"""WeChat (微信公众号, 小程序, 企业微信): verified callbacks, what they only announce, and answers."""

from typing import TYPE_CHECKING

from connectors.lazy import lazily
from connectors.wechat.settings import Mode, WeChatSettings, WeComSettings

if TYPE_CHECKING:
    from connectors.wechat.connector import WeChat
    from connectors.wechat.corporate import WeCom
else:
    __getattr__ = lazily(__name__, WeChat="connector", WeCom="corporate")

__all__ = ["Mode", "WeChat", "WeChatSettings", "WeCom", "WeComSettings"]

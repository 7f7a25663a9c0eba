"""WeChat (微信公众号, 小程序, 企业微信): verified callbacks, what they only announce, and answers."""

from connectors.wechat.connector import WeChat
from connectors.wechat.corporate import WeCom
from connectors.wechat.settings import Mode, WeChatSettings, WeComSettings

__all__ = ["Mode", "WeChat", "WeChatSettings", "WeCom", "WeComSettings"]

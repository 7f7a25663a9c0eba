"""WeChat official account (微信公众号): verified callbacks, decrypted and otherwise untouched."""

from connectors.wechat.connector import WeChat
from connectors.wechat.settings import Mode, WeChatSettings

__all__ = ["Mode", "WeChat", "WeChatSettings"]

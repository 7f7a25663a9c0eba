"""Weibo (微博): pushes of the fans' service, and the open platform's lists behind a client in tweepy's shape."""

from typing import TYPE_CHECKING

from connectors.lazy import lazily
from connectors.weibo.settings import WeiboPullSettings, WeiboSettings

if TYPE_CHECKING:
    from connectors.weibo.pull import WeiboPull
    from connectors.weibo.push import Weibo
else:
    __getattr__ = lazily(__name__, WeiboPull="pull", Weibo="push")

__all__ = ["Weibo", "WeiboPull", "WeiboPullSettings", "WeiboSettings"]

"""Weibo (微博): pushes of the fans' service, and the open platform's lists behind a client in tweepy's shape."""

from connectors.weibo.pull import WeiboPull
from connectors.weibo.push import Weibo
from connectors.weibo.settings import WeiboPullSettings, WeiboSettings

__all__ = ["Weibo", "WeiboPull", "WeiboPullSettings", "WeiboSettings"]

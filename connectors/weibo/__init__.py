"""Weibo (微博): pushes of the fans' service, and the open platform's lists behind a client in tweepy's shape."""

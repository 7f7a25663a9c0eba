"""Signed webhooks for systems without Kafka: one subscriber, one consumer group, one HTTP endpoint.

Every process reads the settings; the clients of HTTP and Kafka are loaded by who imports `run` or `webhook`.
"""

from sinks.webhook.settings import FilterSettings, SubscriberSettings

__all__ = ["FilterSettings", "SubscriberSettings"]

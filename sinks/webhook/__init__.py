"""Signed webhooks for systems without Kafka: one subscriber, one consumer group, one HTTP endpoint.

Every process reads the settings; only `run` and `webhook` import the HTTP and Kafka clients.
"""

from sinks.webhook.settings import FilterSettings, SubscriberSettings

__all__ = ["FilterSettings", "SubscriberSettings"]

"""Signed webhooks for systems without Kafka: one subscriber, one consumer group, one HTTP endpoint."""

from sinks.webhook.run import Webhooks
from sinks.webhook.settings import FilterSettings, SubscriberSettings
from sinks.webhook.webhook import WebhookSink

__all__ = ["FilterSettings", "SubscriberSettings", "WebhookSink", "Webhooks"]

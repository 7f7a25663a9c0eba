"""Mapped webhooks: any sender's requests, read by a profile (docs/how-to/channels/mapped_webhook.md)."""

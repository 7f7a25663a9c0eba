"""Receipts (回执) to citizens: sends the intents in `hotline.outbox.v1` at most once and records the outcomes."""

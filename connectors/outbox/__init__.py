"""Receipts (回执) to citizens: intents out of `hotline.outbox.v1`, each sent once at most, and what became of it."""

from connectors.outbox.daemon import Outbox
from connectors.outbox.lane import Tools
from connectors.outbox.replies import reply_of
from connectors.outbox.senders import SENDERS
from connectors.outbox.settings import AnswerSettings

__all__ = ["SENDERS", "AnswerSettings", "Outbox", "Tools", "reply_of"]

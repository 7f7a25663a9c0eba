"""Asterisk: what its manager interface (AMI) tells of calls while they happen; the CDR file is the durable truth."""

from typing import TYPE_CHECKING

from connectors.asterisk.settings import AsteriskSettings
from connectors.lazy import lazily

if TYPE_CHECKING:
    from connectors.asterisk.connector import Asterisk
else:
    __getattr__ = lazily(__name__, Asterisk="connector")

__all__ = ["Asterisk", "AsteriskSettings"]

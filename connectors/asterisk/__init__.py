"""Asterisk: what its manager interface (AMI) tells of calls while they happen; the CDR file is the durable truth."""

from connectors.asterisk.connector import Asterisk
from connectors.asterisk.settings import AsteriskSettings

__all__ = ["Asterisk", "AsteriskSettings"]

"""Asterisk: what its manager interface (AMI) tells of calls while they happen; the CDR file is the durable truth."""

from typing import TYPE_CHECKING

from connectors.asterisk.settings import AsteriskSettings
from connectors.late import late

if TYPE_CHECKING:
    from connectors.asterisk.connector import Asterisk
else:
    __getattr__ = late(__name__, Asterisk="connector")

__all__ = ["Asterisk", "AsteriskSettings"]

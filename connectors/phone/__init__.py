"""Phone (电话): records of calls that a call platform posts, each signed or behind a token."""

from connectors.phone.connector import Phone
from connectors.phone.settings import PhoneSettings

__all__ = ["Phone", "PhoneSettings"]

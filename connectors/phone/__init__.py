"""Phone (电话): records of calls that a call platform posts, each signed or behind a token."""

from typing import TYPE_CHECKING

from connectors.lazy import lazily
from connectors.phone.settings import PhoneSettings

if TYPE_CHECKING:
    from connectors.phone.connector import Phone
else:
    __getattr__ = lazily(__name__, Phone="connector")

__all__ = ["Phone", "PhoneSettings"]

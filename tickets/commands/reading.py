"""What the sender of an order had read of its ticket, where the order itself does not say so."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

LOOKED = timedelta(hours=1)
"""So long before they order people may have looked: whatever a citizen wrote since then may be unread."""


def presumed(ordered: datetime, args: Mapping[str, Any]) -> datetime | None:
    """Return by when a ticket had been read of which an order came at `ordered`; None where its arguments say so."""
    return None if args.get("if_version") is not None else ordered - LOOKED

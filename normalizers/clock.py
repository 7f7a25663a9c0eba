"""The other side's clock: a time before its channel's first day, or a day ahead of us, is a fault of it."""

from datetime import datetime, timedelta

_AHEAD = timedelta(days=1)


def believed(at: datetime | None, first: datetime, recorded: datetime) -> datetime | None:
    """Return the time that the other side tells; None for one that it cannot be, as we `recorded` the message then."""
    return at if at is not None and first <= at <= recorded + _AHEAD else None

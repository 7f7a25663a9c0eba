"""Number of tickets beyond their limits (超期): by a reader's clock, over the contents of the archive."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from hotline.config import clients
from hotline.monitor.services import PATIENCE_SECONDS

if TYPE_CHECKING:
    from hotline.config.settings import Settings


def overdue(settings: "Settings", now: datetime) -> dict[tuple[str, str], int]:
    """Return the tickets by clock and urgency, in one query. Raises errors of the pipeline."""
    return asyncio.run(_overdue(settings, now))


async def _overdue(settings: "Settings", now: datetime) -> dict[tuple[str, str], int]:
    from hotline.search.archive import Archive

    async with clients.elasticsearch(settings) as client:
        return await Archive(client.options(max_retries=0, request_timeout=PATIENCE_SECONDS)).overdue(now)

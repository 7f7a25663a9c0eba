"""`hotline index rebuild` without its command line: which indices there are to rebuild, one after the other."""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from elasticsearch import AsyncElasticsearch

from hotline import reading, services
from schemas.connection import KafkaConnection
from schemas.errors import MisconfiguredError
from sinks import Route, routes
from sinks.elastic import concrete
from sinks.elastic.concrete import Place
from sinks.elastic.errors import translated
from sinks.rebuild import Rebuild, Report

if TYPE_CHECKING:
    from hotline.settings import Settings

_MONTH = re.compile(r"20\d\d-\d\d")


def rebuild(
    settings: "Settings",
    names: Sequence[str],
    months: Sequence[str],
    *,
    keep: bool,
    drop: bool,
    told: Callable[[str, int, int], None] = lambda text, done, total: None,
) -> Iterator[Report]:
    """Rebuild the indices of these short names (all by default), and yield what each came to.

    Months before the topic begins are left as they are unless they are named: all their documents would come from
    themselves. Raises MisconfiguredError for a name that is none.
    """
    known = routes()
    wrong = next((name for name in names if name not in known), None)
    if wrong:
        raise MisconfiguredError(f"There is no index {wrong}: choose from {', '.join(known)}.")
    if not all(map(_MONTH.fullmatch, months)):
        raise MisconfiguredError("A month is written as 2026-11: correct --month.")
    if months and names and not any(known[name].index.monthly for name in names):
        raise MisconfiguredError("Only the index message has months: leave --month out.")
    connection = services.kafka(settings)
    for name in names or known:
        for place in _places(settings, connection, known[name], months):
            yield asyncio.run(_one(settings, connection, known[name], place, keep, drop, told))


def _places(settings: "Settings", connection: KafkaConnection, route: Route, months: Sequence[str]) -> list[Place]:
    found = asyncio.run(_behind(services.elasticsearch(settings), route))
    if not route.index.monthly:
        return found
    missing = set(months) - {place.month for place in found}
    if missing:
        raise MisconfiguredError(f"The archive has no messages of {', '.join(sorted(missing))}: correct --month.")
    first = _first_month(connection, route.topic)
    return [place for place in found if (place.month in months if months else (place.month or "") >= first)]


async def _behind(client: AsyncElasticsearch, route: Route) -> list[Place]:
    try:
        with translated():
            return await concrete.places(client, route.index)
    finally:
        await client.close()


async def _one(
    settings: "Settings",
    connection: KafkaConnection,
    route: Route,
    place: Place,
    keep: bool,
    drop: bool,
    told: Callable[[str, int, int], None],
) -> Report:
    client = services.elasticsearch(settings)
    try:
        job = Rebuild(
            client, connection, route, place, settings.sinks.elastic, may_lose=drop,
            told=lambda done, total: told(f"{place.successor}: records read", done, total),
        )  # fmt: skip
        return await job.run(keep=keep)
    finally:
        await client.close()


def _first_month(connection: KafkaConnection, topic: str) -> str:
    """Return the earliest month of intake that a partition begins with; past every month for an empty topic."""
    firsts = (
        next(reading.read_partition(connection, topic, number), None) for number in reading.bounds(connection, topic)
    )
    months = (dict(first.headers).get("ce_recordedtime", b"").decode()[:7] for first in firsts if first is not None)
    return min((month for month in months if _MONTH.fullmatch(month)), default="9999-99")

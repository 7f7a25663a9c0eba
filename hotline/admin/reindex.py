"""`hotline index rebuild` without its command line: which indices there are to rebuild, one after the other."""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from elasticsearch import AsyncElasticsearch

from broker import kafka_reader
from broker.config import KafkaConnection
from hotline.config import clients
from schemas.errors import MisconfiguredError
from sinks import Route, routes
from sinks.elastic import indices
from sinks.elastic.errors import translated
from sinks.elastic.indices import Place
from sinks.elastic.reindex import Rebuild, Report

if TYPE_CHECKING:
    from hotline.config.settings import Settings


_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_NEVER = "9999-99"
"""A month past all others."""


def rebuild(
    settings: "Settings",
    names: Sequence[str],
    months: Sequence[str],
    *,
    keep: bool,
    drop: bool,
    told: Callable[[str, int, int], None] = lambda text, done, total: None,
) -> Iterator[Report]:
    """Rebuild the indices of these short names (all by default), and yield each result.

    A month that the topic has and the archive lacks is made anew. Months before the topic's begin stay as they are
    unless they are named: all their documents would come from themselves. Raises MisconfiguredError for an unknown
    name.
    """
    known = routes(shards=settings.elasticsearch.shards.by_index)
    wrong = next((name for name in names if name not in known), None)
    if wrong:
        raise MisconfiguredError(f"There is no index {wrong}: choose from {', '.join(known)}.")
    if not all(map(_MONTH.fullmatch, months)):
        raise MisconfiguredError("A month has the form 2026-11: correct --month.")
    if months and names and not any(known[name].index.monthly for name in names):
        raise MisconfiguredError("Only the index message has months: leave --month out.")
    connection = clients.kafka(settings)
    for name in names or known:
        for place in _places(settings, connection, known[name], months):
            yield asyncio.run(_one(settings, connection, known[name], place, keep, drop, told))


def _places(settings: "Settings", connection: KafkaConnection, route: Route, months: Sequence[str]) -> list[Place]:
    client = clients.elasticsearch(settings)
    if not route.index.monthly:
        return asyncio.run(_behind(client, route))
    there = _months_of(connection, route.topic)
    found = asyncio.run(_behind(client, route, [month for month in there if month in (months or there)]))
    missing = set(months) - {place.month for place in found}
    if missing:
        raise MisconfiguredError(f"The archive has no messages of {', '.join(sorted(missing))}: correct --month.")
    first = there[0] if there else _NEVER
    return [place for place in found if (place.month in months if months else (place.month or "") >= first)]


async def _behind(client: AsyncElasticsearch, route: Route, months: Sequence[str] = ()) -> list[Place]:
    """Return what is behind the alias; a missing index of these months is made first, to be filled."""
    async with client:
        with translated():
            for month in months:
                await indices.ensure_month(client, route.index, month)
            return await indices.places(client, route.index)


async def _one(
    settings: "Settings",
    connection: KafkaConnection,
    route: Route,
    place: Place,
    keep: bool,
    drop: bool,
    told: Callable[[str, int, int], None],
) -> Report:
    async with clients.elasticsearch(settings) as client:
        job = Rebuild(
            client, connection, route, place, settings.sinks.elastic, may_lose=drop,
            told=lambda done, total: told(f"{place.successor}: records read", done, total),
        )  # fmt: skip
        return await job.run(keep=keep)


def _months_of(connection: KafkaConnection, topic: str) -> list[str]:
    """Return the months from the earliest with which a partition begins to the latest with which one ends."""
    records = [
        next(kafka_reader.read_partition(connection, topic, number, at), None)
        for number, (begin, end) in kafka_reader.bounds(connection, topic).items()
        for at in (begin, end - 1)
    ]
    told = (dict(one.headers).get("ce_recordedtime", b"").decode()[:7] for one in records if one is not None)
    months = sorted(month for month in told if _MONTH.fullmatch(month))
    return list(_up_to(months[0], months[-1])) if months else []


def _up_to(first: str, last: str) -> Iterator[str]:
    year, month = map(int, first.split("-"))
    while (at := f"{year}-{month:02d}") <= last:
        yield at
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)

"""Sinks write Kafka records into other services; a runner retries, writes dead letters and commits."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas import topics
from schemas.contract.index_templates import PREFIX, indices
from schemas.envelope import type_of
from schemas.records.raw import BEGINNING
from sinks.base import Document, Refusal, Route, Sink, Source, Verdicts

COMMAND = type_of("command").encode()


def routes(prefix: str = PREFIX, shards: Mapping[str, int] | None = None) -> dict[str, Route]:
    """Return the topics and their indices, by short name."""
    index = indices(prefix, shards)
    return {
        "ticket": Route(topic=topics.TICKET, index=index["ticket"]),
        "ticket_masked": Route(topic=topics.TICKET_MASKED, index=index["ticket_masked"]),
        "ticket_restricted": Route(topic=topics.TICKET_RESTRICTED, index=index["ticket_restricted"]),
        "message": Route(topic=topics.MESSAGE, index=index["message"], skip=frozenset({COMMAND})),
        "link": Route(topic=topics.LINK, index=index["link"]),
    }


def archive_sources() -> list[Source]:
    """Return what the raw archive keeps: every raw topic."""
    beginnings = frozenset({BEGINNING.encode()})
    return [Source(topic=topic, skip=beginnings) for topic in (*topics.LIVE_RAW, topics.BACKFILL)]


SINKS: Mapping[str, Mapping[str, Route]] = MappingProxyType({"elastic": MappingProxyType(routes())})
"""Every sink with routes of its own, by the name that `hotline run sink:<name>` takes; `webhook` has subscribers."""

__all__ = ["SINKS", "Document", "Refusal", "Route", "Sink", "Source", "Verdicts", "archive_sources", "routes"]

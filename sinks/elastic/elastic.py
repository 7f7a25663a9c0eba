"""Elasticsearch: Kafka values straight into `_bulk`, one verdict a document."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from elasticsearch import AsyncElasticsearch

from schemas.elastic import mapped_fields
from sinks.base import Document, Route, Verdicts
from sinks.elastic import bulk, verdict
from sinks.elastic.errors import translated
from sinks.elastic.templates import ensure_indices

_PATH = "/_bulk?filter_path=items.*.status,items.*.error.type,items.*.error.reason"
_HEADERS = {"content-type": "application/x-ndjson", "accept": "application/json"}


class ElasticSink:
    """Writes every topic of its routes into its index; the client belongs to the caller until `close`."""

    name: ClassVar[str] = "elastic"

    def __init__(self, client: AsyncElasticsearch, routes: Iterable[Route]) -> None:
        self._owner = client
        # The runner retries: a client that did so too would hide it from the metrics and hold up a shutdown.
        self._client = client.options(max_retries=0, retry_on_timeout=False, request_timeout=60.0)
        self._routes = {route.topic: route for route in routes}
        self._fields = frozenset[str]().union(*(mapped_fields(r.index.record) for r in self._routes.values()))

    async def open(self) -> None:
        """Install templates, indices and aliases, unless they are there."""
        await ensure_indices(self._client, [route.index for route in self._routes.values()])

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        """Send one bulk request and judge each document's answer."""
        body = bulk.body(documents, self._routes)
        if not body.documents:
            return Verdicts(rejected=body.refused)
        with translated():
            answer = await self._client.perform_request("POST", _PATH, headers=_HEADERS, body=body.lines)
        verdicts = verdict.judge(body.documents, answer["items"], self._fields)
        verdicts.rejected.extend(body.refused)
        return verdicts

    async def close(self) -> None:
        """Close the client."""
        await self._owner.close()

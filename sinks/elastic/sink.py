"""Elasticsearch: Kafka values straight into `_bulk`, one verdict a document."""

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar

from elasticsearch import AsyncElasticsearch

from schemas.contract.index_templates import mapped_fields
from sinks.base import Document, Route, Verdicts
from sinks.elastic import bulk, response
from sinks.elastic.errors import translated
from sinks.elastic.templates import ensure_indices

_PATH = "/_bulk?filter_path=items.*.status,items.*.error.type,items.*.error.reason"
_SURE_SECONDS = 1.0
"""How long templates that were seen are there: no Elasticsearch is emptied and started within it."""

_HEADERS = {"content-type": "application/x-ndjson", "accept": "application/json"}


class ElasticSink:
    """Writes every topic of its routes into its index; the client belongs to the caller until `close`."""

    name: ClassVar[str] = "elastic"

    def __init__(self, client: AsyncElasticsearch, routes: Iterable[Route]) -> None:
        self._owner = client
        # The runner retries: a client that did so too would hide it from the metrics and hold up a shutdown.
        self._client = client.options(max_retries=0, retry_on_timeout=False, request_timeout=60.0)
        self._routes = {route.topic: route for route in routes}
        self._months = next((route.index.alias for route in self._routes.values() if _grows(route)), None)
        self._sure_until = 0.0
        self._fields = frozenset[str]().union(*(mapped_fields(r.index.record) for r in self._routes.values()))

    async def open(self) -> None:
        """Install templates, indices and aliases, unless they are there."""
        await ensure_indices(self._client, [route.index for route in self._routes.values()])

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        """Send one bulk request and judge each document's answer."""
        body = bulk.body(documents, self._routes)
        if not body.documents:
            return Verdicts(rejected=body.refused)
        if any(_grows(self._routes[one.position.topic]) for one in body.documents):
            await self._require_templates()
        with translated():
            answer = await self._client.perform_request("POST", _PATH, headers=_HEADERS, body=body.lines)
        verdicts = response.judge(body.documents, answer["items"], self._fields)
        verdicts.rejected.extend(body.refused)
        return verdicts

    async def _require_templates(self) -> None:
        """See that a month's index will be made as it should: in an Elasticsearch that was emptied nothing says how.

        It would guess each field's type, and be behind no alias: nobody would find what is in it.
        """
        if self._months is None or time.monotonic() < self._sure_until:
            return
        with translated():
            there = await self._client.indices.exists_index_template(name=self._months)
        if not there:
            await self.open()
        self._sure_until = time.monotonic() + _SURE_SECONDS

    async def close(self) -> None:
        """Close the client."""
        await self._owner.close()


def _grows(route: Route) -> bool:
    """Say whether the first document of a month makes its index."""
    return route.index.monthly and route.into is None

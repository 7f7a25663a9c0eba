"""Elasticsearch: login to every node, version and health, and write access to every index."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from connectors.registry import entries
from hotline.config import clients
from hotline.doctor.findings import Finding, Told, findings
from hotline.doctor.reach import Address, NoTlsError, Ours, reach, speaks_tls, trusting
from schemas.contract.index_templates import SOUND, Index, indices, mapping
from schemas.enums import counted
from schemas.errors import MisconfiguredError, PipelineError, UnreachableError
from schemas.ids import source_of

if TYPE_CHECKING:
    from hotline.config.settings import Settings

OLDEST = (8, 19)
SECONDS = 10.0

_HOSTS, _AUTHORITIES = "elasticsearch.hosts", "elasticsearch.ca_certs"
_SEARCHED = ("ticket_masked", "link")
"""Requests of a web door: `hotline/runtime/components_web.py`."""

_COUNTED = ("ticket_masked",)
"""Requests of the monitor: `hotline/monitor/overdue.py`."""

_BLOCKS = ("read_only", "read_only_allow_delete", "write")

Ask = Callable[[Any], AsyncIterator[Told]]


def examine_nodes(settings: "Settings") -> Iterator[Finding]:
    """Yield the findings at each node."""
    yield from findings("Elasticsearch", lambda: _nodes(settings, _node))


def examine_watch(settings: "Settings") -> Iterator[Finding]:
    """Yield the findings for the monitor, which reads the cluster's health and counts overdue tickets."""
    yield from _let_in(settings, "archive", partial(_searches, names=_COUNTED, who="the monitor"))


def examine_elasticsearch(settings: "Settings", *, writes: bool = True, searches: bool = False) -> Iterator[Finding]:
    """Yield the findings; if no node accepts the login, the indices are unknown.

    Templates matter to writers, and only writers may read them; only a user that `searches` may read messages.
    """
    cities = dict(_cities(settings)) if searches else {}
    shards = settings.elasticsearch.shards.by_index
    yield from _let_in(settings, "indices", partial(_indices, writes=writes, cities=cities, shards=shards))


def _cities(settings: "Settings") -> Iterator[tuple[str, str]]:
    """Yield `ce_source` of each account that messages come from, and its city."""
    for section, entry in entries():
        for name, account in settings.connectors.sections[section].items():
            yield source_of(entry.channel, name), account.jurisdiction
    for name, mailbox in settings.lmtp.mailboxes.items():
        yield source_of("mailbox", name), mailbox.jurisdiction or settings.jurisdiction


def _let_in(settings: "Settings", name: str, ask: Ask) -> Iterator[Finding]:
    """Yield the findings at each node and, if one accepts the login, the answers to the questions."""
    let_in = False
    for finding in examine_nodes(settings):
        let_in = let_in or finding.outcome == "ok"
        yield finding
    if let_in:
        yield from findings(name, lambda: _asked(settings, clients.elasticsearch_hosts(settings), ask))


def examine_searches(settings: "Settings", who: str = "the web form") -> Iterator[Finding]:
    """Yield the findings for a web door or the console, which may only search two indices."""
    yield from findings("Elasticsearch", lambda: _nodes(settings, partial(_searches, names=_SEARCHED, who=who)))


def _nodes(settings: "Settings", ask: Ask) -> Iterator[Told]:
    for url in clients.elasticsearch_hosts(settings):
        try:
            _reach(settings, url)
            yield from _asked(settings, [url], ask)
        except PipelineError as error:
            yield error


def _reach(settings: "Settings", url: str) -> None:
    """The client names every fault of TLS a failed connection."""
    parts = urlsplit(url)
    secured = parts.scheme == "https"
    address = Address(
        service="Elasticsearch",
        host=parts.hostname or "",
        port=parts.port or (443 if secured else 80),
        setting=_HOSTS,
        authorities=_AUTHORITIES,
    )
    chosen = settings.elasticsearch
    ours = Ours(chosen.client_cert, chosen.client_key, "elasticsearch.client_cert")
    context: ssl.SSLContext | None = trusting(chosen.ca_certs, _AUTHORITIES, ours) if secured else None
    try:
        reach(address, context)
    except NoTlsError as error:
        raise MisconfiguredError(
            f"{address} does not use TLS: write http:// in `{_HOSTS}`, or enable TLS there."
        ) from error
    if not secured and speaks_tls(address):
        raise MisconfiguredError(f"{address} requires TLS: write https:// in `{_HOSTS}`.")


def _asked(settings: "Settings", hosts: list[str], ask: Ask) -> Iterator[Told]:
    """Run an asynchronous check; its last fault is reported like the others."""
    from sinks.elastic.errors import translated

    async def all_of_it() -> list[Told]:
        told: list[Told] = []
        async with clients.elasticsearch(settings, hosts) as client:
            try:
                with translated():
                    async for one in ask(client.options(max_retries=0, request_timeout=SECONDS)):
                        told.append(one)
            except PipelineError as error:
                told.append(error)
            except (KeyError, TypeError, ValueError):
                told.append(
                    MisconfiguredError(f"The service there does not answer like Elasticsearch: correct `{_HOSTS}`.")
                )
        return told

    yield from asyncio.run(all_of_it())


async def _node(client: Any) -> AsyncIterator[Told]:
    info = await client.info()
    number = info["version"]["number"]
    if tuple(int(part) for part in number.split(".")[:2]) < OLDEST:
        yield MisconfiguredError(f"The version of Elasticsearch is {number}: use 8.19 or newer.")
        return
    health = await client.cluster.health()
    if health["status"] == "red":
        yield UnreachableError(
            f"Elasticsearch {number} is red, {health['unassigned_shards']} shards are unavailable: check its nodes."
        )
        return
    yield f"{number}, {health['status']}"


async def _searches(client: Any, names: Sequence[str], who: str) -> AsyncIterator[Told]:
    from elasticsearch import NotFoundError

    known, missing = indices(), False
    for index in (known[name] for name in names):
        try:
            await client.search(index=index.alias, size=0)
        except NotFoundError:
            missing = True
            yield _no_alias(index)
    if not missing:
        yield f"{who} may search {' and '.join(known[name].alias for name in names)}"


async def _indices(
    client: Any, writes: bool, cities: Mapping[str, str], shards: Mapping[str, int]
) -> AsyncIterator[Told]:
    """A monthly index is born with its first document; its template must be there before."""
    async for alike in _named_alike(client, cities):
        yield alike
    faults = 0
    for name, index in indices(shards=shards).items():
        async for fault in _faults(client, name, index, writes):
            faults += 1
            yield fault
    if not faults:
        yield f"{len(indices())} correct"


async def _named_alike(client: Any, cities: Mapping[str, str]) -> AsyncIterator[PipelineError]:
    """Yield accounts with the name of another city's account: their ids coincide, so one document replaces another."""
    if not cities:
        return
    asked = {source: _of_others(source, city) for source, city in cities.items()}
    named = {
        "others": {"filters": {"filters": asked}, "aggs": {"city": {"terms": {"field": "jurisdiction", "size": 1}}}}
    }
    found = await client.search(index=f"{indices()['message'].alias}-2*", size=0, aggs=named)
    others = found["aggregations"]["others"]["buckets"] if "aggregations" in found else {}
    for source, bucket in others.items():
        for other in bucket["city"]["buckets"]:
            yield MisconfiguredError(
                f"The archive has messages of {other['key']} from an account {source.rpartition('/')[2]}, "
                f"the name of an account of {cities[source]} here. If another city uses this name, messages "
                "of both become one document: rename one of them, unless the account was moved to "
                f"{cities[source]}."
            )


def _of_others(source: str, city: str) -> dict[str, Any]:
    """Return the query for an account's messages of the last days that are another city's."""
    lately = [{"term": {"source": source}}, {"range": {"ingested_at": {"gte": "now-30d"}}}]
    return {"bool": {"filter": lately, "must_not": [{"term": {"jurisdiction": city}}]}}


async def _faults(client: Any, short: str, index: Index, writes: bool) -> AsyncIterator[PipelineError]:
    if writes and not await client.indices.exists_index_template(name=index.alias):
        yield MisconfiguredError(f"The index template {index.alias} does not exist: run `hotline index create`.")
    if not await client.indices.exists_alias(name=index.alias):
        if await client.indices.exists(index=index.alias):
            yield MisconfiguredError(
                f"An index has the name of the alias {index.alias}: delete it, or move it away (_reindex), and run "
                "`hotline index create`."
            )
        elif index.first is not None:
            yield _no_alias(index)
        return
    found = await client.indices.get(index=index.alias)
    if not index.monthly and len(found) > 1:
        yield MisconfiguredError(
            f"{len(found)} indices have the alias {index.alias} ({', '.join(sorted(found))}), so documents "
            "cannot be written or are found twice: remove the alias from all but one."
        )
    for name, body in sorted(found.items()):
        for fault in _of_one(name, body, index):
            yield fault
        there = int(body["settings"]["index"]["number_of_shards"])
        if not index.monthly and there != index.shards:
            has = counted(there, "shard")
            yield MisconfiguredError(
                f"The index {name} has {has}, and `elasticsearch.shards.{short}` is {index.shards}: "
                f"run `hotline index rebuild {short}`, or correct the setting."
            )


def _no_alias(index: Index) -> PipelineError:
    return MisconfiguredError(f"The alias {index.alias} does not exist: run `hotline index create`.")


def _of_one(name: str, body: Mapping[str, Any], index: Index) -> Iterator[PipelineError]:
    blocks = body["settings"]["index"].get("blocks", {})
    for block in _BLOCKS:
        if str(blocks.get(block)).lower() == "true":
            yield MisconfiguredError(
                f"The index {name} accepts no documents (index.blocks.{block}): free disk space on the "
                "nodes of Elasticsearch if it is full, then set that block to null."
            )
    for path, wanted, have in _unlike(mapping(index.record)["properties"], body["mappings"].get("properties", {})):
        if path == SOUND and have is None:
            yield MisconfiguredError(
                f"The index {name} is of an older version, in which nothing is found by its sound or by most of a "
                "sentence: run `hotline index rebuild` of it."
            )
        elif have is None:
            yield MisconfiguredError(f"The index {name} has no field {path}: run `hotline index create`.")
        else:
            yield MisconfiguredError(
                f"The field {path} of the index {name} has type {have}, not {wanted}: move its documents "
                "(_reindex) and its alias to a new index, which its template creates correctly."
            )


def _unlike(
    wanted: Mapping[str, Any], have: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, str, str | None]]:
    """Yield the path, the wanted type and the type that is there of each field of another type."""
    for name, field in wanted.items():
        path, kind = f"{prefix}{name}", field.get("type", "object")
        there = have.get(name)
        found = None if there is None else there.get("type", "object")
        if found != kind:
            yield path, kind, found
        elif "properties" in field:
            yield from _unlike(field["properties"], have[name].get("properties", {}), f"{path}.")

"""The concrete indices behind the aliases: names, contents, and the switch from one to its successor."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from elasticsearch import AsyncElasticsearch
from msgspec import Struct, json

from schemas.contract.index_templates import Index
from schemas.errors import MisconfiguredError
from sinks.elastic.templates import put_template

PAGE = 5_000
_NUMBER = re.compile(r"-v(\d+)(?:-|$)")
_MONTH = re.compile(r"(20\d\d)\.(\d\d)$")


class Place(Struct, frozen=True, kw_only=True):
    """One concrete index and the name for writing: the alias, or the month's name."""

    index: Index
    name: str
    concrete: str

    @property
    def successor(self) -> str:
        """Return the name of the concrete index that will replace it."""
        found = _NUMBER.search(self.concrete)
        number = int(found[1]) + 1 if found else 2
        month = _MONTH.search(self.name)
        return f"{self.index.alias}-v{number}{f'-{month[0]}' if month else ''}"

    @property
    def month(self) -> str | None:
        """Return ``2026-11`` of a monthly index."""
        found = _MONTH.search(self.name)
        return f"{found[1]}-{found[2]}" if found else None


class Entry(NamedTuple):
    """A document of an index; `at` grows with every write to its shard."""

    identifier: bytes
    version: int
    at: int


async def places(client: AsyncElasticsearch, index: Index) -> list[Place]:
    """Return what is behind an alias now, for a monthly index one place per month. Raises MisconfiguredError."""
    there: dict[str, Any] = dict(await client.options(ignore_status=404).indices.get_alias(name=index.alias))
    concrete = sorted(name for name, told in there.items() if isinstance(told, dict) and "aliases" in told)
    if index.monthly:
        return [Place(index=index, name=_month_name(index, name), concrete=name) for name in concrete]
    if len(concrete) != 1:
        raise MisconfiguredError(
            f"{len(concrete)} indices have the alias {index.alias}, not one: run `hotline index create`, or "
            "remove the alias from all but one."
        )
    return [Place(index=index, name=index.alias, concrete=concrete[0])]


async def ensure_month(client: AsyncElasticsearch, index: Index, month: str) -> None:
    """Create a missing month's index, empty; an index that grew without the template is put behind the alias."""
    name = index.of_month(month)
    await put_template(client, index)
    if not await client.indices.exists(index=name):
        await client.indices.create(index=name)
    elif not await client.indices.exists_alias(index=name, name=index.alias):
        await client.indices.put_alias(index=name, name=index.alias)


async def all_of(client: AsyncElasticsearch, index: Index) -> dict[str, dict[str, bool]]:
    """Return every concrete index of an alias with two flags: in use, and blocked for writes.

    A rebuild keeps an index that is not in use, or left it behind when it was interrupted.
    """
    pattern = f"{index.alias}-2*,{index.alias}-v*"
    found: dict[str, Any] = dict(await client.indices.get(index=pattern, features=["aliases", "settings"]))
    return {
        name: {
            "in_use": index.alias in told["aliases"],
            "blocked": told["settings"]["index"].get("blocks", {}).get("write") == "true",
        }
        for name, told in found.items()
    }


async def create(client: AsyncElasticsearch, place: Place) -> bool:
    """Create the empty successor; return True if an interrupted rebuild had left one, which is deleted first."""
    await put_template(client, place.index)
    left = bool(await client.indices.exists(index=place.successor))
    if left:
        await client.indices.delete(index=place.successor)
    body = place.index.template()["template"]
    # Said explicitly: a month's successor is none of the template's, or its alias would show it half full.
    await client.indices.create(index=place.successor, settings=body["settings"], mappings=body["mappings"])
    return left


async def block(client: AsyncElasticsearch, place: Place) -> None:
    """Block writes after those in progress; the sink repeats its writes until the successor accepts them."""
    await client.indices.add_block(index=place.concrete, block="write")


async def unblock(client: AsyncElasticsearch, concrete: str) -> None:
    """Take writes again."""
    await client.options(ignore_status=404).indices.put_settings(index=concrete, settings={"index.blocks.write": None})


async def switch(client: AsyncElasticsearch, place: Place, *, keep: bool) -> None:
    """Replace the former index in one step; it is deleted, or kept without an alias."""
    names = dict.fromkeys((place.index.alias, place.name))
    added: list[dict[str, Any]] = [{"add": {"index": place.successor, "alias": name}} for name in names]
    added[-1]["add"]["is_write_index"] = True  # the name that the sink writes to
    removed: list[dict[str, Any]] = (
        [{"remove": {"index": place.concrete, "alias": name}} for name in names]
        if keep
        else [{"remove_index": {"index": place.concrete}}]
    )
    await client.indices.update_aliases(actions=[*removed, *added])


async def entries(
    client: AsyncElasticsearch, index: str, after: dict[int, int] | None = None
) -> AsyncIterator[list[Entry]]:
    """Yield the documents of an index by shards and pages, in the order of their writes; new ones come last."""
    last = {} if after is None else after
    await client.indices.refresh(index=index)
    for shard in range(await _shards(client, index)):
        while True:
            found = await client.search(
                index=index, size=PAGE, source=False, version=True, seq_no_primary_term=True, sort=["_seq_no"],
                query={"range": {"_seq_no": {"gt": last.get(shard, -1)}}}, track_total_hits=False,
                preference=f"_shards:{shard}",
            )  # fmt: skip
            page = [Entry(hit["_id"].encode(), hit["_version"], hit["_seq_no"]) for hit in found["hits"]["hits"]]
            if not page:
                break
            last[shard] = page[-1].at
            yield page


async def _shards(client: AsyncElasticsearch, index: str) -> int:
    told = await client.indices.get_settings(index=index, name="index.number_of_shards")
    return max(int(one["settings"]["index"]["number_of_shards"]) for one in told.values())


async def values(
    client: AsyncElasticsearch, index: str, identifiers: Sequence[bytes]
) -> list[tuple[bytes, int, bytes]]:
    """Return id, version and JSON of documents."""
    if not identifiers:
        return []
    found = await client.mget(index=index, ids=[identifier.decode() for identifier in identifiers])
    return [
        (one["_id"].encode(), one["_version"], json.encode(one["_source"])) for one in found["docs"] if one["found"]
    ]


async def count(client: AsyncElasticsearch, index: str) -> int:
    """Return the number of documents in an index."""
    await client.indices.refresh(index=index)
    return int((await client.count(index=index))["count"])


def _month_name(index: Index, concrete: str) -> str:
    month = _MONTH.search(concrete)
    if month is None:
        raise MisconfiguredError(
            f"{concrete} has the alias {index.alias} but is not the index of a month: remove the alias from it."
        )
    return f"{index.alias}-{month[0]}"

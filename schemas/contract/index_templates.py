"""The archive's indices: their names, and the templates made from the records."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from schemas.fields import fields_of
from schemas.records import RECORDS

KEYWORD_LIMIT = 256
"""Characters; a longer keyword is stored and shown, but not found (a huge one would refuse the whole document)."""

_MAPPINGS: dict[str, dict[str, Any]] = {
    "keyword": {"type": "keyword", "ignore_above": KEYWORD_LIMIT},
    # One token a Han character, searched as phrases and sorted by time: nobody reads a score, so no norms.
    "text": {"type": "text", "analyzer": "standard", "norms": False},
    "date": {"type": "date"},
    "long": {"type": "long"},
    "double": {"type": "double"},
    "boolean": {"type": "boolean"},
}

QUIET: dict[str, Any] = {"indexing": {"slowlog": {"source": False}}}
"""Whoever lets Elasticsearch log slow writes gets ids and times: by itself it writes the document there, too."""

_SETTINGS: dict[str, Any] = {
    **QUIET,
    "auto_expand_replicas": "0-1",  # a copy wherever there is a second node, green where there is none
    "refresh_interval": "500ms",  # said explicitly: otherwise an index nobody searched for 30 s stops refreshing
    # Two small segments come each second: merging up to 24 at once takes half the CPU of up to 10, and finds the same.
    "merge": {"policy": {"segments_per_tier": 24, "max_merge_at_once": 24}},
}


SEARCHED = "ticket"
"""The record that people search: its index holds the pairs and the sounds of its characters, too."""

SOUND = "search_sound"
"""Toneless Pinyin of `search_text`, which the sink adds; it is searched and not stored."""

ANALYSIS: dict[str, Any] = {
    "filter": {"pairs": {"type": "shingle", "min_shingle_size": 2, "max_shingle_size": 2, "output_unigrams": False}},
    "analyzer": {"pairs": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase", "pairs"]}},
}
"""Two neighbouring tokens as one, so that a sentence is compared by its pairs of characters."""

_PAIRS: dict[str, Any] = {"type": "text", "analyzer": "pairs", "norms": False, "index_options": "freqs"}


class Index(Struct, frozen=True, kw_only=True):
    """One index behind an alias; a monthly one grows a concrete index a month, any other has one until rebuilt."""

    alias: str
    record: str
    about: str
    monthly: bool = False
    shards: int = 1

    @property
    def pattern(self) -> str:
        """Return which concrete indices the template serves; no alias matches another's pattern."""
        return f"{self.alias}-2*" if self.monthly else f"{self.alias}-v*"

    @property
    def first(self) -> str | None:
        """Return the concrete index to begin with; a monthly one begins with its first document."""
        return None if self.monthly else f"{self.alias}-v1"

    def of_month(self, month: str) -> str:
        """Return the concrete index of ``2026-11``."""
        return f"{self.alias}-{month.replace('-', '.')}"

    def template(self) -> dict[str, Any]:
        """Return the composable index template."""
        settings = _SETTINGS | {"number_of_shards": self.shards}
        if self.record == SEARCHED:
            settings |= {"analysis": ANALYSIS}
        body: dict[str, Any] = {"settings": {"index": settings}, "mappings": mapping(self.record)}
        if self.monthly:
            body["aliases"] = {self.alias: {}}
        return {"index_patterns": [self.pattern], "priority": 200, "template": body, "_meta": {"about": self.about}}


PREFIX = "hotline"


def indices(prefix: str = PREFIX, shards: Mapping[str, int] | None = None) -> dict[str, Index]:
    """Return every index of the archive by its short name; `shards` of those with more than one, by that name."""
    known = {
        "ticket": Index(alias=f"{prefix}-ticket", record="ticket", about="工单, in clear, for clerks"),
        "ticket_masked": Index(alias=f"{prefix}-ticket-masked", record="ticket", about="工单, masked, for analysts"),
        "ticket_restricted": Index(
            alias=f"{prefix}-ticket-restricted", record="ticket", about="工单, restricted (严格保密), in clear"
        ),
        "message": Index(alias=f"{prefix}-message", record="message", about="来件, by month of intake", monthly=True),
        "link": Index(alias=f"{prefix}-link", record="link", about="Message to ticket, and why"),
    }
    return {name: replace(index, shards=(shards or {}).get(name, 1)) for name, index in known.items()}


def mapping(record: str) -> dict[str, Any]:
    """Return the mapping of a record; what its fields do not index is kept in `_source` alone."""
    mapped = plain_mapping(record)
    if record == SEARCHED:
        text = mapped["properties"]["search_text"]
        mapped["properties"]["search_text"] = text | {"fields": {"pairs": _PAIRS}}
        mapped["properties"][SOUND] = _MAPPINGS["text"]
        mapped["_source"] = {"excludes": [SOUND]}
    return mapped


def plain_mapping(record: str) -> dict[str, Any]:
    """Return the mapping of a record's fields alone, which an index of an older version can take, too."""
    return {"dynamic": False, "properties": _properties(RECORDS[record])}


def _properties(record: type[Struct]) -> dict[str, Any]:
    mapped: dict[str, Any] = {}
    for field in fields_of(record):
        if field.index == "object" and field.inner is not None:
            mapped[field.name] = {"properties": _properties(field.inner)}
        elif field.index in _MAPPINGS:
            mapped[field.name] = _MAPPINGS[field.index]
    return mapped


def mapped_fields(record: str) -> frozenset[str]:
    """Return the dotted paths that the mapping knows: names of ours, safe to show in a reason."""
    return frozenset(_paths(mapping(record)["properties"], ""))


def _paths(properties: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, content in properties.items():
        yield f"{prefix}{name}"
        yield from _paths(content.get("properties", {}), f"{prefix}{name}.")

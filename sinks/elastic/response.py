"""Judges the answer of a `_bulk` request, document by document; pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.errors import MappingConflictError, TooLargeError
from sinks.base import Document, Refusal, Verdicts

DONE = frozenset({200, 201})
STALE = 409
"""Status with `external_gte` if a newer version is stored already."""

RETRY = frozenset({401, 403, 404, 408, 429, 500, 502, 503, 504})
"""Temporary faults of the server: load, a lost shard, a blocked or missing index, a missing right."""

SURROUNDINGS = frozenset({"index_closed_exception", "validation_exception"})
"""Temporary faults that Elasticsearch reports as 400: a closed index, no shard left for a new month's index."""

_NOWHERE = "no write index is defined for alias"
"""Reported like a bad document if a second index is behind an alias: each document would become a dead letter."""

_FIELD = re.compile(r"\[([a-z_]+(?:\.[a-z_]+)*)\]")

FAILED = 500
"""An internal error of Elasticsearch: mostly temporary, but one document may cause it for ever (the runner then gives
up)."""

DISKS = frozenset(
    {
        "i_o_exception",
        "file_system_exception",
        "translog_exception",
        "already_closed_exception",
        "engine_closed_exception",
        "engine_creation_failure_exception",
        "corrupt_index_exception",
    }
)
"""Faults of a node's disk, and of what closes with it, that Elasticsearch reports as 500: no document causes them."""

BLOCKED = "cluster_block_exception"

_SAID = {
    "No space left on device": "a disk of Elasticsearch is full",
    "flood-stage": "a disk of Elasticsearch is nearly full, and the index takes nothing until there is room",
}
"""What is told of a reason in which these words stand."""


def judge(documents: Sequence[Document], items: Sequence[Mapping[str, Any]], fields: frozenset[str]) -> Verdicts:
    """Sort the documents by what Elasticsearch answered for each; `fields` are the paths that a reason may name."""
    verdicts = Verdicts()
    for document, item in zip(documents, items, strict=True):
        (result,) = item.values()
        status = int(result["status"])
        if status in DONE:
            verdicts.stored.append(document)
        elif status == STALE:
            verdicts.stale.append(document)
        else:
            error = result["error"]
            passing = passes(status, error["type"]) or (error.get("reason") or "").startswith(_NOWHERE)
            heap = verdicts.retry if passing else verdicts.rejected
            heap.append(Refusal(document, _code(status, error["type"]), _reason(error, fields)))
    return verdicts


def passes(status: int, kind: str) -> bool:
    """Return whether a fault of a document is temporary."""
    return status in RETRY or kind in SURROUNDINGS


def full_disk(text: str) -> str | None:
    """Return a sentence for a full disk if the reason names one, else None."""
    return next((said for words, said in _SAID.items() if words in text), None)


def _code(status: int, kind: str) -> str:
    if status == FAILED and kind not in DISKS:
        return "internal"
    return TooLargeError.code if status == 413 else MappingConflictError.code


def _reason(error: Mapping[str, Any], fields: frozenset[str]) -> str:
    """Return the kind of error and the field; never Elasticsearch's own text, which quotes the citizen's."""
    text = error.get("reason") or ""
    if (error["type"] in DISKS or error["type"] == BLOCKED) and (said := full_disk(text)):
        return f"{error['type']}: {said}"
    found = next((path for path in _FIELD.findall(text) if path in fields), None)
    return f"{error['type']} at {found}" if found else str(error["type"])

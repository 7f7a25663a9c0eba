"""Whether a record that the pipeline wrote is what the contract promises, by every released reader."""

import json
from collections.abc import Sequence

from schemas.contract import releases
from schemas.contract.compatibility import read
from schemas.envelope import type_of
from schemas.records import RECORDS
from schemas.records.dead_letter import PREFIX

VERSIONS = [*releases.released(), releases.current()]
_NAMES = {type_of(name): name for name in RECORDS}


def check(value: bytes, headers: Sequence[tuple[str, bytes]]) -> str:
    """Fail unless every released version reads the record, and today's without loss; return what it is."""
    told = {name: text.decode() for name, text in headers}
    if "hotline.error.code" in told:  # the original's headers are before these, and are not ours
        _read_by_all("dead", {name: text for name, text in told.items() if name.startswith((PREFIX, "hotline."))})
        return "dead"
    _read_by_all("envelope", told)
    kind = _NAMES.get(told["ce_type"], "")
    if kind:
        _read_by_all(kind, json.loads(value))
        assert told["ce_dataschema"] == VERSIONS[-1].shape.schemas[kind]["$id"]
    return kind


def _read_by_all(name: str, record: object) -> None:
    seen = [read(version.shape.schemas[name], record) for version in VERSIONS if name in version.shape.schemas]
    assert seen[-1] == record or name == "command", name  # a command's words are the sender's

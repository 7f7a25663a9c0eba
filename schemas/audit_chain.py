"""The hash chain of audit records: how a record is hashed, and what is wrong with a chain as it is read.

::

    assign/3   1 ──hash──> 2 ──hash──> 3        events of partition 3 name (3, hash): the end of the chain

A record's hash covers all its other fields as JSON with sorted names, `previous` among them: a changed record does not
fit its own hash, a removed, inserted or moved one does not fit its neighbours, and a cut end does not fit the events.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from schemas.codec import UNREADABLE

WRITER = "assign/"
"""Before the number of the partition: each has one writer at a time, fenced by the broker."""

KEPT = timedelta(days=3653 - 8)
"""Retention may have taken the beginning of a chain whose first record is older; Kafka deletes whole segments."""

_encoder = msgspec.json.Encoder(order="sorted")


class Link(NamedTuple):
    """One audit record as it was read: where it stands, when the broker took it, its fields."""

    place: str
    at: datetime
    fields: dict[str, Any]


class Fault(NamedTuple):
    """What is wrong, and where."""

    place: str
    what: str


class Head(NamedTuple):
    """The end of a chain as the event log tells it; up to `settled` the records were there before they were read."""

    sequence: int
    hash: str
    settled: int


def hash_of(value: bytes) -> str:
    """Return the hash of a record's JSON, whatever hash it holds."""
    fields = msgspec.json.decode(value)
    fields.pop("hash", None)
    return hashlib.sha256(_encoder.encode(fields)).hexdigest()


def read(place: str, at: datetime, value: bytes) -> Link | Fault:
    """Read one record; it is a fault where it does not fit its own hash."""
    try:
        fields = msgspec.json.decode(value)
        changed = fields.get("hash") is not None and hash_of(value) != fields["hash"]
    except (*UNREADABLE, AttributeError):
        return Fault(place, "cannot be read")
    if changed:
        return Fault(place, f"{_name(fields)} was changed: it does not fit its own hash")
    return Link(place, at, fields)


def faults(links: Iterable[Link], heads: dict[str, Head], now: datetime) -> Iterator[Fault]:
    """Yield what is wrong with the chains, in the order of their writers; `heads` are their ends by writer."""
    chains: dict[str, list[Link]] = {}
    for link in links:
        chains.setdefault(str(link.fields.get("writer")), []).append(link)
    bare = chains.pop("None", [])
    begun = min((link.at for chain in chains.values() for link in chain), default=None)
    for link in bare:  # before the first chain they are those of an older version
        if begun is not None and link.at > begun:
            yield Fault(link.place, "was inserted: it belongs to no chain")
    for writer in sorted({*chains, *heads}):
        yield from _faults(writer, chains.get(writer, []), heads.get(writer), now)


def _faults(writer: str, chain: list[Link], head: Head | None, now: datetime) -> Iterator[Fault]:
    before: Link | None = None
    yield from _moved(writer, chain)
    for link in sorted(chain, key=lambda one: one.fields["sequence"]):
        sequence: int = link.fields["sequence"]
        known: dict[str, Any] = before.fields if before else {"sequence": 0, "hash": None}
        if before is not None and sequence == known["sequence"]:
            if link.fields["hash"] != known["hash"]:  # the same once more is a decision that was made again
                yield Fault(link.place, f"{writer} {sequence} was inserted: another record has this number")
            continue
        gone = sequence - known["sequence"] - 1
        if gone and (before is not None or now - link.at < KEPT):
            yield Fault(link.place, f"{writer} {_numbers(known['sequence'] + 1, sequence - 1)} before it removed")
        elif not gone and link.fields.get("previous") != known["hash"]:
            yield Fault(link.place, f"{writer} {sequence} does not follow the record before it")
        before = link
    yield from _cut(writer, before, head)


def _moved(writer: str, chain: list[Link]) -> Iterator[Fault]:
    """Yield what stands behind a later record of its own partition of the topic."""
    newest: dict[str, int] = {}
    for link in chain:
        partition, sequence = link.place.partition(":")[0], link.fields["sequence"]
        if sequence < newest.get(partition, 0):
            yield Fault(link.place, f"{writer} {sequence} was moved: it stands behind {newest[partition]}")
        newest[partition] = max(sequence, newest.get(partition, 0))


def _cut(writer: str, last: Link | None, head: Head | None) -> Iterator[Fault]:
    if head is None:
        return
    sequence = last.fields["sequence"] if last else 0
    if sequence < head.settled:
        place = last.place if last else "the whole topic"
        yield Fault(place, f"{writer} {_numbers(sequence + 1, head.settled)} behind it removed: the event log has them")
    elif last is not None and sequence > head.sequence:
        yield Fault(last.place, f"{writer} {_numbers(head.sequence + 1, sequence)} was inserted: no event names it")
    elif last is not None and sequence == head.sequence and last.fields["hash"] != head.hash:
        yield Fault(last.place, f"{writer} {sequence} is another record than the event log names")


def _numbers(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} to {last}"


def _name(fields: dict[str, Any]) -> str:
    return f"{fields.get('writer')} {fields.get('sequence')}"

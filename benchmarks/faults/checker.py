"""The checker: says what is lost, doubled, half done, out of order or stale in the topics and in the archive.

It knows nothing of the pipeline but its contract: what was sent, and what must be there for it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

from benchmarks.faults.clerk import ORDERED_KINDS, ordered_id
from benchmarks.faults.ledger import Ledger, digest_of
from benchmarks.faults.sources import Numbered
from schemas import topics
from schemas.codec import decode
from schemas.contract.index_templates import indices
from schemas.records import Message, Ticket
from sinks.elastic.bulk import EMPTY
from tickets.records_out import RESTRICTED

SOON = 8
"""Decisions of a city between two neighbours' messages, within which they must be in one cluster.

A blocking key keeps its newest tickets alone. All texts of the crowd share their keys, so that an outage of a mailbox
can put so many tickets between two neighbours that none of the keys leads from one to the other: in random orders of
the crowd without any fault pairs were first missed with 15 decisions between them.
"""

SHARDS_SECONDS = 60
"""Within which the shards of an index that was just made take questions, however busy the machine is."""

AT_ONCE, MESSAGES_AT_ONCE = 5_000, 500
"""Documents of an answer; a message holds all that a citizen wrote, and its features."""


def in_topics(sent: Iterable[Numbered], ledger: Ledger) -> dict[str, list[str]]:
    """Return what is wrong in the topics, by kind; nothing when every number is where it belongs, once."""
    return by_kind(_topic_faults(list(sent), ledger))


def _topic_faults(sent: list[Numbered], ledger: Ledger) -> Iterator[tuple[str, str]]:
    planted = {message.number for message in sent if message.is_poison}
    for message in sent:
        ids = ledger.ids.get(message.number, set())
        if message.number in planted:
            if message.number not in ledger.dead:
                yield "planted dead letter missing", message.mark
            if ids:
                yield "planted dead letter became a message", message.mark
            continue
        if not ids:
            yield "lost before message" if message.number in ledger.raw else "lost before raw", message.mark
        if len(ids) > message.parts:
            yield "doubled", message.mark
        elif ids and len(ids) < message.parts:
            yield "lost a part", message.mark
        elif message.parts > 1 and not _is_joined(message, ids, ledger):
            yield "parts not joined", message.mark
        for message_id in ids:
            yield from _message_faults(message, message_id, ledger)
    for number in ledger.dead - planted:
        yield "dead letter that was not planted", str(number)
    for strange in ledger.strange:
        yield "strange dead letter", strange
    numbers = {message_id: number for number, ids in ledger.ids.items() for message_id in ids}
    urgent = {message.number for message in sent if message.is_urgent}
    for message_id in ledger.handovers:
        if numbers.get(message_id) not in urgent:
            yield "handed over without an emergency", message_id
    yield from _ticket_faults(ledger)
    matters = {message.number: message.first.number for message in sent}
    yield from _merge_faults(ledger, {name: matters.get(number, number) for name, number in numbers.items()})
    yield from _cluster_faults(sent, ledger)
    yield from _order_faults(sent, ledger)


def _message_faults(message: Numbered, message_id: str, ledger: Ledger) -> Iterator[tuple[str, str]]:
    link = ledger.links.get(message_id)
    if len(ledger.filed[message_id]) != 1:
        yield f"decided {len(ledger.filed[message_id])} times", message.mark
    if len(ledger.linked[message_id]) > 1:
        yield "in more than one ticket", message.mark
    if link is None or link.ticket_id is None:
        yield "without a link to a ticket", message.mark
    elif link.ticket_id not in ledger.tickets:
        yield "linked to no ticket", message.mark
    elif message.is_spoken and not message.is_forgotten and not _has_file(ledger.tickets[link.ticket_id]):
        yield "file never fetched", message.mark
    if message.is_urgent and message_id not in ledger.handovers:
        yield "emergency not handed over", message.mark


def _has_file(ticket: Ticket) -> bool:
    return any(file.dataref for file in ticket.attachments)


def _is_joined(message: Numbered, ids: set[str], ledger: Ledger) -> bool:
    tickets = {link.ticket_id for one in ids if (link := ledger.links.get(one))}
    ticket = ledger.tickets.get(next(iter(tickets)) or "") if len(tickets) == 1 else None
    return ticket is not None and ticket.text == message.text


def _ticket_faults(ledger: Ledger) -> Iterator[tuple[str, str]]:
    for ticket_id, versions in ledger.versions.items():
        newest = max(versions)
        if sorted(versions) != list(range(1, newest + 1)) or set(versions.values()) != {1}:
            yield "version chain broken", ticket_id
        other = ("restricted ticket", ledger.restricted) if _is_restricted(ticket_id, ledger) else _masked(ledger)
        if _is_restricted(ticket_id, ledger) and ledger.values.get((topics.TICKET_MASKED, ticket_id), EMPTY) != EMPTY:
            yield "restricted ticket in the masked topic", ticket_id
        for name, known in (("ticket", ledger.tickets), other):
            if ticket_id not in known:
                yield f"{name} never written", ticket_id
            elif known[ticket_id].version != newest:
                yield f"{name} at an older version", ticket_id
    for ticket_id in ledger.tickets.keys() - ledger.versions.keys():
        yield "ticket without an event", ticket_id
    for ticket_id in ledger.disordered:
        yield "older version behind a newer one", ticket_id


def _masked(ledger: Ledger) -> tuple[str, dict[str, Ticket]]:
    return "masked ticket", ledger.masked


def _is_restricted(ticket_id: str, ledger: Ledger) -> bool:
    ticket = ledger.tickets.get(ticket_id)
    return ticket is not None and ticket.confidentiality == RESTRICTED and not ticket.erased


def _merge_faults(ledger: Ledger, numbers: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Each matter of a citizen, by its first number, has a ticket of its own, which is one chain of versions."""
    inside: defaultdict[str, set[int]] = defaultdict(set)
    chains: defaultdict[int, set[str]] = defaultdict(set)
    for message_id, number in numbers.items():
        for ticket_id in filter(None, ledger.linked[message_id]):
            inside[ticket_id].add(number)
            chains[number].add(ticket_id)
    for ticket_id, found in inside.items():
        if len(found) > 1:
            yield "two citizens in one ticket", f"{ticket_id}: {sorted(found)}"
    for number, tickets in chains.items():
        if len(tickets) > 1:
            yield "one citizen's message in two tickets", f"{number}: {sorted(tickets)}"
    for ticket_id in ledger.tickets.keys() - inside.keys():
        yield "ticket of no message", ticket_id


def _cluster_faults(sent: list[Numbered], ledger: Ledger) -> Iterator[tuple[str, str]]:
    """What two citizens say of one matter is in two tickets of one cluster; what one says again is in its ticket."""
    for message in sent:
        tickets = [ledger.tickets[name] for name in ledger.tickets_of(message.number)]
        if message.first is not message and any(message.mark not in one.text for one in tickets):
            yield "words missing in their ticket", message.mark
        asked = message.beside and ledger.decided_close(message.number, message.beside.number, SOON)
        others = ledger.tickets_of(message.beside.number) if asked and message.beside else ()
        clusters = {ledger.tickets[name].cluster_id for name in others}
        if clusters and any(one.cluster_id not in clusters for one in tickets):
            yield "one matter in two clusters", message.mark


def _order_faults(sent: list[Numbered], ledger: Ledger) -> Iterator[tuple[str, str]]:
    """Each order about a ticket is decided once, and the last one stands."""
    for message in (one for one in sent if one.is_ordered):
        for ticket_id in ledger.tickets_of(message.number):
            for number in range(len(ORDERED_KINDS)):
                if (count := ledger.ordered[ordered_id(ticket_id, number)]) != 1:
                    yield f"order decided {count} times", message.mark
            if ledger.tickets[ticket_id].request_kind != ORDERED_KINDS[-1]:
                yield "an order that is not the last one stands", message.mark


def in_store(ledger: Ledger, folder: Path) -> dict[str, list[str]]:
    """Return the files that a ticket names and the blob store in `folder` has not got."""
    named = {file.dataref for ticket in ledger.tickets.values() for file in ticket.attachments if file.dataref}
    return by_kind(("file not in the blob store", name) for name in named if not (folder / name).is_file())


def in_archive(ledger: Ledger, url: str) -> dict[str, list[str]]:
    """Return what is wrong in the archive: each ticket, message and link must be there as it was written last."""
    client = Elasticsearch(url)
    try:
        client.indices.refresh(index="hotline-*")
        return by_kind(_archive_faults(ledger, client)) or by_kind(_content_faults(ledger, client))
    finally:
        client.close()


def _archive_faults(ledger: Ledger, client: Elasticsearch) -> Iterator[tuple[str, str]]:
    wanted: Mapping[str, Mapping[str, int | None]] = {
        "ticket": _stored(ledger, topics.TICKET, ledger.tickets),
        "ticket_masked": _stored(ledger, topics.TICKET_MASKED, ledger.masked),
        "ticket_restricted": _stored(ledger, topics.TICKET_RESTRICTED, ledger.restricted),
        "link": {name: one.version for name, one in ledger.links.items()},
        "message": dict.fromkeys(ledger.messages),
    }
    for index, versions in wanted.items():
        there = _versions(client, index)
        for name, version in versions.items():
            if name not in there:
                yield f"{index} not in the archive", name
            elif version is not None and there[name] != version:
                yield f"{index} stale in the archive", name
        for name in there.keys() - versions.keys():
            yield f"{index} in the archive that no topic has", name


def _stored(ledger: Ledger, topic: str, known: Mapping[str, Ticket]) -> dict[str, int | None]:
    """Return the version that each document tells, None of one that is empty as its ticket is another index's."""
    return {name: None if ledger.values[topic, name] == EMPTY else one.version for name, one in known.items()}


def _content_faults(ledger: Ledger, client: Elasticsearch) -> Iterator[tuple[str, str]]:
    """Compare every document with the newest record, field by field; of messages their digests."""
    for index, topic in (
        ("ticket", topics.TICKET),
        ("ticket_masked", topics.TICKET_MASKED),
        ("ticket_restricted", topics.TICKET_RESTRICTED),
        ("link", topics.LINK),
    ):
        for hit in _hits(client, index):
            if hit["_source"] != json.loads(ledger.values[topic, hit["_id"]]):
                yield f"{index} in the archive unlike its topic", hit["_id"]
    for hit in _hits(client, "message", MESSAGES_AT_ONCE):
        if not _is_as_written(hit["_id"], json.dumps(hit["_source"]).encode(), ledger):
            yield "message in the archive unlike its topic", hit["_id"]


def _is_as_written(message_id: str, value: bytes, ledger: Ledger) -> bool:
    """Say whether a message is its record, also where an erasure is to be carried out, or what an erasure leaves."""
    if digest_of(value) == ledger.messages.get(message_id):
        return True
    return message_id in ledger.emptied and decode(value, Message) in ledger.emptied[message_id]


def _versions(client: Elasticsearch, index: str) -> dict[str, int | None]:
    fields = False if index == "message" else ["version"]  # a message has none, and much else to be read
    return {hit["_id"]: hit.get("_source", {}).get("version") for hit in _hits(client, index, _source=fields)}


def _hits(client: Elasticsearch, index: str, at_once: int = AT_ONCE, **query: Any) -> Iterator[Any]:
    alias = indices()[index].alias
    if not client.indices.exists_alias(name=alias):  # a monthly index comes with its first document
        return
    patient = client.options(request_timeout=2 * SHARDS_SECONDS)  # a new index answers 503 until its shards have begun
    patient.cluster.health(index=alias, wait_for_status="yellow", timeout=f"{SHARDS_SECONDS}s")
    yield from scan(client, index=alias, query=query, size=at_once)


def by_kind(faults: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return where each kind of fault was found."""
    told: defaultdict[str, list[str]] = defaultdict(list)
    for kind, what in faults:
        told[kind].append(what)
    return dict(told)

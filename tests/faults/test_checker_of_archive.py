"""The checker of the fault suite finds each fault of the archive that is made on purpose, in a real Elasticsearch."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch
from msgspec.structs import replace

from benchmarks.faults import erasures
from benchmarks.faults.checker import in_archive
from benchmarks.faults.ledger import Ledger
from hotline.dev.stack.stack import Endpoints
from schemas import topics
from schemas.codec import Position, decode, encode
from schemas.contract.index_templates import indices
from schemas.records import Event, event
from schemas.records.event_base import ErasedMessage
from sinks import SINKS, Document
from sinks.elastic.sink import ElasticSink
from sinks.eraser import Target, emptied
from tests.faults.test_checker import Records, of, sent, written

pytestmark = [pytest.mark.integration, pytest.mark.faults]

ROUTES = SINKS["elastic"]
EVERY = ("ticket", "ticket_masked", "link", "message")
FORGOTTEN = ("ticket", "ticket_masked", "message")
everything = cache(written)


class Run:
    """What a run left: the topics, and an archive that holds each record of them."""

    def __init__(self, url: str, records: Records) -> None:
        self.url, self.records, self.ledger = url, records, Ledger()
        for record in records:
            self.ledger.take(record)
        asyncio.run(self._write())
        self.client = Elasticsearch(url)

    def found(self) -> dict[str, list[str]]:
        return in_archive(self.ledger, self.url)

    def third(self, index: str) -> str:
        """Return the name of the document on which a fault is tried."""
        key: bytes = of(self.records, ROUTES[index].topic)[2].key
        return key.decode()

    def hit(self, index: str) -> Any:
        """Return that document, and in which index it stands."""
        alias = indices()[index].alias
        self.client.indices.refresh(index=alias)
        (hit,) = self.client.search(index=alias, query={"ids": {"values": [self.third(index)]}})["hits"]["hits"]
        return hit

    def put(self, index: str, name: str | None = None, **changed: Any) -> None:
        """Store the document again, some fields of it changed, or under another name."""
        hit = self.hit(index)
        self.client.index(index=hit["_index"], id=name or hit["_id"], document=hit["_source"] | changed)

    def empty(self, name: str, city: str, at: datetime) -> None:
        """Put in a message's place what the eraser leaves of it."""
        left = emptied(Target(name, None, city, at, whole=True))
        self.client.index(index=self.hit("message")["_index"], id=name, document=msgspec.to_builtins(left))

    async def _write(self) -> None:
        sink = ElasticSink(AsyncElasticsearch(self.url, request_timeout=60), ROUTES.values())
        wanted = {route.topic for route in ROUTES.values()}
        documents = [
            Document(Position(one.topic, 0, at), one.key, one.value, one.headers)
            for at, one in enumerate(self.records)
            if one.topic in wanted
        ]
        try:
            verdicts = await sink.write(documents)
        finally:
            await sink.close()
        assert len(verdicts.stored) == len(documents)


@pytest.fixture
def run(stack: Endpoints, fresh_indices: None) -> Iterator[Run]:
    one = Run(stack.elasticsearch_url, everything())
    yield one
    one.client.close()


def test_nothing_is_wrong_where_the_archive_holds_what_the_topics_hold(run: Run) -> None:
    assert run.found() == {}


def test_a_document_that_is_missing_is_found(run: Run) -> None:
    for index in EVERY:
        run.client.delete(index=run.hit(index)["_index"], id=run.third(index))
    assert run.found() == {f"{index} not in the archive": [run.third(index)] for index in EVERY}


def test_an_archive_without_any_message_is_found(run: Run) -> None:
    """As a month's index comes with its first document, none of them is no error of Elasticsearch."""
    run.client.indices.delete(index=run.hit("message")["_index"])
    assert set(run.found()["message not in the archive"]) == set(run.ledger.messages)


def test_a_document_at_an_older_version_is_found(run: Run) -> None:
    """A message has no versions: an older one of it is one that is unlike its record."""
    versioned = EVERY[:3]
    for index in versioned:
        run.put(index, version=0)
    assert run.found() == {f"{index} stale in the archive": [run.third(index)] for index in versioned}


@pytest.mark.parametrize(
    ("index", "changed"),
    [
        ("ticket", {"title": "another"}),
        ("ticket_masked", {"attachments": [{"id": "another"}]}),
        ("link", {"ticket_id": "another"}),
        ("message", {"text": "another"}),
        ("message", {"raw": {"sha256": "another"}}),
    ],
)
def test_a_document_with_one_field_that_is_unlike_its_record_is_found(
    run: Run, index: str, changed: dict[str, Any]
) -> None:
    run.put(index, **changed)
    assert run.found() == {f"{index} in the archive unlike its topic": [run.third(index)]}


def test_a_document_that_no_topic_has_is_found(run: Run) -> None:
    for index in EVERY:
        run.put(index, name="another")
    assert run.found() == {f"{index} in the archive that no topic has": ["another"] for index in EVERY}


def test_a_message_is_emptied_where_an_event_erased_it_and_nowhere_else(run: Run) -> None:
    """How it was before is no fault here: until the eraser comes, the checker of erasures tells of it."""
    name = run.third("message")
    (record,) = (one for one in of(run.records, topics.EVENT) if decode(one.value, Event).input.message_id == name)
    decision = decode(record.value, Event)
    run.empty(name, decision.jurisdiction, decision.at)
    assert run.found() == {"message in the archive unlike its topic": [name]}
    erasure = event.Erased(ticket_id=decision.tickets[0].ticket_id, messages=(ErasedMessage(message_id=name),))
    value = encode(replace(decision, changes=(erasure,), tickets=()))
    run.ledger.take(SimpleNamespace(**vars(record) | {"value": value}))
    assert run.found() == {}
    run.empty(name, decision.jurisdiction, decision.at + timedelta(seconds=1))
    assert run.found() == {"message in the archive unlike its topic": [name]}


@pytest.mark.parametrize("index", FORGOTTEN)
def test_what_is_left_of_a_citizen_who_is_forgotten_is_found(run: Run, tmp_path: Path, index: str) -> None:
    """By the number or by the address, in whichever field."""
    one = next(message for message in sent() if message.is_forgotten)
    (message_id,), (ticket_id,) = run.ledger.ids[one.number], run.ledger.tickets_of(one.number)
    for left, told in (({}, []), ({"title": one.mark}, [index]), ({"reply_to": [{"value": one.address}]}, [index])):
        for other in FORGOTTEN:
            name = message_id if other == "message" else ticket_id
            run.client.index(index=run.hit(other)["_index"], id=name, document=left if other == index else {})
        found = erasures.after([one], run.ledger, run.url, tmp_path, 4)
        of_archive = [kind for kind in found if kind.endswith("still in the archive")]
        assert of_archive == [f"erased {name} still in the archive" for name in told]

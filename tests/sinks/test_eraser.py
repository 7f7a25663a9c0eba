"""Erased messages are empty in every index that has them, for good, and their blobs are gone."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import obstore
import pytest
from elasticsearch import AsyncElasticsearch
from msgspec.structs import replace
from obstore.store import LocalStore
from prometheus_client import REGISTRY

from hotline.dev.stack.stack import Endpoints
from hotline.search.archive import Archive
from schemas import topics
from schemas.codec import Position, decode, encode
from schemas.errors import RetriableError, UnreachableError
from schemas.records import Command, Event, InputRef, Message, event
from schemas.records.event_base import ErasedMessage
from sinks import Document, eraser, routes
from sinks.elastic import indices
from sinks.elastic.sink import ElasticSink
from sinks.eraser import Eraser
from sinks.eraser import routes as eraser_routes
from storage import paths
from tests.broken_off import break_off
from tests.tickets.build import message
from tests.tickets.records_of_calls import LAMP, Calls

pytestmark = pytest.mark.integration

AT = datetime(2026, 12, 3, tzinfo=UTC)
SECRET = "13812345678"
ONE, OTHER = message(1, f"电话{SECRET}"), message(2, "路灯坏了")


def stored(one: Any, month: str = "2026-11") -> Document:
    headers = [("ce_sequence", b"0000000001"), ("ce_recordedtime", f"{month}-24T01:12:02+00:00".encode())]
    return Document(Position(topics.MESSAGE, 0, 0), one.message_id.encode(), encode(one), headers)


def told(*changes: event.AnyChange) -> Document:
    decision = Event(
        event_id="command:c1",
        jurisdiction="210100",
        at=AT,
        input=InputRef(command_id="c1", topic="t", partition=0, offset=0),
        relation="command",
        policy_version="1",
        changes=changes,
    )
    return Document(Position(topics.EVENT, 0, 0), b"t", encode(decision), [])


def erased(month: str | None = "2026-11") -> Document:
    return told(event.Erased(ticket_id="t", messages=(ErasedMessage(message_id=ONE.message_id, month=month),)))


class Place:
    """Indices and blobs of one test."""

    def __init__(self, url: str, folder: Path) -> None:
        self.prefix = f"eraser{uuid4().hex[:8]}"
        self.client = AsyncElasticsearch(url, request_timeout=60)
        self.folder = folder
        self.blobs = LocalStore(folder, mkdir=True)
        self.eraser = Eraser(AsyncElasticsearch(url, request_timeout=60), self.blobs, self.prefix)
        self.elastic = ElasticSink(AsyncElasticsearch(url, request_timeout=60), [routes(self.prefix)["message"]])

    async def keep(self, one: Message, name: str) -> None:
        """Put an object into the folder of a message."""
        await obstore.put_async(self.blobs, f"210100/{one.message_id}/{name}", b"jpg")

    async def kept(self, one: Message) -> set[str]:
        """Return what lies in the folder of a message."""
        there = await obstore.list(self.blobs, f"210100/{one.message_id}/").collect_async()
        return {each["path"].rsplit("/", 1)[1] for each in there}

    async def texts(self) -> dict[str, list[str]]:
        """Return what the archive holds of each message, in every index."""
        await self.client.indices.refresh(index=f"{self.prefix}-message*")
        answer = await self.client.search(index=f"{self.prefix}-message*", size=100)
        found: dict[str, list[str]] = {}
        for hit in answer["hits"]["hits"]:
            found.setdefault(hit["_id"], []).append(hit["_source"]["text"])
        return found


@pytest.fixture
async def place(stack: Endpoints, tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(stack.elasticsearch_url, tmp_path / "blobs")
    await made.elastic.open()
    try:
        yield made
    finally:
        for name in await made.client.indices.get(index=f"{made.prefix}-*"):
            await made.client.indices.delete(index=name)
        await made.client.indices.delete_index_template(name=f"{made.prefix}-message")
        for client in (made.client, made.eraser, made.elastic):
            await client.close()


@pytest.mark.parametrize("month", ["2026-11", None])
async def test_every_copy_is_emptied_and_never_comes_back(place: Place, month: str | None) -> None:
    await place.elastic.write([stored(ONE), stored(OTHER)])
    await place.elastic.write([stored(ONE, "2026-12")])  # the same message, taken in again a month later
    assert (await place.eraser.write([erased(month)])).stored
    await place.elastic.write([replace_version(stored(ONE), 7)])
    found = await place.texts()
    assert found == {ONE.message_id: ["", ""], OTHER.message_id: [OTHER.text]}
    told_by_archive = await Archive(place.client, place.prefix).message(ONE.message_id)
    assert told_by_archive is not None
    assert told_by_archive.message_class == "erased"


async def test_no_copy_stays_of_more_than_elasticsearch_gives_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eraser, "MOST_COPIES", 3)
    monkeypatch.setattr(eraser, "AT_ONCE", 1, raising=False)
    months = ("2026-10", "2026-11", "2026-12")
    await place.elastic.write([stored(one, month) for one in (ONE, OTHER) for month in months])
    both = tuple(ErasedMessage(message_id=one.message_id, month="2026-11") for one in (ONE, OTHER))
    assert (await place.eraser.write([told(event.Erased(ticket_id="t", messages=both))])).stored
    assert await place.texts() == {ONE.message_id: [""] * 3, OTHER.message_id: [""] * 3}


@pytest.mark.parametrize("whole", [True, False])
async def test_what_a_kill_left_of_a_write_goes_too(place: Place, monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    """No list tells of it, and it may hold every word."""
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    left = break_off(place.folder, f"210100/{ONE.message_id}/{'a' * 64}")
    redacted = event.Redacted(
        ticket_id="t", fields=("text",), messages=(ErasedMessage(message_id=ONE.message_id, month="2026-11"),)
    )
    assert (await place.eraser.write([erased() if whole else told(redacted)])).stored
    assert not left.exists()
    assert {"erased" if whole else "redacted", ONE.message_id} <= set(synced)  # no power cut brings it back


async def test_while_an_index_is_put_in_the_place_of_another_the_erasure_waits(place: Place) -> None:
    await place.elastic.write([stored(ONE)])
    (old,) = await indices.places(place.client, routes(place.prefix)["message"].index)
    await indices.create(place.client, old)
    await indices.block(place.client, old)
    with pytest.raises(UnreachableError):
        await place.eraser.write([erased()])
    await indices.switch(place.client, old, keep=False)
    assert len((await place.eraser.write([erased()])).stored) == 1
    found = await place.client.get(index=old.successor, id=ONE.message_id)
    assert (found["_version"], found["_source"]["text"]) == (2**53, "")


def other(month: str = "2026-12") -> Document:
    return told(event.Erased(ticket_id="u", messages=(ErasedMessage(message_id=OTHER.message_id, month=month),)))


async def test_an_erasure_that_has_to_wait_holds_up_no_other(place: Place) -> None:
    await place.elastic.write([stored(ONE), stored(OTHER, "2026-12")])
    index = f"{place.prefix}-message-2026.11"
    await place.client.indices.put_settings(index=index, settings={"index.blocks.write": True})
    verdicts = await place.eraser.write([erased(), told(), other()])
    assert ([one.code for one in verdicts.retry], len(verdicts.stored)) == (["unreachable"], 2)
    assert await place.texts() == {ONE.message_id: [ONE.text], OTHER.message_id: [""]}
    await place.client.indices.put_settings(index=index, settings={"index.blocks.write": None})
    assert (await place.eraser.write([verdicts.retry[0].document])).stored
    assert await place.texts() == {ONE.message_id: [""], OTHER.message_id: [""]}


@pytest.mark.parametrize("month", ["2026-11", "2026-10", None])
async def test_an_erasure_waits_for_a_closed_index_that_may_hold_it(place: Place, month: str | None) -> None:
    await place.elastic.write([stored(ONE), stored(OTHER, "2026-12")])
    index = f"{place.prefix}-message-2026.11"
    await place.client.indices.close(index=index)
    verdicts = await place.eraser.write([erased(month), other()])
    assert (len(verdicts.retry), len(verdicts.stored)) == (1, 1)
    assert "closed index" in verdicts.retry[0].reason
    await place.client.indices.open(index=index, wait_for_active_shards="1")
    assert (await place.eraser.write([erased(month)])).stored
    assert set(map(tuple, (await place.texts()).values())) <= {("",), ("", "")}


async def test_what_lies_in_a_lost_shard_is_not_taken_for_erased(place: Place) -> None:
    await place.elastic.write([stored(ONE)])
    lost = {"index.routing.allocation.require._name": "nowhere"}
    await place.client.indices.create(
        index=f"{place.prefix}-message-2026.12", settings=lost, wait_for_active_shards="0"
    )
    place.eraser._client = place.eraser._client.options(request_timeout=2)  # a refresh waits for the shard
    with pytest.raises(UnreachableError):
        await place.eraser.write([erased(None)])
    with pytest.raises(UnreachableError):
        await Archive(place.client, place.prefix).message(ONE.message_id)


async def test_bytes_as_they_came_are_told_from_attachments_before_the_message_is_indexed(place: Place) -> None:
    for name in ("large", "large.raw", "photo"):
        await place.keep(ONE, name)
    redaction = event.Redacted(ticket_id="t", fields=("text",), messages=(ErasedMessage(message_id=ONE.message_id),))
    assert (await place.eraser.write([told(redaction)])).stored
    assert await place.kept(ONE) == {"redacted", "photo"}


async def test_a_message_that_comes_after_its_erasure_stays_empty(place: Place) -> None:
    await place.eraser.write([erased()])
    await place.elastic.write([stored(ONE)])
    assert await place.texts() == {ONE.message_id: [""]}
    await place.eraser.write([erased()])
    assert await place.texts() == {ONE.message_id: [""]}


@pytest.mark.parametrize(("fields", "left"), [(("text",), {"redacted", "photo"}), (("attachments",), {"erased"})])
async def test_a_redaction_takes_the_bytes_as_they_came_and_attachments_only_where_it_names_them(
    place: Place, fields: tuple[str, ...], left: set[str]
) -> None:
    await place.elastic.write([stored(replace(ONE, raw=replace(ONE.raw, dataref=f"210100/{ONE.message_id}/large")))])
    for name in ("bytes", "bytes.json", "large", "photo"):
        await place.keep(ONE, name)
    await place.keep(OTHER, "photo")
    messages = (ErasedMessage(message_id=ONE.message_id, month="2026-11"),)
    redaction = told(event.Redacted(ticket_id="t", fields=fields, messages=messages))
    for _ in range(2):
        assert (await place.eraser.write([redaction])).stored
        assert await place.kept(ONE) == left
    assert await place.kept(OTHER) == {"photo"}
    assert await place.texts() == {ONE.message_id: [""]}


async def test_an_erasure_leaves_nothing_but_its_mark(place: Place) -> None:
    for one in (ONE, OTHER):
        await place.keep(one, "photo")
    for _ in range(2):
        await place.eraser.write([erased()])
        assert await place.kept(ONE) == {"erased"}
    assert await place.kept(OTHER) == {"photo"}


async def test_while_the_blob_store_is_away_nothing_counts_as_erased(place: Place) -> None:
    await place.elastic.write([stored(ONE)])
    place.folder.rename(place.folder.with_name("gone"))
    with pytest.raises(UnreachableError, match="mount it"):
        await place.eraser.write([erased()])


async def test_other_decisions_touch_nothing(place: Place) -> None:
    await place.elastic.write([stored(ONE)])
    verdicts = await place.eraser.write([told(event.StatusSet(ticket_id="t", status="registered")), told()])
    assert len(verdicts.stored) == 2
    assert await place.texts() == {ONE.message_id: [ONE.text]}


async def test_an_event_that_cannot_be_read_is_reported_and_holds_up_nobody(place: Place) -> None:
    await place.elastic.write([stored(ONE)])
    broken = told()._replace(value=b'{"change":"erased"')
    verdicts = await place.eraser.write([broken, erased()])
    assert [refusal.code for refusal in verdicts.rejected] == ["schema"]
    assert await place.texts() == {ONE.message_id: [""]}


def tries() -> float:
    return REGISTRY.get_sample_value("hotline_sinks_newer_events_total") or 0


async def test_an_event_of_a_later_version_is_held_and_holds_up_no_other(place: Place) -> None:
    """It may erase, in a way that this version does not know."""
    await place.elastic.write([stored(ONE)])
    value = told(event.Erased(ticket_id="t")).value.replace(b'"change":"erased"', b'"change": "phone_erased"')
    later = told()._replace(value=value)
    before = tries()
    verdicts = await place.eraser.write([later, erased(), told()])
    assert [(one.document, one.code) for one in verdicts.retry] == [(later, "unreachable")]
    assert "phone_erased" in verdicts.retry[0].reason
    assert (len(verdicts.stored), verdicts.rejected) == (2, [])
    assert await place.texts() == {ONE.message_id: [""]}
    with pytest.raises(RetriableError, match="finish the upgrade"):
        await place.eraser.write([later, told()])
    assert tries() == before + 2


async def test_while_the_archive_is_away_nothing_counts_as_erased(tmp_path: Path) -> None:
    eraser = Eraser(AsyncElasticsearch("http://127.0.0.1:1"), LocalStore(tmp_path))
    with pytest.raises(UnreachableError):
        await eraser.write([erased()])
    await eraser.close()
    assert [route.topic for route in eraser_routes()] == [topics.EVENT]


def replace_version(document: Document, version: int) -> Document:
    headers = [(name, b"%010d" % version if name == "ce_sequence" else value) for name, value in document.headers]
    return document._replace(headers=headers, value=encode(replace(ONE, normalizer_version=version)))


@pytest.mark.parametrize("month", ["2026-11", None])
async def test_a_message_without_a_ticket_is_emptied_and_its_bytes_are_gone(place: Place, month: str | None) -> None:
    await place.elastic.write([stored(ONE), stored(OTHER)])
    for one in (ONE, OTHER):
        await place.keep(one, "photo")
    change = event.MessagesErased(messages=(ErasedMessage(message_id=ONE.message_id, month=month),))
    assert (await place.eraser.write([told(change)])).stored
    assert {name: set(texts) for name, texts in (await place.texts()).items()} == {
        ONE.message_id: {""}, OTHER.message_id: {OTHER.text},
    }  # fmt: skip
    assert (await place.kept(ONE), await place.kept(OTHER)) == ({"erased"}, {"photo"})


async def test_one_that_the_archive_never_had_stays_out_of_it(place: Place) -> None:
    """A dead letter that is put back, as long as Kafka has it."""
    change = event.MessagesErased(messages=(ErasedMessage(message_id=ONE.message_id),))
    assert (await place.eraser.write([told(change)])).stored
    await place.elastic.write([stored(ONE), stored(ONE, "2026-12")])
    assert set((await place.texts())[ONE.message_id]) == {""}


async def test_another_citys_order_reaches_no_message(place: Place) -> None:
    await place.elastic.write([stored(ONE)])
    await place.keep(ONE, "photo")
    change = event.MessagesErased(messages=(ErasedMessage(message_id=ONE.message_id, month="2026-11"),))
    decision = msgspec.structs.replace(decode(told(change).value, Event), jurisdiction="430100")
    order = told()._replace(value=encode(decision))
    assert (await place.eraser.write([order])).stored
    assert await place.texts() == {ONE.message_id: [ONE.text]}
    assert await place.kept(ONE) == {"photo"}


async def test_what_another_city_names_alike_keeps_no_message_from_being_erased(place: Place) -> None:
    """The settings of two cities give an account one name: each order reaches the message of its own city."""
    theirs = replace(ONE, jurisdiction="430100", text="市民广场的喷泉坏了")
    await place.elastic.write([stored(ONE), stored(theirs, "2026-12")])
    await place.keep(ONE, "photo")
    assert (await place.eraser.write([erased()])).stored
    assert await place.texts() == {ONE.message_id: ["", theirs.text]}
    assert await place.kept(ONE) == {"erased"}


@pytest.mark.parametrize("kind", ["forget", "redact"])
async def test_a_record_of_a_call_that_comes_after_the_erasure_is_emptied_too(place: Place, kind: str) -> None:
    calls = Calls()
    begun = "2026-11-24T10:00:00+08:00"
    calls.tell(revision=1, note=LAMP, started_at=begun)
    order = Command(
        command_id="c1",
        jurisdiction="210100",
        ticket_id=calls.ticket.ticket_id,
        kind=kind,
        author="clerk",
        at=AT,
        args={"fields": ["text"]} if kind == "redact" else {},
    )
    calls.order(order)
    calls.tell(revision=2, transcript=f"市民：我的电话是{SECRET}", started_at=begun, minutes=60 * 24 * 8)
    late = calls.messages[-1]
    await place.elastic.write([stored(late, "2026-12")])
    await place.keep(late, "a" * 64)
    decisions = [Document(Position(topics.EVENT, 0, n), b"t", encode(one), []) for n, one in enumerate(calls.events)]
    assert len((await place.eraser.write(decisions)).stored) == len(decisions)
    await place.elastic.write([replace_version(stored(late, "2026-12"), 7)])
    texts = await place.texts()
    assert set(texts) == {one.message_id for one in calls.messages}
    assert {text for found in texts.values() for text in found} == {""}
    assert await place.kept(late) == ({paths.ERASED} if kind == "forget" else {paths.REDACTED, "a" * 64})

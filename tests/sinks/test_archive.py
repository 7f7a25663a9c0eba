"""The archive keeps what came as it came, under the folder of its message, and never what was erased."""

import asyncio
import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import obstore
import pytest
from elasticsearch import AsyncElasticsearch
from msgspec.structs import replace
from obstore.store import LocalStore

from broker.config import KafkaConnection
from hotline.admin.explain import looks_up
from hotline.dev.stack.stack import Endpoints
from schemas import topics
from schemas.codec import Position, decode
from schemas.records import RawMessage, RawRef, event, media, raw_message
from schemas.records.event_base import ErasedMessage
from sinks import Document, Source, archive_sources
from sinks.eraser import Eraser
from sinks.raw_archive import ArchiveSink
from sinks.runner import run_sink
from storage.paths import Archived
from tests.broken_off import break_off
from tests.sinks.conftest import QUICK, Lane, until
from tests.sinks.test_eraser import told
from tests.tickets.build import message

AT = datetime(2026, 11, 25, tzinfo=UTC)
BYTES = "路灯坏了\r\n\x00\xff".encode("gb18030", "replace") + b"\xff\x00"


def raw(number: int = 1, value: bytes = BYTES, *, dataref: str | None = None) -> RawMessage:
    made = raw_message(
        channel="web",
        channel_kind="app",
        account="city",
        jurisdiction="210100",
        identifier=f"m{number}",
        value=value,
        content_type="text/plain",
        time=AT,
        recorded=AT,
        sender="13812345678",
    )
    return made if dataref is None else replace(made, value=b"", envelope=replace(made.envelope, dataref=dataref))


def document(one: RawMessage, offset: int = 0) -> Document:
    out = one.outbound()
    return Document(Position(out.topic, 0, offset), out.key, out.value, out.headers)


class Kept:
    """A sink and its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "blobs"
        self.store = LocalStore(self.folder, mkdir=True)
        self.sink = ArchiveSink(self.store)

    def place(self, one: RawMessage) -> Path:
        return self.folder / "210100" / one.message_id

    def names(self, one: RawMessage) -> set[str]:
        return {path.name for path in self.place(one).glob("*")}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def test_what_is_kept_is_on_the_disk_for_good(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its offset is committed in Kafka, which may lie on other machines."""
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    assert (await kept.sink.write([document(raw())])).stored
    assert {*kept.names(raw()), raw().message_id, "210100"} <= set(synced)


async def test_of_an_erased_message_nothing_is_left_that_a_kill_broke_off(kept: Kept) -> None:
    await obstore.put_async(kept.store, f"210100/{raw().message_id}/erased", b"")
    break_off(kept.folder, f"210100/{raw().message_id}/{'a' * 64}")
    assert (await kept.sink.write([document(raw())])).stored
    assert kept.names(raw()) == {"erased"}


def test_every_raw_topic_is_kept() -> None:
    """What waits behind a flood stands in its channel's own topic as well."""
    raw = {name for name in topics.TOPICS if name.startswith("hotline.raw.")}
    assert {source.topic for source in archive_sources()} == raw - {topics.FLOOD}


async def test_bytes_and_envelope_lie_in_the_folder_of_their_message(kept: Kept) -> None:
    for _ in range(2):
        assert len((await kept.sink.write([document(raw(), 7)])).stored) == 1
        digest = hashlib.sha256(BYTES).hexdigest()
        assert kept.names(raw()) == {digest, f"{digest}.json"}
        assert (kept.place(raw()) / digest).read_bytes() == BYTES
        archived = decode((kept.place(raw()) / f"{digest}.json").read_bytes(), Archived)
        assert (archived.topic, archived.offset, archived.conversation) == (
            "hotline.raw.web.v1",
            7,
            "city\n13812345678",
        )
        assert archived.envelope.sender == "13812345678"
        assert archived.envelope.recordedtime == AT


async def test_of_bytes_that_are_there_already_only_the_envelope_is_written(kept: Kept) -> None:
    digest = hashlib.sha256(BYTES).hexdigest()
    claimed = raw(dataref=f"210100/{raw().message_id}/{digest}")
    missing = await kept.sink.write([document(claimed)])
    assert [refusal.code for refusal in missing.rejected] == ["missing_blob"]
    (kept.place(raw()) / digest).write_bytes(BYTES)
    assert (await kept.sink.write([document(claimed)])).stored
    assert kept.names(raw()) == {digest, f"{digest}.json"}
    assert (kept.place(raw()) / digest).read_bytes() == BYTES


async def test_what_the_fetcher_tells_of_a_file_is_nobodys_bytes(kept: Kept) -> None:
    told = replace(raw(), envelope=replace(raw().envelope, datacontenttype=media.CONTENT_TYPE))
    verdicts = await kept.sink.write([document(told)])
    assert len(verdicts.stored) == 1
    assert not list(kept.folder.rglob("*.json"))


@pytest.mark.parametrize("dataref", ["210100/another/" + "a" * 64, "../" + "a" * 64, "210100/{0}/erased", "x"])
async def test_a_reference_out_of_the_message_s_own_folder_is_refused(kept: Kept, dataref: str) -> None:
    verdicts = await kept.sink.write([document(raw(dataref=dataref.format(raw().message_id)))])
    assert [refusal.code for refusal in verdicts.rejected] == ["malformed"]


@pytest.mark.parametrize("city", ["../..", "21010", "", "21/100"])
async def test_a_city_that_is_none_is_refused(kept: Kept, city: str) -> None:
    odd = replace(raw(), envelope=replace(raw().envelope, jurisdiction=city))
    verdicts = await kept.sink.write([document(odd), document(raw(2), 1)])
    assert [refusal.code for refusal in verdicts.rejected] == ["malformed"]
    assert len(verdicts.stored) == 1


@pytest.mark.parametrize("mark", ["erased", "redacted"])
async def test_what_was_erased_is_not_kept_again(kept: Kept, mark: str) -> None:
    kept.place(raw()).mkdir(parents=True)
    (kept.place(raw()) / mark).touch()
    (kept.place(raw()) / "photo").touch()
    digest = hashlib.sha256(BYTES).hexdigest()
    for one in (raw(), raw(dataref=f"210100/{raw().message_id}/{digest}")):
        verdicts = await kept.sink.write([document(one), document(raw(2), 1)])
        assert len(verdicts.stored) == 2
        assert kept.names(raw()) == {mark, "photo"}
    assert len(kept.names(raw(2))) == 2


@pytest.mark.integration
async def test_an_erasure_and_the_archive_at_the_same_time_leave_nothing(kept: Kept, stack: Endpoints) -> None:
    eraser = Eraser(
        AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60), kept.store, f"none{uuid4().hex[:8]}"
    )
    many = [raw(number) for number in range(40)]
    erasures = [told(event.Erased(ticket_id="t", messages=(ErasedMessage(message_id=one.message_id),))) for one in many]
    try:
        await asyncio.gather(
            *(eraser.write([one]) for one in erasures),
            *(kept.sink.write([document(one, offset)]) for offset, one in enumerate(many)),
        )
    finally:
        await eraser.close()
    assert [kept.names(one) for one in many] == [{"erased"}] * len(many)


@pytest.mark.integration
async def test_from_kafka_committed_only_when_the_store_has_it(lane: Lane, kept: Kept) -> None:
    """And explain finds the bytes when the record itself is gone."""
    many = [raw(number) for number in range(20)]
    await lane.publish(named(lane.topic, many), abort=False)
    await lane.publish(named(lane.topic, [raw(99)]), abort=True)
    stop = asyncio.Event()
    kept.folder.rename(kept.folder.with_name("away"))
    task = asyncio.create_task(
        run_sink(kept.sink, [Source(topic=lane.topic)], lane.kafka, QUICK, stop, group=lane.group)
    )
    await until(troubled, True)
    assert await lane.committed() == 0
    kept.folder.with_name("away").rename(kept.folder)

    async def stored() -> int:
        return sum(len(kept.names(one)) == 2 for one in many)

    await until(stored, len(many))
    stop.set()
    await task
    assert await lane.committed() >= len(many)
    assert not kept.names(raw(99))
    assert_explained(lane.kafka, kept, many[0])


async def troubled() -> bool:
    """Say whether a write of the archive has failed, as its metric tells."""
    from sinks.metrics import FAULTS

    return FAULTS.labels("archive", "UnreachableError")._value.get() > 0


def named(topic: str, raws: Iterable[RawMessage]) -> list[Document]:
    return [document(one)._replace(position=Position(topic, 0, 0)) for one in raws]


def assert_explained(kafka: KafkaConnection, kept: Kept, one: RawMessage) -> None:
    digest = hashlib.sha256(BYTES).hexdigest()
    told_by = looks_up(kafka, kept.store)
    ref = RawRef(topic="hotline.link.v1.none", partition=0, offset=1, sha256=digest)
    found = told_by(replace(message(1), message_id=one.message_id, jurisdiction="210100", raw=ref))
    assert (found.found, found.intact, found.bytes) == (True, True, len(BYTES))
    assert found.place == f"210100/{one.message_id}/{digest}"
    nothing = told_by(replace(message(2), jurisdiction="210100", raw=ref))
    assert (nothing.found, nothing.bytes) == (False, None)

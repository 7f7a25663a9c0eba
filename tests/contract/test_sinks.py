"""What every sink keeps to; one entry in SCENARIOS is all that a new one adds."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import msgspec
import pytest
from aiohttp import web
from elasticsearch import AsyncElasticsearch
from msgspec.structs import replace
from obstore.store import LocalStore

from hotline.dev.stack.stack import Endpoints
from schemas import ids
from schemas.codec import Position, decode
from schemas.envelope import Envelope
from schemas.errors import (
    ERROR_CODES,
    MalformedError,
    MappingConflictError,
    PipelineError,
    RetriableError,
    UndeliverableError,
)
from sinks import SINKS, Document, Sink, Verdicts, routes
from sinks.elastic.sink import ElasticSink
from sinks.raw_archive import ArchiveSink
from sinks.webhook.client import WebhookSink
from storage.paths import Archived
from tests.fakes.sinks import MemorySink, ScriptedSink, document, fails
from tests.sinks.webhook.receiver import Delivered, receiving
from tests.sinks.webhook.snapshots import subscriber

PLANTED = "沈阳市民13800000000"


class Opened(NamedTuple):
    """A sink, a look at what it holds, and a sink whose service is gone.

    `refusal` is the code of a document whose shape the service refuses; `tells_stale` is False for a service that
    takes an older version and drops it in silence.
    """

    sink: Sink
    held: Callable[[str], Awaitable[bytes | None]]
    broken: Sink
    refusal: str = MappingConflictError.code
    tells_stale: bool = True


@asynccontextmanager
async def memory(_: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    sink = MemorySink()

    async def held(key: str) -> bytes | None:
        return sink.kept[key.encode()][1] if key.encode() in sink.kept else None

    yield Opened(sink, held, ScriptedSink(fails(RetriableError("gone: wait"))))


@asynccontextmanager
async def elastic(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    endpoints: Endpoints = request.getfixturevalue("stack")
    prefix = f"contract{uuid4().hex[:8]}"
    ways = [replace(route, topic="test.ticket.v1") for name, route in routes(prefix).items() if name == "ticket"]
    sink = ElasticSink(AsyncElasticsearch(endpoints.elasticsearch_url, request_timeout=60), ways)
    looking = AsyncElasticsearch(endpoints.elasticsearch_url, request_timeout=60)

    async def held(key: str) -> bytes | None:
        answer = await looking.options(ignore_status=404).get(index=f"{prefix}-ticket", id=key)
        return str(answer["_source"]).replace("'", '"').replace(" ", "").encode() if answer.get("found") else None

    await sink.open()
    try:
        yield Opened(sink, held, ElasticSink(AsyncElasticsearch("http://127.0.0.1:1"), ways))
    finally:
        await sink.close()
        await looking.indices.delete(index=f"{prefix}-ticket-v1")
        await looking.indices.delete_index_template(name=f"{prefix}-ticket")
        await looking.close()


@asynccontextmanager
async def webhook(_: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    kept: dict[str, tuple[int, bytes]] = {}

    async def keep(delivered: Delivered) -> web.Response:
        """Behave as docs/how-to/webhooks.md asks of receivers: the highest version wins."""
        _, key, version = delivered.id.split(":")
        try:
            if isinstance(msgspec.json.decode(delivered.body)["location"], str):
                return web.Response(status=422, text=PLANTED)
        except msgspec.DecodeError:
            return web.Response(status=400, text=PLANTED)
        except KeyError:
            pass
        kept[key] = max(kept.get(key, (0, b"")), (int(version), delivered.body))
        return web.Response(status=204)

    async def held(key: str) -> bytes | None:
        return kept[key][1] if key in kept else None

    async with receiving() as receiver:
        receiver.answers = [keep]
        sink = WebhookSink("test", subscriber(receiver.url))
        yield Opened(
            sink,
            held,
            WebhookSink("test", subscriber("http://127.0.0.1:1/")),
            UndeliverableError.code,
            tells_stale=False,
        )
        await sink.close()


class AsRaw:
    """Hands an archive what the suite writes as raw records: the key is the message's id, the version travels along.

    What another service would refuse for its shape gets a fault that an archive refuses: an envelope without a city;
    what is torn gets a reference to bytes that are not there.
    """

    def __init__(self, sink: ArchiveSink) -> None:
        self._sink = sink
        self.name = sink.name
        self.open, self.close = sink.open, sink.close

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        theirs = {document.position: document for document in documents}
        told = await self._sink.write([as_raw(document) for document in documents])
        return Verdicts(
            stored=[theirs[one.position] for one in told.stored],
            rejected=[one._replace(document=theirs[one.document.position]) for one in told.rejected],
        )


def as_raw(document: Document) -> Document:
    key, sequence = document.key.decode(), dict(document.headers)["ce_sequence"].decode()
    at = datetime(2026, 11, 24, tzinfo=UTC)
    made = Envelope(id=key, source="/t", type="t", time=at, recordedtime=at, jurisdiction="210100", sequence=sequence)
    value = document.value
    try:
        fields = msgspec.json.decode(value)
        if isinstance(fields, dict) and isinstance(fields.get("location"), str):
            made = replace(made, jurisdiction=None)
    except msgspec.DecodeError:
        made, value = replace(made, dataref=ids.blob_path("210100", ids.message_id("/t", key), "a" * 64)), b""
    return document._replace(value=value, headers=made.headers())


@asynccontextmanager
async def archive(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    folder: Path = request.getfixturevalue("tmp_path")
    there, gone = folder / "there", folder / "gone"
    stores = [LocalStore(one, mkdir=True) for one in (there, gone)]
    gone.rmdir()

    async def held(key: str) -> bytes | None:
        """Return the bytes of the newest envelope: an archive keeps them all."""
        envelopes = (there / "210100" / ids.message_id("/t", key)).glob("*.json")
        kept = {decode(one.read_bytes(), Archived).envelope.sequence: one for one in envelopes}
        return kept[max(kept)].with_suffix("").read_bytes() if kept else None

    yield Opened(
        AsRaw(ArchiveSink(stores[0])),
        held,
        AsRaw(ArchiveSink(stores[1])),
        MalformedError.code,
        tells_stale=False,
    )


Make = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Opened]]

SCENARIOS: dict[str, Make] = {"archive": archive, "elastic": elastic, "webhook": webhook}
"""Every sink, on the real service that it writes to."""

FAKES: dict[str, Make] = {"memory": memory}
"""What other tests use in their place keeps the same contract."""


@pytest.fixture(
    params=[
        *(pytest.param(make, id=name) for name, make in FAKES.items()),
        *(pytest.param(make, id=name, marks=pytest.mark.integration) for name, make in SCENARIOS.items()),
    ]
)
async def scenario(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    make: Make = request.param
    async with make(request) as made:
        yield made


def batch(*documents: Document) -> list[Document]:
    """Give each document a place of its own in the topic."""
    return [each._replace(position=Position("test.ticket.v1", 0, n)) for n, each in enumerate(documents)]


def judged(verdicts: Verdicts) -> list[int]:
    """Return the offset of every judged document, as often as it was judged."""
    refusals = [refusal.document for refusal in (*verdicts.retry, *verdicts.rejected)]
    return sorted(each.position.offset for each in (*verdicts.stored, *verdicts.stale, *refusals))


@pytest.fixture
def mixed() -> list[Document]:
    return batch(
        document("a"),
        document("bad", f'{{"location":"{PLANTED}"}}'.encode()),
        document("b"),
        document("torn", f'{{"search_text":"{PLANTED}'.encode()),
        document("c"),
    )


def test_every_sink_has_a_scenario() -> None:
    assert {*SINKS, "archive", "webhook"} == SCENARIOS.keys()


async def test_every_document_gets_exactly_one_verdict(scenario: Opened, mixed: list[Document]) -> None:
    assert judged(await scenario.sink.write(mixed)) == [0, 1, 2, 3, 4]


async def test_a_refused_document_leaves_its_neighbours_alone(scenario: Opened, mixed: list[Document]) -> None:
    verdicts = await scenario.sink.write(mixed)
    assert [refusal.document.key for refusal in verdicts.rejected if refusal.code == scenario.refusal] == [b"bad"]
    assert {refusal.document.key for refusal in verdicts.rejected} == {b"bad", b"torn"}
    for key in "abc":
        assert await scenario.held(key) == b'{"search_text":"a"}'


async def test_a_refusal_names_a_known_code_and_quotes_nothing(scenario: Opened, mixed: list[Document]) -> None:
    for refusal in (await scenario.sink.write(mixed)).rejected:
        assert refusal.code in ERROR_CODES
        assert refusal.reason
        assert not any(part in refusal.reason for part in (PLANTED, "沈阳", "13800000000"))


async def test_a_repeat_changes_nothing(scenario: Opened) -> None:
    for _ in range(2):
        verdicts = await scenario.sink.write(batch(document("a", version=3)))
        assert len(verdicts.stored) + len(verdicts.stale) == 1
    assert await scenario.held("a") == b'{"search_text":"a"}'


async def test_the_newest_version_wins_in_whatever_order_they_come(scenario: Opened) -> None:
    versions = [document("a", b'{"search_text":"v%d"}' % v, version=v) for v in (2, 9, 4, 10, 1)]
    first = await scenario.sink.write(batch(*versions[:2]))
    second = await scenario.sink.write(batch(*versions[2:]))
    assert judged(first) == [0, 1]
    stale = {b"0000000004", b"0000000001"} if scenario.tells_stale else set()
    assert {dict(each.headers)["ce_sequence"] for each in second.stale} == stale
    assert not second.rejected
    assert not second.retry
    assert await scenario.held("a") == b'{"search_text":"v10"}'


async def test_nothing_to_write_is_no_fault(scenario: Opened) -> None:
    assert judged(await scenario.sink.write([])) == []


async def test_a_service_that_is_gone_judges_nothing(scenario: Opened) -> None:
    try:
        with pytest.raises(RetriableError, match=":"):
            await scenario.broken.write(batch(document("a")))
    finally:
        await scenario.broken.close()


async def test_only_our_own_errors_leave_a_sink(scenario: Opened) -> None:
    strange = batch(document("a", b""), document("b", b"null"), document("c", b'{"a":\x00\xff}'), document("d", b"{}"))
    try:
        verdicts = await scenario.sink.write(strange)
    except PipelineError:
        return
    assert strange[-1] in verdicts.stored


async def test_close_is_safe_twice_and_before_open(scenario: Opened) -> None:
    await scenario.broken.close()
    await scenario.broken.close()
    await scenario.sink.close()
    await scenario.sink.close()

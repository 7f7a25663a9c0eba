"""A rebuild on real Kafka and Elasticsearch, with the sink at work: nothing missing, nothing older, nothing lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from itertools import count

import pytest
from msgspec.structs import replace

from hotline.dev.stack.stack import Stack
from schemas.errors import MisconfiguredError, UnreachableError
from sinks import Document
from sinks.elastic import indices
from sinks.elastic.reindex import Rebuild, Report, UnequalError
from sinks.elastic.templates import ensure_indices
from tests.fakes.sinks import document
from tests.frozen import frozen
from tests.sinks.conftest import QUICK, Lane, until

pytestmark = pytest.mark.integration


def ticket(lane: Lane, number: int, version: int = 1, name: str = "ticket") -> Document:
    value = b'{"ticket_id":"t%d","search_text":"v%d"}' % (number, version)
    return document(f"t{number}", value, version=version, topic=lane.routes[name].topic)


def letter(lane: Lane, number: int, month: str, version: int = 1) -> Document:
    value = b'{"message_id":"m%d","search_text":"v%d"}' % (number, version)
    topic = lane.routes["message"].topic
    return document(f"m{number}", value, version=version, topic=topic, recorded=f"{month}-03T01:00:00+00:00")


async def job(lane: Lane, name: str = "ticket", place: int = 0, **options: bool) -> Rebuild:
    route = lane.routes[name]
    found = await indices.places(lane.es, route.index)
    return Rebuild(lane.es, lane.kafka, route, found[place], QUICK, **options)


async def rebuilt(lane: Lane, name: str = "ticket", *, keep: bool = False, **options: bool) -> Report:
    return await (await job(lane, name, **options)).run(keep=keep)


async def held(lane: Lane, index: str) -> dict[str, int]:
    """Every document of an index with its version."""
    pages = [page async for page in indices.entries(lane.es, index)]
    return {entry.identifier.decode(): entry.version for page in pages for entry in page}


@asynccontextmanager
async def writing(lane: Lane, newest: dict[str, int]) -> AsyncIterator[Callable[[], int]]:
    """Publish new tickets and new versions until the block ends; the value says how many there were by now."""
    stop, rounds = asyncio.Event(), 0

    async def write() -> None:
        nonlocal rounds
        for number in count(1):
            some = [ticket(lane, 7 * n % 400, number + 1) for n in range(20)]
            some += [ticket(lane, 10_000 + 5 * number + n) for n in range(5)]
            await lane.publish(some)
            newest.update((one.key.decode(), int(dict(one.headers)["ce_sequence"])) for one in some)
            rounds = number
            if stop.is_set():
                return

    task = asyncio.create_task(write())
    try:
        yield lambda: rounds
    finally:
        stop.set()
        await task


async def test_an_index_is_rebuilt_while_writes_go_on(lane: Lane) -> None:
    newest = {f"t{n}": 1 for n in range(2000)}
    await lane.publish([ticket(lane, n) for n in range(2000)])
    alias = lane.routes["ticket"].index.alias
    async with lane.running():
        await lane.until_indexed(2000)
        async with writing(lane, newest) as rounds:
            before = rounds()
            report = await rebuilt(lane)
            during = rounds() - before
        await until(lambda: held(lane, alias), newest)
    assert during > 1, "writes went on"
    assert await lane.dead() == []
    assert report.former == f"{alias}-v1"
    assert list(await lane.es.indices.get_alias(name=alias)) == [report.index] == [f"{alias}-v2"]
    assert not await lane.es.indices.exists(index=f"{alias}-v1")
    found = await lane.es.get(index=alias, id="t7")
    assert found["_source"] == {"ticket_id": "t7", "search_text": f"v{newest['t7']}"}


async def test_an_index_gets_more_shards_and_is_rebuilt_again(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shard counts its own writes: pages that counted them together would leave documents out."""
    monkeypatch.setattr(indices, "PAGE", 7)
    await lane.publish([ticket(lane, n) for n in range(60)])
    async with lane.running():
        await lane.until_indexed(60)
        route = lane.routes["ticket"]
        lane.routes["ticket"] = replace(route, index=replace(route.index, shards=2))
        for _ in range(2):
            report = await rebuilt(lane)
            assert report.documents == 60
    told = await lane.es.indices.get_settings(index=report.index)
    assert told[report.index]["settings"]["index"]["number_of_shards"] == "2"
    assert await held(lane, report.index) == {f"t{n}": 1 for n in range(60)}


async def test_a_broken_off_rebuild_changes_nothing_and_is_begun_again(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lane.publish([ticket(lane, n) for n in range(50)])
    alias = lane.routes["ticket"].index.alias
    async with lane.running():
        await lane.until_indexed(50)

        async def broken(*_: object, **__: object) -> None:
            raise ConnectionResetError

        with monkeypatch.context() as patch:
            patch.setattr(indices, "switch", broken)
            with pytest.raises(Exception, match="does not answer"):
                await rebuilt(lane)
        await lane.publish([ticket(lane, 50)])
        await lane.until_indexed(51)
        assert list(await lane.es.indices.get_alias(name=alias)) == [f"{alias}-v1"]
        # What kill -9 leaves: the old index without writes, the new one half full of whatever.
        await lane.es.indices.add_block(index=f"{alias}-v1", block="write")
        await lane.es.index(index=f"{alias}-v2", id="stray", document={})
        await lane.publish([ticket(lane, 51)])
        report = await rebuilt(lane)
        assert report.restarted
        await until(lambda: held(lane, alias), {f"t{n}": 1 for n in range(52)})


@pytest.mark.parametrize("fault", ["missing", "stray", "version"])
async def test_a_new_index_that_is_not_as_the_topic_is_never_put_in_place(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    await lane.publish([ticket(lane, n) for n in range(20)])
    async with lane.running():
        await lane.until_indexed(20)
    alias = lane.routes["ticket"].index.alias
    compare = Rebuild._compare

    async def spoilt(self: Rebuild) -> None:
        if fault == "missing":
            await lane.es.delete(index=f"{alias}-v2", id="t3")
        else:
            await lane.es.index(index=f"{alias}-v2", id="t3" if fault == "version" else "stray", document={})
        await compare(self)

    monkeypatch.setattr(Rebuild, "_compare", spoilt)
    with pytest.raises(UnequalError, match="1 documents of"):
        await rebuilt(lane)
    assert list(await lane.es.indices.get_alias(name=alias)) == [f"{alias}-v1"]
    assert len(await held(lane, alias)) == 20


async def test_what_only_the_old_index_has_is_not_given_up_unasked(lane: Lane) -> None:
    await lane.publish([ticket(lane, n) for n in range(5)])
    alias = lane.routes["ticket"].index.alias
    async with lane.running():
        await lane.until_indexed(5)
    await lane.es.index(index=alias, id="t9", document={}, version=4, version_type="external_gte")
    with pytest.raises(UnequalError, match="--drop"):
        await rebuilt(lane)
    assert len(await held(lane, alias)) == 6
    report = await rebuilt(lane, may_lose=True, keep=True)
    assert (report.documents, len(await held(lane, alias))) == (5, 5)
    assert await indices.all_of(lane.es, lane.routes["ticket"].index) == {
        f"{alias}-v1": {"in_use": False, "blocked": True},
        f"{alias}-v2": {"in_use": True, "blocked": False},
    }


async def test_a_record_that_fits_into_no_index_is_counted_and_stops_nothing(lane: Lane) -> None:
    bad = ticket(lane, 3)._replace(value=b'{"location":"x"}', key=b"bad")
    await lane.publish([ticket(lane, 1), bad, ticket(lane, 2)])
    async with lane.running():
        await lane.until_indexed(2)
        await until(lane.committed, 3)
    report = await rebuilt(lane)
    assert (report.documents, dict(report.refused)) == (2, {"mapping_conflict": 1})
    assert len(await lane.dead()) == 1, "the sink's own"


async def test_months_are_rebuilt_one_by_one_and_keep_what_the_topic_lost(lane: Lane) -> None:
    index = lane.routes["message"].index
    await lane.publish([letter(lane, n, "2026-10") for n in range(4)])
    await lane.publish([letter(lane, n, "2026-11") for n in range(4, 10)])
    async with lane.running(names=("message",)):
        await lane.until_indexed(10, "message")
        october, november = index.of_month("2026-10"), index.of_month("2026-11")
        erased, old = {"version": 2**53, "version_type": "external_gte"}, {"version": 1, "version_type": "external_gte"}
        await lane.es.index(index=november, id="m5", document={"message_id": "m5"}, **erased)
        await lane.es.index(index=november, id="m77", document={"message_id": "m77"}, **old)
        with pytest.raises(MisconfiguredError, match="leave --keep out"):
            await rebuilt(lane, "message", keep=True)
        report = await (await job(lane, "message", 1)).run(keep=False)
        assert (report.former, report.index) == (november, f"{index.alias}-v2-2026.11")
        assert (report.documents, report.carried) == (7, 2)
        await lane.publish([letter(lane, 10, "2026-11"), letter(lane, 5, "2026-11")])
        await lane.until_indexed(12, "message")
        assert (await held(lane, november))["m5"] == 2**53, "what was erased stays erased"
        assert (await lane.es.get(index=november, id="m5"))["_source"] == {"message_id": "m5"}
        places = await indices.places(lane.es, index)
        assert [(place.name, place.concrete) for place in places] == [
            (october, october),
            (november, f"{index.alias}-v2-2026.11"),
        ]
        again = await (await job(lane, "message", 1)).run(keep=True)
        assert again.index == f"{index.alias}-v3-2026.11"
        assert await lane.indexed("message") == 12
        mapping = (await lane.es.indices.get_mapping(index=again.index))[again.index]["mappings"]
        assert mapping["dynamic"] == "false"


async def test_a_rebuild_whose_kafka_falls_silent_ends_with_a_word(
    lane: Lane, local_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.elastic.reindex.SILENT_SECONDS", 1.0)
    fat = b'{"ticket_id":"t","search_text":"%s"}' % (b"x" * 400_000)
    await lane.publish([document(f"t{n}", fat, version=1, topic=lane.topic) for n in range(24)])
    await ensure_indices(lane.es, [lane.routes["ticket"].index])
    rebuild = await job(lane)
    with ExitStack() as silence:

        def told(done: int, total: int) -> None:
            if done and not silent:
                silent.append(silence.enter_context(frozen(local_stack.pid("kafka"))))

        silent: list[None] = []
        rebuild._told = told
        with pytest.raises(UnreachableError, match="has sent no"):
            await rebuild.run(keep=False)
    assert silent

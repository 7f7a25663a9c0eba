"""screen between real topics: an emergency waits for nothing that stands before it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import obstore
import pytest
from faust.types import TP
from msgspec.structs import replace
from prometheus_client import REGISTRY

from hotline.admin.topics import Provision
from normalizers.base import Policy
from schemas import ids, topics
from schemas.codec import Outbound, decode
from schemas.envelope import Envelope
from schemas.errors import UnauthorizedError
from schemas.records import Handover, Message
from storage.paths import ERASED, folder
from streams import screen
from streams.engine import partition_worker
from streams.engine.app import make_app
from streams.engine.output import Outlet
from tests.streams.conftest import PARTITIONS, Bench
from tests.streams.raws import NOON, broken, claimed, outbound
from tests.streams.test_steps import Kept
from tests.waiting import soon

pytestmark = pytest.mark.integration

FIRE = "三楼着火了,有人被困,快来救火"


def measured(name: str) -> float:
    """Return a sample of the hand-overs' latency."""
    return REGISTRY.get_sample_value(f"hotline_streams_handover_seconds_{name}", {"level": "critical"}) or 0.0


async def test_the_latency_is_from_intake_to_the_brokers_answer_and_old_news_has_none(bench: Bench) -> None:
    now = datetime.now(UTC)
    count, total = measured("count"), measured("sum")
    live = outbound(1, FIRE, time=now, recorded=now - timedelta(seconds=5))
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(outbound(2, FIRE, backfill=True, time=now - timedelta(days=2), recorded=now), live)
        await bench.read(topics.HANDOVER, 2)
        await soon(lambda: measured("count") > count)
    assert measured("count") == count + 1
    assert 5 <= measured("sum") - total < 5 + 180, "what a test may take; the old news would be two days more"


async def test_an_emergency_behind_poison_is_handed_over_whole(bench: Bench) -> None:
    strange = Outbound(topics.raw("record"), b"k", b"v", [("ce_id", None)])
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(outbound(1), broken(2), strange, outbound(4, FIRE), partition=0)
        (found,) = await bench.read(topics.HANDOVER, 1)
    urgent, envelope = decode(found.value, Handover), Envelope.of(found.headers)
    assert (urgent.text, urgent.level, urgent.stale) == (FIRE, "critical", False)
    assert found.key.decode() == urgent.handover_id == urgent.message_id == envelope.id
    assert found.partition == ids.partition_of("210100", PARTITIONS)
    assert envelope.source == "/hotline/screen/210100"
    assert envelope.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c")


def failing_on(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let a fault of ours come over the hand-over of one message, which normalize knows nothing of."""
    honest = screen.handover

    def faulty(message: Message, *rest: Any) -> Handover | None:
        if message.text == text:
            raise LookupError("13800138000")
        return honest(message, *rest)

    monkeypatch.setattr(screen, "handover", faulty)


SECOND = "二楼着火了,有人被困,快来救火"


@pytest.mark.parametrize("large", [False, True])
async def test_an_emergency_that_we_fail_to_hand_over_is_put_aside_and_the_next_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    failing_on(monkeypatch, SECOND)
    record, value = claimed(1, "210100/m1/x", SECOND) if large else (outbound(1, SECOND), b"")
    bench.blobs.put("210100/m1/x", value)
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(record, outbound(2, FIRE), partition=0)
        (found,) = await bench.read(topics.HANDOVER, 1)
        (letter,) = await bench.read(topics.DEAD, 1)
    assert decode(found.value, Handover).text == FIRE
    assert (letter.key, letter.value, list(letter.headers)[: len(record.headers)]) == (
        record.key, record.value, record.headers,
    )  # fmt: skip
    headers = {name: told.decode() for name, told in letter.headers}
    assert headers["__connect.errors.stage"] == "screen"
    assert headers["hotline.error.code"] == "internal"
    assert headers["__connect.errors.exception.message"] == "LookupError"


async def test_one_whose_dead_letter_is_refused_goes_without_its_bytes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_on(monkeypatch, SECOND)
    small = {topics.DEAD: replace(topics.TOPICS[topics.DEAD], extra={"max.message.bytes": "1500"})}
    assert Provision(bench.connection, small).alter()
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(outbound(1, SECOND, sender="x" * 1500), outbound(2, FIRE), partition=0)
        await bench.read(topics.HANDOVER, 1)
        (letter,) = await bench.read(topics.DEAD, 1)
    assert (letter.key or b"", letter.value or b"") == (b"", b"")
    assert dict(letter.headers)["__connect.errors.offset"] == b"0"


async def test_a_topic_of_dead_letters_that_we_may_not_write_holds_no_emergency_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a city whose rights are those of an older version."""
    failing_on(monkeypatch, SECOND)
    send = Outlet.send

    async def forbids(self: Outlet, outbounds: Sequence[Outbound]) -> list[Outbound]:
        if any(one.topic == topics.DEAD for one in outbounds):
            raise UnauthorizedError("our user may not write it")
        return await send(self, outbounds)

    monkeypatch.setattr(Outlet, "send", forbids)
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()) as app:
        for number in (1, 3):
            await bench.put(outbound(number, SECOND), outbound(number + 1, FIRE), partition=0)
        assert len(await bench.read(topics.HANDOVER, 2, keys=True)) == 2
        assert not app.should_stop


async def test_a_blob_store_that_refuses_us_holds_no_other_emergency_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expired credentials, or a folder whose rights were changed, must not end the stage again and again."""

    async def refuses(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(obstore, "get_async", refuses)
    record, value = claimed(1, "210100/m1/x", FIRE)
    bench.blobs.put("210100/m1/x", value)
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(record, outbound(2, FIRE), partition=0)
        await bench.read(topics.HANDOVER, 1)
        for number in (3, 4, 5):
            await bench.put(outbound(number, FIRE), partition=0)
            await bench.read(topics.HANDOVER, number - 1)
        monkeypatch.undo()
        await bench.read(topics.HANDOVER, 5)


async def test_a_blob_store_that_is_away_holds_no_other_emergency_up(bench: Bench) -> None:
    late = [claimed(number, f"210100/m{number}/x", FIRE) for number in range(5)]
    for number, (_, value) in enumerate(late):
        bench.blobs.put(f"210100/m{number}/x", value)
    folder, aside = bench.folder / "blobs", bench.folder / "aside"
    folder.rename(aside)
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()):
        for record, _ in late:  # one chunk each: more than may be in flight
            await bench.put(record, partition=0)
        await bench.put(outbound(9, FIRE), partition=0)
        (first,) = await bench.read(topics.HANDOVER, 1)
        aside.rename(folder)
        found = await bench.read(topics.HANDOVER, 6)
    assert decode(first.value, Handover).message_id == ids.message_id("/hotline/record/office", "n9")
    assert len({record.key for record in found}) == 6


class Event:
    """A chunk's event, which notes its acknowledgement."""

    def __init__(self, acked: list[str], name: str) -> None:
        self.ack = lambda: acked.append(name)


@pytest.mark.parametrize("topic", [topics.BACKFILL, topics.raw("sms")])
async def test_a_long_chunk_without_emergencies_lets_a_live_one_pass(bench: Bench, topic: str) -> None:
    acked: list[str] = []
    stage = screen.Screen(make_app("test", bench.connection, bench.folder), bench.connection, bench.blobs, Policy())
    record = outbound(1, backfill=topic == topics.BACKFILL)
    kept = Kept(record.topic, record.key, record.value, record.headers)
    long = partition_worker.Chunk(TP(topic, 0), [kept] * 1000, Event(acked, "long"))
    live = partition_worker.Chunk(TP(topics.raw("record"), 0), [kept], Event(acked, "live"))
    await asyncio.gather(stage.handle(long.tp, long), stage.handle(live.tp, live))
    assert acked == ["live", "long"]


async def test_back_fill_is_screened_too_and_old_news_is_marked(bench: Bench) -> None:
    record = outbound(1, FIRE, backfill=True, time=NOON - timedelta(days=2))
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(record)
        (found,) = await bench.read(topics.HANDOVER, 1)
    assert record.topic == topics.BACKFILL
    assert decode(found.value, Handover).stale is True


async def test_old_news_of_a_message_that_was_erased_is_not_handed_over_again(bench: Bench) -> None:
    """A mailbox that is renumbered gives its mails again; a hand-over lies in Kafka for months."""
    two_days = timedelta(days=2)
    old = [outbound(number, FIRE, time=NOON - two_days) for number in (1, 2)]
    again = ids.message_id("/hotline/record/office", "n1")
    bench.blobs.put(f"{folder('210100', again)}/{ERASED}", b"")
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(*old, outbound(3, FIRE), partition=0)
        found = await bench.read(topics.HANDOVER, 2)
        await bench.put(outbound(4, FIRE), partition=0)
        found = await bench.read(topics.HANDOVER, 3)
    told = {(one.message_id, one.stale) for one in (decode(record.value, Handover) for record in found)}
    named = [ids.message_id("/hotline/record/office", f"n{number}") for number in (2, 3, 4)]
    assert told == set(zip(named, (True, False, False), strict=True))


async def test_a_hand_over_that_kafka_refuses_is_shortened_and_the_next_goes_on(bench: Bench) -> None:
    small = {topics.HANDOVER: replace(topics.TOPICS[topics.HANDOVER], extra={"max.message.bytes": "20000"})}
    assert Provision(bench.connection, small).alter()
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()) as app:
        await bench.put(outbound(1, "水" * 20_000 + FIRE + "水" * 20), outbound(2, FIRE), partition=0)
        found = await bench.read(topics.HANDOVER, 2, keys=True)
        assert not app.should_stop
    urgent = {one.message_id: one for one in (decode(record.value, Handover) for record in found)}
    long, short = (urgent[ids.message_id("/hotline/record/office", name)] for name in ("n1", "n2"))
    assert short.text == FIRE
    assert FIRE in long.text
    assert (long.level, long.classes) == (short.level, short.classes)


async def test_one_that_is_refused_again_goes_without_words(bench: Bench) -> None:
    small = {topics.HANDOVER: replace(topics.TOPICS[topics.HANDOVER], extra={"max.message.bytes": "6000"})}
    assert Provision(bench.connection, small).alter()
    async with bench.running(screen.declare, bench.connection, bench.blobs, Policy()) as app:
        await bench.put(outbound(1, "水" * 20_000 + FIRE + "水" * 4_000), partition=0)
        (found,) = await bench.read(topics.HANDOVER, 1)
        assert not app.should_stop
    urgent = decode(found.value, Handover)
    assert (urgent.message_id, urgent.text) == (ids.message_id("/hotline/record/office", "n1"), "")
    assert urgent.classes

"""normalize between real topics: every record becomes a message or a dead letter, whatever stands before it."""

import asyncio
import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import REGISTRY

from hotline.admin.topics import Provision
from normalizers.base import Policy
from schemas import ids, topics
from schemas.codec import Outbound, decode, encode
from schemas.envelope import Envelope
from schemas.records import Command, Message
from schemas.records.dead_letter import PREFIX
from schemas.records.raw import INLINE_LIMIT, beginning
from storage.paths import ERASED, REDACTED
from streams import normalize
from tests.streams.conftest import PARTITIONS, Bench, opened
from tests.streams.raws import NOON, broken, claimed, outbound, raw
from tests.waiting import soon

pytestmark = pytest.mark.integration


def reasons(record) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers if name.startswith((PREFIX, "hotline.error."))}


def original_headers(record) -> list:
    return [header for header in record.headers if not header[0].startswith((PREFIX, "hotline.error."))]


async def test_records_become_messages_at_their_citys_partition(bench: Bench) -> None:
    sent = [outbound(1), outbound(2, jurisdiction="330100")]
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(*sent)
        found = await bench.read(topics.MESSAGE, 2)
    assert {decode(record.value, Message).id for record in found} == {"n1", "n2"}
    for record in found:
        message, envelope = decode(record.value, Message), Envelope.of(record.headers)
        assert record.partition == ids.partition_of(message.jurisdiction, PARTITIONS)
        assert record.key.decode() == message.message_id == envelope.id
        assert envelope.type == "cn.hotline12345.message.v1"
        assert envelope.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_how_a_message_begins_that_waits_for_the_blob_store_becomes_no_message(bench: Bench) -> None:
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(
            beginning(raw(1)).outbound(), beginning(raw(2, value=b"{")).outbound(), outbound(3), partition=0
        )
        (found,) = await bench.read(topics.MESSAGE, 1)
        await bench.put(outbound(1), partition=0)  # the whole comes later
        found, whole = await bench.read(topics.MESSAGE, 2)
    assert [decode(record.value, Message).id for record in (found, whole)] == ["n3", "n1"]


async def test_poison_in_the_middle_of_a_partition_stops_nothing(bench: Bench) -> None:
    sent = [outbound(1), broken(2), Outbound(topics.raw("record"), b"k", b"v", [("x", b"\x00\xff")]), outbound(4)]
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(*sent, partition=0)
        messages = await bench.read(topics.MESSAGE, 2)
        dead = await bench.read(topics.DEAD, 2)
    assert [decode(record.value, Message).id for record in messages] == ["n1", "n4"]
    assert sorted((record.key, record.value, original_headers(record)) for record in dead) == sorted(
        (poison.key, poison.value, poison.headers) for poison in sent[1:3]
    )
    assert {reasons(record)["hotline.error.code"] for record in dead} == {"malformed"}
    assert {reasons(record)[f"{PREFIX}offset"] for record in dead} == {"1", "2"}


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(
        st.tuples(
            st.binary(max_size=40),
            st.binary(min_size=1, max_size=300),
            st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=40)), max_size=5),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_bytes_and_headers_are_the_same_in_the_raw_topic_and_in_the_dead_letter(stack, tmp_path_factory, records):
    asyncio.run(_strangers_records(stack, tmp_path_factory.mktemp("data"), records))


async def _strangers_records(stack, folder, records) -> None:
    sent = [Outbound(topics.raw("record"), *record) for record in records]
    async with (
        opened(stack, folder) as bench,
        bench.running(normalize.declare, bench.connection, bench.blobs, Policy()),
    ):
        await bench.put(*sent)
        raws = await bench.read(topics.raw("record"), len(sent))
        dead = await bench.read(topics.DEAD, len(sent))
    wanted = sorted((one.key, one.value, one.headers) for one in sent)
    assert sorted((record.key, record.value, list(record.headers)) for record in raws) == wanted
    assert sorted((record.key, record.value, original_headers(record)) for record in dead) == wanted


async def test_bytes_that_the_blob_store_does_not_have_become_a_dead_letter_and_can_be_found(bench: Bench) -> None:
    record, _ = claimed(1, "210100/gone/x")
    there, stored = claimed(2, "210100/there/x", "大件")
    bench.blobs.put("210100/there/x", stored)
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(record, there, partition=0)
        messages = await bench.read(topics.MESSAGE, 1)
        dead = await bench.read(topics.DEAD, 1)
    assert reasons(dead[0])["hotline.error.code"] == "missing_blob"
    assert original_headers(dead[0]) == record.headers
    assert decode(messages[0].value, Message).text == "大件"


@pytest.mark.parametrize("mark", [ERASED, REDACTED])
async def test_a_raw_record_that_is_read_again_when_its_message_is_erased_becomes_nothing(
    bench: Bench, mark: str
) -> None:
    """A worker that is killed before its commit is followed by one that reads again; the eraser may come between."""
    record, _ = claimed(1, "210100/gone/x")
    there, stored = claimed(2, "210100/there/x", "大件")
    bench.blobs.put("210100/there/x", stored)
    bench.blobs.put(f"210100/gone/{mark}", b"")
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(record, there, outbound(3), partition=0)
        messages = await bench.read(topics.MESSAGE, 2)
        dead = await bench.read(topics.DEAD, 1, seconds=0.5)
    assert sorted(decode(one.value, Message).id for one in messages) == ["n2", "n3"]
    assert dead == []


@pytest.mark.parametrize(("mark", "days"), [(ERASED, 40), (REDACTED, 40), (ERASED, 2)])
async def test_what_was_erased_and_is_fetched_again_becomes_nothing(bench: Bench, mark: str, days: int) -> None:
    """It would stand in Kafka again, and in another month than that of its emptied one in the archive, too."""
    sent = NOON - timedelta(days=days)
    gone, there = raw(1, time=sent), raw(2, time=sent)
    bench.blobs.put(f"210100/{gone.message_id}/{mark}", b"")
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(gone.outbound(), there.outbound(), partition=0)
        (found,) = await bench.read(topics.MESSAGE, 1)
        dead = await bench.read(topics.DEAD, 1, seconds=0.5)
    assert decode(found.value, Message).id == "n2"
    assert dead == []


async def test_what_was_erased_comes_to_nothing_when_a_source_that_tells_no_time_gives_it_again_next_month(
    bench: Bench,
) -> None:
    """A mail server that heard no answer to LMTP delivers again for days; ours is the only time of such a mail."""
    again = datetime(2026, 11, 3, tzinfo=UTC)
    gone, there = raw(1, time=again, recorded=again), raw(2, time=again, recorded=again)
    bench.blobs.put(f"210100/{gone.message_id}/{ERASED}", b"")
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(gone.outbound(), there.outbound(), partition=0)
        (found,) = await bench.read(topics.MESSAGE, 1)
    assert decode(found.value, Message).id == "n2"


async def test_a_blob_store_that_is_away_delays_its_own_partition_only(bench: Bench) -> None:
    record, value = claimed(1, "210100/m/x")
    folder, aside = bench.folder / "blobs", bench.folder / "aside"
    bench.blobs.put("210100/m/x", value)
    folder.rename(aside)
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(record, outbound(2), partition=0)
        await bench.put(outbound(3), partition=1)
        others = await bench.read(topics.MESSAGE, 1)
        await soon(lambda: retries("normalize") >= 2)
        aside.rename(folder)
        messages = await bench.read(topics.MESSAGE, 3)
        dead = await bench.read(topics.DEAD, 1, seconds=0.5)
    assert [decode(record.value, Message).id for record in others] == ["n3"]
    assert {decode(record.value, Message).id for record in messages} == {"n1", "n2", "n3"}
    assert dead == []


def retries(stage: str) -> float:
    return (
        REGISTRY.get_sample_value("hotline_streams_retries_total", {"stage": stage, "error": "UnreachableError"}) or 0
    )


async def test_attachments_are_stored_before_their_message_is_seen(bench: Bench) -> None:
    picture = b"\x89PNG" + bytes(1000)
    path = bench.folder / "p.png"
    path.write_bytes(picture)
    value = json.dumps(
        {"id": "a1", "text": "见图", "attachments": [{"name": "p.png", "data": base64.b64encode(picture).decode()}]}
    )
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(outbound(1, value=value.encode()))
        (found,) = await bench.read(topics.MESSAGE, 1)
    (attachment,) = decode(found.value, Message).attachments
    assert bytes(bench.blobs.get(attachment.dataref).bytes()) == picture
    assert attachment.sha256 == hashlib.sha256(picture).hexdigest()


async def test_commands_join_the_messages_and_malformed_ones_do_not(bench: Bench) -> None:
    command = Command(command_id="c1", jurisdiction="210100", ticket_id="t", kind="read", author="clerk", at=NOON)
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(
            Outbound(topics.COMMAND, None, b'{"command_id": 7}', []),
            Outbound(topics.COMMAND, None, encode(command), [("empty", None)]),
            partition=0,
        )
        (found,) = await bench.read(topics.MESSAGE, 1)
        (dead,) = await bench.read(topics.DEAD, 1)
    assert decode(found.value, Command) == command
    assert found.partition == ids.partition_of("210100", PARTITIONS)
    assert Envelope.of(found.headers).type == "cn.hotline12345.command.v1"
    assert (dead.value, reasons(dead)["hotline.error.code"]) == (b'{"command_id": 7}', "schema")


async def test_a_large_dead_letter_keeps_its_bytes_by_reference(bench: Bench) -> None:
    poison = outbound(1, value=b"\xff" * (INLINE_LIMIT + 1))
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(poison)
        (dead,) = await bench.read(topics.DEAD, 1)
    reference = dict(dead.headers)["ce_dataref"].decode()
    assert dead.value == b""
    assert bytes(bench.blobs.get(reference).bytes()) == poison.value


async def test_a_drained_worker_leaves_nothing_to_repeat(bench: Bench) -> None:
    async def once(records: list[Outbound], expected: int) -> None:
        async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy(), group="same"):
            await bench.put(*records)
            await bench.read(topics.MESSAGE, expected)

    await once([outbound(number) for number in range(50)], 50)
    await once([outbound(50)], 51)
    found = await bench.read(topics.MESSAGE, 52, seconds=1)
    assert sorted(decode(record.value, Message).id for record in found) == sorted(f"n{n}" for n in range(51))


def take_less(bench: Bench, topic: str, size: int) -> None:
    """Let a topic take `size` bytes a record, as a cluster may that somebody else runs."""
    small = {topic: replace(topics.TOPICS[topic], extra={"max.message.bytes": str(size)})}
    assert Provision(bench.connection, small).alter()


async def test_a_message_that_kafka_refuses_becomes_a_dead_letter_and_the_next_ones_go_on(bench: Bench) -> None:
    take_less(bench, topics.MESSAGE, 20_000)
    sent = [outbound(1), outbound(2, "长" * 20_000), outbound(3)]
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()) as app:
        await bench.put(*sent, partition=0)
        (dead,) = await bench.read(topics.DEAD, 1)
        await bench.put(outbound(4), partition=0)
        found = await bench.read(topics.MESSAGE, 3, keys=True)
        assert not app.should_stop
    assert {decode(record.value, Message).id for record in found} == {"n1", "n3", "n4"}
    assert (dead.key, reasons(dead)["hotline.error.code"]) == (sent[1].key, "too_large")
    path = dict(dead.headers)["ce_dataref"].decode()
    assert bytes(bench.blobs.get(path).bytes()) == sent[1].value


async def test_a_command_that_kafka_refuses_becomes_a_dead_letter_and_the_next_one_goes_on(bench: Bench) -> None:
    take_less(bench, topics.MESSAGE, 20_000)
    long, short = (
        Command(command_id=f"c{size}", jurisdiction="210100", kind="merge", author="clerk", at=NOON, reason="x" * size)
        for size in (30_000, 3)
    )
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()):
        await bench.put(*(Outbound(topics.COMMAND, b"", encode(one), []) for one in (long, short)), partition=0)
        (found,) = await bench.read(topics.MESSAGE, 1)
        (dead,) = await bench.read(topics.DEAD, 1)
    assert decode(found.value, Command).command_id == short.command_id
    assert reasons(dead)["hotline.error.code"] == "too_large"


async def test_a_dead_letter_that_kafka_refuses_for_its_headers_says_where_the_record_stands(bench: Bench) -> None:
    """The topic of commands is open to others: nothing was left of such a record, and it was acknowledged."""
    take_less(bench, topics.DEAD, 20_000)
    told = Command(command_id="c1", jurisdiction="210100", kind="merge", author="clerk", at=NOON)
    long = Outbound(topics.COMMAND, b"k" * 30_000, b"no command", [("x", b"h" * 30_000)])
    async with bench.running(normalize.declare, bench.connection, bench.blobs, Policy()) as app:
        await bench.put(long, Outbound(topics.COMMAND, b"", encode(told), []), partition=1)
        (found,) = await bench.read(topics.MESSAGE, 1)
        (dead,) = await bench.read(topics.DEAD, 1)
        assert not app.should_stop
    assert decode(found.value, Command) == told
    stands = [reasons(dead)[f"{PREFIX}{part}"] for part in ("topic", "partition", "offset")]
    assert stands == [topics.COMMAND, "1", "0"]
    assert reasons(dead)["hotline.error.code"] == "too_large"

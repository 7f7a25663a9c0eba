"""Dead letters go back to the stage that failed, as they were; on real Kafka and Elasticsearch."""

import asyncio
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
import urllib3
from obstore.store import LocalStore

from broker.config import KafkaConnection
from hotline.dev.stack.stack import Endpoints
from normalizers import registry
from normalizers.base import Policy
from schemas import ids, topics
from schemas.codec import Outbound, Position, decode
from schemas.errors import MalformedError, MissingBlobError, RecordError
from schemas.records import Command, Message
from schemas.records.dead_letter import PREFIX, REPLAYS
from storage.paths import ERASED, REDACTED
from streams import normalize
from streams.engine import result as results
from streams.engine.app import make_app, serve
from tests.assign import logs
from tests.fakes.sinks import document
from tests.hotline.letters import hotline, letter, lines, own, read, send
from tests.hotline.signing import US
from tests.sinks.test_eraser import ONE, erased
from tests.streams.raws import outbound
from tests.tickets.build import message
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

CITY = "210100"


@pytest.fixture
def kafka(operators_kafka: KafkaConnection) -> KafkaConnection:
    return operators_kafka


def commands(connection: KafkaConnection) -> list[Command]:
    """What the tools sent to the audit log and to the tickets' own."""
    return [decode(record.value, Command) for record in read(connection, topics.COMMAND)]


async def until(connection: KafkaConnection, topic: str, count: int) -> list[Any]:
    async with asyncio.timeout(90):
        while len(found := await asyncio.to_thread(told, connection, topic)) < count:  # noqa: ASYNC110 - other processes write
            await asyncio.sleep(0.05)
    return found


def told(connection: KafkaConnection, topic: str) -> list[Any]:
    """What a topic holds beside commands, of which each use of a tool is one."""
    return [one for one in read(connection, topic) if ("ce_type", b"cn.hotline12345.command.v1") not in one.headers]


async def test_a_poison_record_comes_back_three_times_and_is_reported(
    kafka: KafkaConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "NORMALIZERS", MappingProxyType({}))
    work = make_app("test-dead-replay", kafka, tmp_path)
    normalize.declare(work, kafka, LocalStore(tmp_path / "blobs"), Policy())
    stop = asyncio.Event()
    sent = outbound(1)._replace(headers=[*outbound(1).headers, ("x", b"\x00\xff"), ("x", b"again")])
    await asyncio.to_thread(send, kafka, sent)
    task = asyncio.create_task(serve(work, stop))
    try:
        for replays in (1, 2, 3):
            await until(kafka, topics.DEAD, replays)
            (report,) = lines(await asyncio.to_thread(hotline, "dead", "replay", "--yes", "--json"))
            assert report["put_back"] == {sent.topic: 1}
        newest = (await until(kafka, topics.DEAD, 4))[-1]
        assert dict(newest.headers)[REPLAYS] == b"3"
        assert (newest.key, newest.value, own(newest.headers)) == (sent.key, sent.value, sent.headers)
        held = lines(await asyncio.to_thread(hotline, "dead", "replay", "--dry-run", "--json"))
        assert [one["put_back"] for one in held] == [False] * 4
        assert sum("3 times" in one["why"] for one in held) == 1
        (report,) = lines(await asyncio.to_thread(hotline, "dead", "replay", "--yes", "--json"), 1)
        assert report["put_back"] == {}
    finally:
        stop.set()
        await task
    raws = await asyncio.to_thread(read, kafka, sent.topic)
    assert [(one.key, one.value, own(one.headers)) for one in raws] == [(sent.key, sent.value, sent.headers)] * 4
    assert len({one.partition for one in raws}) == 1
    assert [dict(one.headers).get(REPLAYS) for one in raws] == [None, b"1", b"2", b"3"]


async def test_what_is_understood_now_becomes_one_message_however_often_it_is_put_back(
    kafka: KafkaConnection, tmp_path: Path
) -> None:
    place = Position(topics.raw("record"), 1, 0)
    await asyncio.to_thread(send, kafka, letter("normalize", place, outbound(7), MalformedError("a bug of ours")))
    for arguments in ([], ["--again"]):
        (report,) = lines(await asyncio.to_thread(hotline, "dead", "replay", "--yes", "--json", *arguments))
        assert report["put_back"] == {place.topic: 1}
    (skipped,) = lines(await asyncio.to_thread(hotline, "dead", "replay", "--dry-run", "--json"))
    assert "replayed before" in skipped["why"]
    work = make_app("test-dead-again", kafka, tmp_path)
    normalize.declare(work, kafka, LocalStore(tmp_path / "blobs"), Policy())
    stop = asyncio.Event()
    task = asyncio.create_task(serve(work, stop))
    try:
        found = await until(kafka, topics.MESSAGE, 2)
    finally:
        stop.set()
        await task
    desk = Desk(State(TicketPolicy()))
    decisions = [desk.take(decode(r.value, Message), Position(r.topic, r.partition, r.offset)) for r in found]
    assert [decision is not None for decision in decisions] == [True, False]
    assert desk.repeats == 1


def test_a_letter_of_assign_goes_to_its_citys_partition(kafka: KafkaConnection) -> None:
    sent = logs.outbound(message(1))
    send(kafka, letter("assign", Position(topics.MESSAGE, 0, 5), sent, RecordError("a bug of ours"), replays=1))
    assert hotline("dead", "replay", "--stage", "assign", "--yes", "--reason", "fixed").exit_code == 0
    (back,) = read(kafka, topics.MESSAGE)
    assert back.partition == ids.partition_of(CITY, 2)
    assert (back.key, back.value, own(back.headers)) == (sent.key, sent.value, sent.headers)
    assert dict(back.headers)[REPLAYS] == b"2"
    acts = commands(kafka)
    assert sorted(act.args["action"] for act in acts) == ["replay_started", "replayed"]
    assert {act.reason for act in acts} == {"fixed"}
    assert all(act.author for act in acts)
    (listed,) = lines(hotline("dead", "list", "--json"))
    assert (listed["replays"], listed["replayed"]) == (1, 1)
    assert listed["message_id"] == message(1).message_id, "by another name nobody could have it erased"


def test_a_letter_without_room_for_its_value_is_read_where_it_failed(kafka: KafkaConnection) -> None:
    sent = logs.outbound(message(1))
    asyncio.run(logs.write(kafka, [logs.outbound(message(0)), sent]))
    bare = sent._replace(value=b"")
    kept = next(one for one in read(kafka, topics.MESSAGE) if one.key == sent.key)
    place = Position(topics.MESSAGE, kept.partition, kept.offset)
    send(kafka, letter("assign", place, bare, RecordError("too large")))
    assert hotline("dead", "replay", "--yes").exit_code == 0
    back = next(one for one in read(kafka, topics.MESSAGE) if REPLAYS in dict(one.headers))
    assert back.value == kept.value


@pytest.mark.usefixtures("fresh_indices")
def test_nor_does_the_archive_get_it_without_its_value(kafka: KafkaConnection, stack: Endpoints) -> None:
    good = document("210100-c", b'{"ticket_id":"210100-c","search_text":"new"}', version=2, topic=topics.TICKET)
    there, gone = (Outbound(topics.TICKET, good.key, value, good.headers) for value in (good.value, b""))
    send(kafka, there)
    (kept,) = read(kafka, topics.TICKET)
    for offset in (kept.offset, kept.offset + 1):
        place = Position(topics.TICKET, kept.partition, offset)
        send(kafka, letter("sink", place, gone, RecordError("too large")))
    (report,) = lines(hotline("dead", "replay", "--yes", "--json"), 1)
    assert (report["put_back"], report["failed_again"]) == ({"sink": 1}, 0)
    assert ["no longer has it" in one["why"] for one in report["held"]] == [True]
    url = f"{stack.elasticsearch_url}/hotline-ticket/_doc/210100-c"
    assert urllib3.PoolManager().request("GET", url).json()["_source"]["search_text"] == "new"


def test_nor_is_another_record_put_back_in_its_place(kafka: KafkaConnection) -> None:
    """In a topic that was made anew it stands where this one stood."""
    gone = logs.outbound(message(1))._replace(value=b"")
    asyncio.run(logs.write(kafka, [logs.outbound(message(2))]))
    place = Position(topics.MESSAGE, ids.partition_of(CITY, 2), 0)
    send(kafka, letter("assign", place, gone, RecordError("too large")))
    (report,) = lines(hotline("dead", "replay", "--yes", "--json"), 1)
    assert "no longer has it" in report["held"][0]["why"]
    assert len(read(kafka, topics.MESSAGE)) == 1


@pytest.mark.usefixtures("fresh_indices")
def test_a_letter_of_the_sink_goes_to_the_archive_alone(kafka: KafkaConnection, stack: Endpoints) -> None:
    good = document("210100-a", b'{"ticket_id":"210100-a","search_text":"new"}', version=2, topic=topics.TICKET)
    bad = document("210100-b", b'{"ticket_id":"210100-b","location":"x"}', version=1, topic=topics.TICKET)
    for offset, one in enumerate((good, bad)):
        record = Outbound(topics.TICKET, one.key, one.value, one.headers)
        send(kafka, letter("sink", Position(topics.TICKET, 0, offset), record, RecordError("refused")))
    (report,) = lines(hotline("dead", "replay", "--yes", "--json"), 1)
    assert (report["put_back"], report["failed_again"]) == ({"sink": 2}, 1)
    assert read(kafka, topics.TICKET) == []
    url = f"{stack.elasticsearch_url}/hotline-ticket/_doc/210100-a"
    found = urllib3.PoolManager().request("GET", url).json()
    assert (found["_version"], found["_source"]["search_text"]) == (2, "new")
    counts = {dict(one.headers)[f"{PREFIX}offset"]: dict(one.headers)[REPLAYS] for one in read(kafka, topics.DEAD)}
    assert counts[b"1"] == b"1"
    newest = read(kafka, topics.DEAD)[-1]
    assert (newest.key, newest.value) == (bad.key, bad.value)


@pytest.mark.usefixtures("fresh_indices")
def test_an_erasure_that_failed_is_carried_out(kafka: KafkaConnection, stack: Endpoints) -> None:
    decision = erased("2026-11")
    record = Outbound(topics.EVENT, decision.key, decision.value, decision.headers)
    send(kafka, letter("sink", Position(topics.EVENT, 0, 0), record, RecordError("refused")))
    (report,) = lines(hotline("dead", "replay", "--yes", "--json"))
    assert (report["put_back"], report["failed_again"]) == ({"sink": 1}, 0)
    url = f"{stack.elasticsearch_url}/hotline-message-2026.11/_doc/{ONE.message_id}"
    assert urllib3.PoolManager().request("GET", url).json()["_version"] == 2**53


async def test_bytes_that_had_to_move_come_back_into_the_record(kafka: KafkaConnection, tmp_path: Path) -> None:
    sent = outbound(3)
    fields = {"topic": sent.topic, "partition": 0, "offset": 9, "key": sent.key, "value": sent.value}
    result = results.refused_of(SimpleNamespace(**fields, headers=sent.headers, timestamp=0), "normalize")
    assert result.outbound.value == b""
    await asyncio.to_thread(send, kafka, result.outbound)
    missing = await asyncio.to_thread(hotline, "dead", "replay", "--yes", "--json")
    assert "no object" in lines(missing, 1)[0]["held"][0]["why"]
    assert await asyncio.to_thread(read, kafka, sent.topic) == []
    blob, _ = result.blobs
    await LocalStore(tmp_path / "blobs").put_async(blob.path, blob.data)
    assert (await asyncio.to_thread(hotline, "dead", "replay", "--yes")).exit_code == 0
    (back,) = await asyncio.to_thread(read, kafka, sent.topic)
    assert (back.key, back.value, own(back.headers)) == (sent.key, sent.value, sent.headers)


@pytest.mark.usefixtures("fresh_indices")
@pytest.mark.parametrize("mark", [ERASED, REDACTED])
async def test_what_was_erased_since_is_not_put_back(kafka: KafkaConnection, tmp_path: Path, mark: str) -> None:
    said, raw, other = message(1), outbound(3), outbound(4)
    own_id = dict(raw.headers)["ce_id"].decode()
    raw_id = ids.message_id(dict(raw.headers)["ce_source"].decode(), own_id)
    for name in (said.message_id, raw_id):
        await LocalStore(tmp_path / "blobs", mkdir=True).put_async(f"{CITY}/{name}/{mark}", b"")
    here = {"assign": logs.outbound(said), "sink": logs.outbound(said), "normalize": raw, "screen": other}
    for stage, record in here.items():
        place = Position(record.topic, ids.partition_of(CITY, 2), 3)
        await asyncio.to_thread(send, kafka, letter(stage, place, record, RecordError("a bug of ours")))
    (report,) = lines(await asyncio.to_thread(hotline, "dead", "replay", "--yes", "--json"))
    assert report["put_back"] == {other.topic: 1}
    assert {one["why"] for one in report["held"]} == {"its message was erased or redacted since then"}
    assert len(report["held"]) == 3
    assert await asyncio.to_thread(read, kafka, topics.MESSAGE) == []
    assert [one.value for one in await asyncio.to_thread(read, kafka, other.topic)] == [other.value]


async def test_what_had_no_room_at_all_is_read_where_it_stands(kafka: KafkaConnection) -> None:
    sent = outbound(3)
    await asyncio.to_thread(send, kafka, sent)
    (there,) = await asyncio.to_thread(read, kafka, sent.topic)
    await asyncio.to_thread(send, kafka, results.bare(there, "normalize").outbound)
    assert (await asyncio.to_thread(hotline, "dead", "replay", "--yes")).exit_code == 0
    (_, back) = await asyncio.to_thread(read, kafka, sent.topic)
    assert (back.partition, back.key, back.value) == (there.partition, sent.key, sent.value)
    assert (own(back.headers), dict(back.headers)[REPLAYS]) == (sent.headers, b"1")


def test_a_message_whose_letter_had_no_room_at_all_goes_to_its_citys_partition(kafka: KafkaConnection) -> None:
    """In another one a second desk would decide about it."""
    city = "430100"
    assert ids.partition_of(city, 2) != ids.partition_of("", 2)
    sent = logs.outbound(message(1, jurisdiction=city))
    asyncio.run(logs.write(kafka, [sent]))
    (there,) = read(kafka, topics.MESSAGE)
    send(kafka, results.bare(there, "assign", RecordError("too large")).outbound)
    assert hotline("dead", "replay", "--yes").exit_code == 0
    found = read(kafka, topics.MESSAGE)
    assert [one.partition for one in found] == [ids.partition_of(city, 2)] * 2
    assert found[1].value == sent.value


def test_what_never_was_in_kafka_and_what_is_unknown_stay(kafka: KafkaConnection) -> None:
    error = MalformedError("no mail")
    send(kafka, letter("connector", Position(topics.raw("record"), -1, -1), outbound(1), error))
    send(kafka, letter("weaving", Position(topics.raw("record"), 0, 1), outbound(2), error))
    send(kafka, letter("normalize", Position("hotline.ticket.v1", 0, 1), outbound(3), error))
    whys = {one["why"] for one in lines(hotline("dead", "replay", "--dry-run", "--json"))}
    assert whys == {
        "it was never a record in Kafka: send it again from its source",
        "no stage of this version accepts it",
    }


def test_the_filters_choose_and_count(kafka: KafkaConnection) -> None:
    place = Position(topics.raw("record"), 0, 0)
    for number in range(3):
        error = MalformedError("x") if number else RecordError("y")
        one = outbound(number, account=f"a{number}", jurisdiction=f"21010{number}")
        send(kafka, letter("normalize", place._replace(offset=number), one, error))

    def chosen(*arguments: str) -> int:
        return len(lines(hotline("dead", "list", "--json", *arguments)))

    assert chosen("--account", "a1") == chosen("--jurisdiction", "210102") == 1
    assert chosen("--channel", "record", "--stage", "normalize", "--code", "malformed") == 2
    assert chosen("--since", "2099-01-01") == chosen("--until", "2020-01-01") == 0
    assert chosen("--since", "2020-01-01", "--until", "2099-01-01") == 3
    counts = lines(hotline("dead", "list", "--count", "--json"))
    assert [(one["code"], one["count"]) for one in counts] == [("malformed", 2), ("internal", 1)]
    (one,) = lines(hotline("dead", "list", "--account", "a0", "--json"))
    assert hotline("dead", "replay", one["id"], answer="n\n").exit_code == 1
    assert read(kafka, place.topic) == []
    assert hotline("dead", "replay", "9:9", "--yes").exit_code == 2
    assert hotline("dead", "replay", "--json").exit_code == 2
    told, nothing = (hotline("dead", "replay", one["id"], answer="y\n") for _ in range(2))
    assert (told.exit_code, nothing.exit_code) == (0, 0)
    assert ("Recorded as run" in told.stderr, "Recorded as run" in nothing.stderr) == (True, False)
    assert len({act.args["details"]["run"] for act in commands(kafka)}) == 1
    assert [record.value for record in read(kafka, place.topic)] == [outbound(0).value]


def test_a_reading_in_clear_is_recorded_before_anything_is_shown(kafka: KafkaConnection) -> None:
    text = "我叫欧阳，电话13912345678"
    send(kafka, letter("normalize", Position(topics.raw("record"), 0, 0), outbound(1, text), MalformedError("x")))
    (one,) = lines(hotline("dead", "list", "--json"))
    masked, unasked = hotline("dead", "show", one["id"]), hotline("dead", "show", one["id"], "--clear")
    assert masked.exit_code == 0
    assert unasked.exit_code == 2
    assert "--reason" in unasked.stderr
    assert not any(word in shown.output for shown in (masked, unasked) for word in ("欧阳", "ce_sha256"))
    assert read(kafka, topics.COMMAND) == []
    shown = hotline("dead", "show", one["id"], "--clear", "--reason", "a citizen asks")
    assert text in shown.stdout
    (act,) = commands(kafka)
    assert (act.args["action"], act.author, act.reason) == ("read_in_clear", US, "a citizen asks")
    assert act.args["subject"] == one["id"]
    assert {command.kind for command in commands(kafka)} == {"record"}, "there is no ticket yet"


def test_of_a_message_whose_bytes_are_missing_the_headers_are_shown(kafka: KafkaConnection) -> None:
    """They say who wrote it: nothing else does while the store is away."""
    told = [("ce_sender", b"li@mail.example"), ("ce_dataref", b"210100/x/y")]
    record = Outbound(topics.raw("record"), b"k", b"", told)
    send(kafka, letter("normalize", Position(record.topic, 0, 0), record, MissingBlobError("x")))
    (one,) = lines(hotline("dead", "list", "--json"))
    shown = hotline("dead", "show", one["id"], "--clear", "--reason", "no ticket")
    assert (shown.exit_code, "li@mail.example" in shown.stdout) == (1, True)
    assert "ask again" in shown.stderr
    assert [act.args["action"] for act in commands(kafka)] == ["read_in_clear"]


@pytest.mark.parametrize("mark", [ERASED, REDACTED])
def test_what_was_erased_is_not_shown_in_clear(kafka: KafkaConnection, tmp_path: Path, mark: str) -> None:
    text = "我叫欧阳，电话13912345678"
    send(kafka, letter("normalize", Position(topics.raw("record"), 0, 0), outbound(1, text), MalformedError("x")))
    (one,) = lines(hotline("dead", "list", "--json"))
    LocalStore(tmp_path / "blobs", mkdir=True).put(f"{CITY}/{one['message_id']}/{mark}", b"")
    shown = hotline("dead", "show", one["id"], "--clear", "--reason", "a citizen asks")
    assert (shown.exit_code, "欧阳" in shown.output) == (2, False)
    assert "erased" in shown.stderr
    assert hotline("dead", "show", one["id"]).exit_code == 0
    assert read(kafka, topics.COMMAND) == []


def test_a_ticket_read_in_a_dead_letter_is_told_to_the_tickets_log(kafka: KafkaConnection) -> None:
    ticket_id = ids.ticket_id(CITY, "a" * 26)
    record = Outbound(topics.TICKET, ticket_id.encode(), '{"text":"我叫欧阳"}'.encode(), [])
    send(kafka, letter("sink", Position(topics.TICKET, 0, 0), record, RecordError("x")))
    (one,) = lines(hotline("dead", "list", "--json"))
    assert "欧阳" in hotline("dead", "show", one["id"], "--clear", "--reason", "x").stdout
    (command,) = [command for command in commands(kafka) if command.kind == "read"]
    assert (command.ticket_id, command.author, command.reason) == (ticket_id, US, "x")


def test_a_rate_is_kept(kafka: KafkaConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("hotline.admin.dead_letters.replay.asyncio.sleep", sleep)
    place = Position(topics.raw("record"), 0, 0)
    send(kafka, *[letter("normalize", place, outbound(n), MalformedError("x")) for n in range(5)])
    assert hotline("dead", "replay", "--yes", "--rate", "2").exit_code == 0
    waits = [seconds for seconds in slept if seconds > 0.1]
    assert len(waits) == 3
    assert max(waits) <= 1.0

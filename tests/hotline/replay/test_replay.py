"""A replay of what was recorded differs in nothing; under other rules or code it differs exactly where they do."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from broker import kafka_reader
from broker.config import KafkaConnection
from broker.sync_producer import Producer
from hotline.cli.app import app
from hotline.quality.replay import point
from normalizers import registry, rules
from normalizers.base import Policy
from schemas import ids, topics
from schemas.codec import Outbound, decode, encode
from schemas.envelope import Envelope, type_of
from schemas.errors import MisconfiguredError
from schemas.records import Command, Event, Message, raw_of
from streams.normalize import step
from tests.assign import logs
from tests.hotline.replay.conftest import CHUNK, Record
from tests.streams.raws import claimed, outbound
from tests.tickets.build import CITY, START, message
from tests.tickets.pieces import parts_of
from tests.tickets.records_of_calls import record as record_of_call
from tickets import decide, deciders, policies

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

OTHER_CITY = "310100"


def hotline(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["replay", *arguments, "--json"])


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code in (0, 1), result.output
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code == 1) == bool(found[-1]["differing"])
    return found


def letters(*, orders: bool = True) -> Iterable[Outbound]:
    """Every kind of input: new ones, repeats, replies, the same again, machines, commands, and what nobody can read."""
    for number in range(30):
        city = OTHER_CITY if number % 3 == 0 else CITY
        yield letter(number, number, city)
        if number % 4 == 1:
            yield letter(100 + number, number, city)
        if number % 5 == 2:
            reply = (f"{city}-{number}",)
            yield logs.outbound(
                message(200 + number, "还没人来", sender=f"p{number % 9}", jurisdiction=city, answers=reply)
            )
        if number % 6 == 5:
            yield letter(number, number, city)
    yield logs.outbound(message(300, "自动回复", message_class="auto_reply"))
    if orders:
        yield from commands()
    yield logs.outbound(message(301))._replace(value=b"{}")
    for number in range(302, 305):  # one ticket, three messages, one transaction
        yield logs.outbound(message(number, "老问题又来了", sender="p-old"))


def letter(number: int, matter: int, city: str) -> Outbound:
    """A message about a thing of its own: one that names nothing would be proposed to whatever its writer has open."""
    said = message(number, f"第{matter}条诉求", sender=f"p{matter % 9}", jurisdiction=city)
    return logs.outbound(replace(said, features=replace(said.features, objects=(f"{matter:08x}",))))


def commands() -> Iterable[Outbound]:
    yield command("set_status", 1, status="resolved")
    yield command("set_status", 2, status="registered")
    yield command("merge", 4, into=opened_by(5))
    yield command("set_deadline", 7, clock="resolve", due_at="2026-12-01T00:00:00+08:00")
    yield command("move", 8, message_id=message(8, jurisdiction=CITY).message_id)
    yield command("unmerge", 1, message_id=message(101, jurisdiction=CITY).message_id)
    yield command("forget", 10)


def command(kind: str, number: int, **args: object) -> Outbound:
    """An order about the ticket that a message opened."""
    order = Command(
        command_id=f"c-{kind}-{number}",
        jurisdiction=CITY,
        ticket_id=opened_by(number),
        kind=kind,
        author="clerk.li",
        at=logs.ORDERED + timedelta(minutes=200),
        args=args,
    )
    envelope = Envelope(
        id=order.command_id, source="/hotline/commands/test", type=type_of("command"), time=START, recordedtime=START
    )
    return Outbound(topics.MESSAGE, order.command_id.encode(), encode(order), envelope.headers(), CITY)


def opened_by(number: int) -> str:
    return ids.ticket_id(CITY, message(number, jurisdiction=CITY).message_id)


def events(connection: KafkaConnection) -> list[Event]:
    return [decode(one.value, Event) for one in kafka_reader.read_all(connection, topics.EVENT)]


def ends(connection: KafkaConnection) -> dict[str, dict[int, tuple[int, int]]]:
    return {name: kafka_reader.bounds(connection, name) for name in topics.TOPICS}


def test_a_recorded_run_differs_in_nothing_from_wherever_it_is_replayed(kafka: KafkaConnection, record: Record) -> None:
    record(letters())
    before, decided = ends(kafka), events(kafka)
    assert {one.method for one in decided if one.relation == "command"} >= {"merge", "forget", "unmerge", "refused"}
    (whole,) = lines(hotline("--diff"))
    assert whole["differing"] == {}
    assert whole["inputs"] == sum(end for _, end in before[topics.MESSAGE].values()) - 1, "all but what nobody can read"
    assert (whole["dead"], whole["gone"], whole["inexact"]) == (0, 0, 0)
    partition = ids.partition_of(CITY, 2)
    inside = before[topics.MESSAGE][partition][1] - 2
    assert inside % 7 not in (0, 6), "between messages of one ticket in one transaction"
    (part,) = lines(hotline("--diff", "--from", f"{partition}:{inside}"))
    assert (part["inputs"], part["differing"], part["inexact"]) == (2, {}, 0)
    (one,) = lines(hotline("--diff", "--from", decided[3].event_id))
    assert one["differing"] == {}
    assert one["begins"] == {str(decided[3].input.partition): [decided[3].input.offset] * 2}
    assert point.begins(kafka, "2099-01-01") == {}
    assert point.begins(kafka, "2020-01-01T00:00:00+08:00") == point.begins(kafka, None) == {0: 0, 1: 0}
    assert ends(kafka) == before, "a replay writes nothing"


def test_what_was_joined_is_joined_again(kafka: KafkaConnection, record: Record) -> None:
    parts = parts_of("我要投诉小区门口的烧烤摊，每天晚上油烟很大，一直吵到半夜，请城管来管一管，谢谢", 40)
    record([*map(logs.outbound, (*parts, *CALL)), registered(1, parts[0]), registered(2, CALL[0])])
    for offset in (4, 2):  # behind all of them, and between the text and the call
        (summary,) = lines(hotline("--diff", "--from", f"{ids.partition_of(CITY, 2)}:{offset}"))
        assert (summary["differing"], summary["inexact"], summary["gone"]) == ({}, 0, 0)


CALL = (
    record_of_call(1, {"revision": 1, "note": "我要投诉小区门口的烧烤摊油烟很大"}, 30),
    record_of_call(2, {"revision": 2, "transcript": "市民：谢谢您，太感谢了"}, 31),
)


def registered(number: int, first: Message) -> Outbound:
    return logs.ordered(number, "set_status", ids.ticket_id(CITY, first.message_id), {"status": "registered"})


@pytest.mark.parametrize("behind", [0, 1], ids=["decided again", "carried out on the way"])
def test_a_ticket_whose_earlier_words_retention_took_is_compared_by_its_links_alone(
    kafka: KafkaConnection, record: Record, behind: int
) -> None:
    others = [message(number, f"第{number}件事", sender=f"p{number}") for number in range(1, CHUNK)]
    record([*map(logs.outbound, (*others, *CALL)), *[registered(1, CALL[0])] * behind])
    partition = ids.partition_of(CITY, 2)
    forget(kafka, partition, CHUNK)
    (summary,) = lines(hotline("--diff", "--from", f"{partition}:{CHUNK + behind}"))
    assert (summary["differing"], summary["inexact"]) == ({}, 1)


def test_what_leaves_the_memory_while_it_is_replayed_is_compared(kafka: KafkaConnection, record: Record) -> None:
    """A ticket that is closed for long leaves; it is erased all the same."""
    after = message(2, "很久以后", sender="13900139000", minutes=60 * 24 * 200)
    opened = opened_by(1)
    record(
        [
            logs.outbound(message(1)),
            logs.ordered(1, "set_status", opened, {"status": "not_accepted", "reason_code": "malicious"}),
            logs.outbound(after),
            logs.ordered(24 * 201, "forget", opened, {"message_ids": [message(1).message_id]}),
        ]
    )
    assert [one.method for one in events(kafka)][-1] == "forget"
    (summary,) = lines(hotline("--diff"))
    assert (summary["inputs"], summary["differing"]) == (4, {})


def test_other_code_differs_exactly_where_it_decides_otherwise(
    kafka: KafkaConnection, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(letters(orders=False))
    joined = {
        one.event_id: one.tickets[0].ticket_id for one in events(kafka) if one.relation == "same_person_same_matter"
    }
    assert len(joined) > 5
    left = {name: judge for name, judge in deciders.DECIDERS.items() if name != "same_person_same_matter"}
    monkeypatch.setattr(decide, "DECIDERS", MappingProxyType(left))
    *found, summary = lines(hotline("--diff"))
    decisions = {one["id"]: one["fields"] for one in found if one["subject"] == "message"}
    assert decisions.keys() == joined.keys()
    for message_id, fields in decisions.items():
        opened = ids.ticket_id(fields["ticket"][0].partition("-")[0], message_id)
        assert fields["relation"] == ["same_person_same_matter", "new"]
        assert fields["ticket"] == [joined[message_id], opened]
    tickets = {one["id"]: one["fields"] for one in found if one["subject"] == "ticket"}
    new = {ids.ticket_id(ticket.partition("-")[0], name) for name, ticket in joined.items()}
    assert tickets.keys() == new | set(joined.values())
    assert all(tickets[ticket]["messages"][0] > tickets[ticket]["messages"][1] for ticket in joined.values())
    assert summary["differing"] == {"message": len(joined), "ticket": len(tickets)}


def test_other_deadlines_differ_in_the_deadlines_alone(kafka: KafkaConnection, record: Record, tmp_path: Path) -> None:
    record([logs.outbound(message(number, f"第{number}条诉求", sender=f"p{number}")) for number in range(3)])
    own = (Path(policies.__file__).parent / "deadlines" / "national.toml").read_text("utf-8")
    (tmp_path / "trial" / "deadlines").mkdir(parents=True)
    (tmp_path / "trial" / "deadlines" / "national.toml").write_text(own.replace("amount = 24", "amount = 48"))
    *found, summary = lines(hotline("--diff", "--rules", str(tmp_path / "trial")))
    assert summary["differing"] == {"message": 3, "ticket": 3}
    assert {name for one in found for name in one["fields"]} == {"deadlines"}
    was, now = found[-1]["fields"]["deadlines"]
    assert datetime.fromisoformat(now["accept"]) - datetime.fromisoformat(was["accept"]) == timedelta(hours=24)


def test_inputs_that_retention_took_are_said_plainly(kafka: KafkaConnection, record: Record) -> None:
    record(letters())
    partition = ids.partition_of(CITY, 2)
    forget(kafka, partition, 10)
    (summary,) = lines(hotline("--diff", "--from", f"{partition}:2"))
    assert summary["begins"] == {str(partition): [2, 10]}
    assert summary["differing"] == {}
    assert summary["gone"] > 0, "what commands look back at"
    told = CliRunner().invoke(app, ["replay", "--from", f"{partition}:2"]).stdout
    assert "inputs before offset 10 are no longer in Kafka" in told
    assert told.endswith("No differences.\n")


def forget(connection: KafkaConnection, partition: int, before: int) -> None:
    """Let retention take inputs."""
    admin = KafkaAdminClient(**connection.client_options())
    admin.delete_records({TopicPartition(topics.MESSAGE, partition): before})
    admin.close()


def raws(connection: KafkaConnection) -> None:
    """Write raw records, and the messages that normalize made of them."""
    texts = {1: "路灯坏了", 2: "解放路88号居民楼三楼着火了，冒黑烟", 3: "噪音扰民"}
    producer = Producer(connection)
    producer.deliver_now([outbound(number, text) for number, text in texts.items()])
    producer.close()


def normalized(connection: KafkaConnection) -> list[Outbound]:
    records = list(kafka_reader.read_all(connection, topics.raw("record")))
    return [step(one, raw_of(one), Policy()).outbound for one in records]


def test_other_rules_of_normalize_differ_exactly_in_what_they_find(
    kafka: KafkaConnection, record: Record, tmp_path: Path
) -> None:
    raws(kafka)
    made = normalized(kafka)
    record(made)
    (same,) = lines(hotline("--diff", "--stage", "normalize"))
    assert (same["inputs"], same["raws_gone"], same["differing"]) == (3, 0, {})
    folder = tmp_path / "rules"
    folder.mkdir()
    own = (Path(rules.__file__).parent / "emergency.toml").read_text("utf-8")
    (folder / "emergency.toml").write_text(
        own.replace("[harmless]\nphrases = [", '[harmless]\nphrases = ["着火", "黑烟", ')
    )
    assert (folder / "emergency.toml").read_text("utf-8") != own
    done = hotline("--stage", "normalize", "--rules", str(folder), "--diff")
    *found, summary = lines(done)
    fire = next(one for one in (decode(out.value, Message) for out in made) if one.emergency)
    assert [(one["subject"], one["id"]) for one in found] == [
        ("message", fire.message_id),
        ("ticket", ids.ticket_id(CITY, fire.message_id)),
    ]
    assert found[0]["fields"]["emergency"][1] is None
    assert found[1]["fields"]["urgency"][1] == "normal"
    assert summary["differing"] == {"message": 1, "ticket": 1}
    assert not any("解放路" in line for line in done.stdout.splitlines()), "no words of a citizen"


def test_another_record_is_not_taken_for_the_one_that_stood_in_its_place(
    kafka: KafkaConnection, record: Record
) -> None:
    """In a topic that was made anew."""
    raws(kafka)
    first, second, third = (decode(one.value, Message) for one in normalized(kafka))
    record(map(logs.outbound, (first, replace(second, raw=first.raw), third)))
    (summary,) = lines(hotline("--diff", "--stage", "normalize"))
    assert (summary["inputs"], summary["raws_gone"], summary["differing"]) == (3, 1, {})


def test_large_bytes_are_read_as_normalize_reads_them(kafka: KafkaConnection, record: Record, tmp_path: Path) -> None:
    """Others in their place were taken for them."""
    large = [claimed(number, f"{CITY}/m{number}/raw", "路灯坏了") for number in range(3)]
    producer = Producer(kafka)
    producer.deliver_now([out for out, _ in large])
    producer.close()
    bytes_of = {out.key + bytes(dict(out.headers)["ce_id"]): value for out, value in large}
    found = [(one, raw_of(one)) for one in kafka_reader.read_all(kafka, topics.raw("record"))]
    wholes = [(one, replace(raw, value=bytes_of[one.key + raw.envelope.id.encode()])) for one, raw in found]
    record([step(one, raw, Policy()).outbound for one, raw in wholes])
    (tmp_path / "blobs" / CITY / "m0").mkdir(parents=True)
    (tmp_path / "blobs" / CITY / "m0" / "raw").write_bytes(large[0][1])
    (tmp_path / "blobs" / CITY / "m1").mkdir()
    (tmp_path / "blobs" / CITY / "m1" / "raw").write_bytes(large[2][1])
    *_, summary = lines(hotline("--diff", "--stage", "normalize"))
    assert (summary["inputs"], summary["raws_gone"], summary["dead"]) == (3, 1, 1)


def test_what_other_code_cannot_read_would_be_a_dead_letter(
    kafka: KafkaConnection, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws(kafka)
    record(normalized(kafka))
    monkeypatch.setattr(registry, "NORMALIZERS", MappingProxyType({}))
    *found, summary = lines(hotline("--diff", "--stage", "normalize"))
    assert summary["dead"] == 3
    assert {one["subject"] for one in found} == {"message", "ticket"}


def test_a_point_that_is_none_is_refused(kafka: KafkaConnection) -> None:
    for text in ("9:0", "yesterday", "2:x"):
        with pytest.raises(MisconfiguredError):
            point.begins(kafka, text)

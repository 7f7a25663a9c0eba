"""What Kafka refuses for its size: one input is put aside, everything behind it goes on, memory is as the log."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from faust.types import TP
from msgspec.structs import replace
from obstore.store import LocalStore

from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from normalizers.rules import DEFAULT_RULES, Rules
from schemas import ids, topics
from schemas.codec import Outbound, encode
from schemas.records import Attachment, Command, Message, Ticket
from streams.assign import Assign
from streams.engine.fetched_record import Fetched
from streams.engine.partition_worker import Chunk
from streams.normalize import command_step
from tests.assign import logs
from tests.tickets.build import CITY, message
from tickets import records_out
from tickets.policy import TicketPolicy

pytestmark = [pytest.mark.integration, pytest.mark.long]

POLICY = TicketPolicy()
BIG = "长" * 30_000
"""More than a topic takes after `limited`."""


def limited(connection: KafkaConnection, topic: str, most: int = 50_000) -> None:
    """Let a topic take 50 KB, as a cluster may that somebody else runs."""
    small = {topic: replace(topics.TOPICS[topic], extra={"max.message.bytes": str(most)})}
    assert Provision(connection, small).alter()


async def handled(connection: KafkaConnection, assign: Assign) -> int:
    """Give the partition's whole input to assign as one chunk; return the partition."""
    records = await logs.read(connection, topics.MESSAGE)
    partition = records[0].partition
    acks = []
    event = SimpleNamespace(ack=lambda: acks.append(1))
    await assign.handle(TP(topics.MESSAGE, partition), Chunk(TP(topics.MESSAGE, partition), records, event))
    assert acks == [1]
    return partition


async def assert_memory_is_as_the_log(connection: KafkaConnection, assign: Assign, partition: int, empty) -> None:
    restored = await logs.restored(connection, empty, partition)
    assert assign._owners[partition].restored.state.dump() == restored.state.dump()


async def test_an_input_whose_snapshot_is_refused_becomes_a_dead_letter_and_the_rest_goes_on(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    limited(connection, topics.TICKET)
    first, answer = message(1), message(4, "第四件事", answers=(f"{CITY}-1",))
    grown = message(2, BIG, answers=(f"{CITY}-1",))
    other = message(3, "第三件事", sender="13900139000")
    sent = [logs.outbound(one) for one in (first, grown, other, answer)]
    await logs.write(connection, sent)
    assign = Assign(connection, blobs, POLICY)
    partition = await handled(connection, assign)
    await assert_memory_is_as_the_log(connection, assign, partition, blobs)
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, [first, other, answer])
    (dead,) = await logs.dead(connection)
    assert (dead.key, dead.value) == (sent[1].key, sent[1].value)
    headers = dict(dead.headers)
    assert headers["hotline.error.code"] == b"too_large"
    assert headers["__connect.errors.offset"] == b"1"


async def test_a_dead_letter_that_is_refused_too_goes_without_its_bytes(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    limited(connection, topics.TICKET)
    limited(connection, topics.DEAD)
    large, after = message(1, BIG), message(2, "第二件事")
    await logs.write(connection, map(logs.outbound, (large, after)))
    assign = Assign(connection, blobs, POLICY)
    await handled(connection, assign)
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, [after])
    (dead,) = await logs.dead(connection)
    assert (dead.key, dead.value) == (large.message_id.encode(), b"")


async def test_one_that_is_refused_for_its_headers_as_well_says_where_the_input_stands(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    limited(connection, topics.DEAD, 1500)
    first, after = message(1), message(2, "第二件事")
    foreign = Outbound(topics.MESSAGE, b"k" * 2000, b"x", [("ce_type", b"other"), ("x", b"y" * 2000)], CITY)
    await logs.write(connection, [logs.outbound(first), foreign, logs.outbound(after)])
    assign = Assign(connection, blobs, POLICY)
    partition = await handled(connection, assign)
    await assert_memory_is_as_the_log(connection, assign, partition, blobs)
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, [first, after])
    (dead,) = await logs.dead(connection)
    assert (dead.key or b"", dead.value or b"") == (b"", b"")
    told = dict(dead.headers)
    assert (told["__connect.errors.topic"], told["__connect.errors.offset"]) == (topics.MESSAGE.encode(), b"1")
    assert told["__connect.errors.stage"] == b"assign"


async def test_the_largest_input_becomes_a_dead_letter_with_all_its_bytes(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    after = message(2, "第二件事")
    foreign = Outbound(topics.MESSAGE, b"foreign", b"x" * (topics.MAX_BYTES - 300), [("ce_type", b"other")], CITY)
    await logs.write(connection, [foreign, logs.outbound(after)])
    assign = Assign(connection, blobs, POLICY)
    await handled(connection, assign)
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, [after])
    (dead,) = await logs.dead(connection)
    assert dead.value == foreign.value
    assert dict(dead.headers)["hotline.error.code"] == b"unsupported"


async def test_an_input_whose_snapshot_cannot_be_made_becomes_a_dead_letter(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    masked = records_out.mask_ticket

    def fails_on_one(ticket: Ticket, rules: Rules = DEFAULT_RULES) -> Ticket:
        assert "13800138000" not in ticket.text
        return masked(ticket, rules)

    monkeypatch.setattr(records_out, "mask_ticket", fails_on_one)
    messages: list[Message] = [message(1), message(2, "请回电13800138000"), message(3, "第三件事")]
    await logs.write(connection, map(logs.outbound, messages))
    assign = Assign(connection, blobs, POLICY)
    await handled(connection, assign)
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, [messages[0], messages[2]])
    (dead,) = await logs.dead(connection)
    assert dead.key == messages[1].message_id.encode()
    assert dict(dead.headers)["hotline.error.code"] == b"internal"


async def test_a_ticket_that_grows_and_grows_keeps_every_follow_up(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    files = tuple(
        Attachment(id=f"a{number}", name=f"{'照片' * 40}{number}.txt", media_type="text/plain", size=9)
        for number in range(900)
    )
    letters = [message(1, attachments=files)]
    letters += [message(number, f"第{number}封", answers=(f"{CITY}-1",), attachments=files) for number in range(2, 6)]
    letters.append(message(9, "另一件事", sender="13900139000"))
    assign = Assign(connection, blobs, POLICY)
    for one in letters:
        await logs.write(connection, [logs.outbound(one)])
        partition = await handled(connection, assign)
    await assert_memory_is_as_the_log(connection, assign, partition, blobs)
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, letters)
    assert await logs.dead(connection) == []


async def test_the_erasure_of_a_ticket_may_name_thirty_thousand_messages(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    opened, after = message(1), message(2, "很久以后", sender="13900139000", minutes=60 * 24 * 200)
    ticket_id = ids.ticket_id(CITY, opened.message_id)
    names = [ids.message_id("/hotline/mailbox/mayor", f"n{number}") for number in range(30_000)]
    closed = order("c1", "set_status", ticket_id, 60, status="not_accepted", reason_code="malicious")
    await logs.write(connection, [logs.outbound(opened), closed, logs.outbound(after)])
    await logs.write(connection, [order("c2", "forget", ticket_id, 60 * 24 * 201, message_ids=names)])
    assign = Assign(connection, blobs, POLICY)
    await handled(connection, assign)
    await assign.close()
    assert await logs.dead(connection) == []
    (erased,) = [one for one in await logs.events(connection) if one.event_id == "command:c2"]
    (change,) = erased.changes
    assert [one.message_id for one in change.messages] == names


def order(command_id: str, kind: str, ticket_id: str, minutes: int, **given: object) -> Outbound:
    """Return a command as normalize forwards it."""
    command = Command(
        command_id=command_id, jurisdiction=CITY, ticket_id=ticket_id, kind=kind, author="clerk-7",
        at=logs.ORDERED + timedelta(minutes=minutes), args=given,
    )  # fmt: skip
    result = command_step(Fetched(topics.COMMAND, 0, 0, 0, b"c", encode(command), []))
    return result.outbound

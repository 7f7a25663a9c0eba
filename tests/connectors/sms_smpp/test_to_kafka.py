"""SMSCs of others, through the connector into the real Kafka, and what the normalizer and the desk make of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import smpp34
from tenacity import wait_none

from broker.config import KafkaConnection
from connectors.publish.publisher import Publisher
from connectors.runtime.health import Health
from connectors.runtime.session import run_session
from connectors.sms_smpp.connector import SmsSmpp
from hotline.dev.stack.stack import Stack
from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.sms import GSM_PDU, alphabet, pdu
from normalizers.sms import normalize as read
from schemas import topics
from schemas.codec import Position
from schemas.records import Message, RawMessage
from schemas.records import raw_of as raw_record
from tests.connectors.reader import Reader
from tests.connectors.sms_smpp.fixtures import settings
from tests.connectors.sms_smpp.smsc import CITIZEN, HOTLINE, SUBMIT, Esme, Smsc, message
from tests.forked import Forked
from tests.frozen import frozen
from tests.normalizers.sms.raws import raw_of
from tests.normalizers.sms.test_real_messages import pdus
from tests.peers import kannel
from tests.peers.dovecot import free_ports
from tests.peers.presence import require
from tests.peers.smsc import NodeSmsc
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

pytestmark = pytest.mark.integration

LONG = "长短信" * 22 + "💡" + "测试" * 20
RECEIPT = "id:0123 sub:001 dlvrd:001 submit date:2611242245 done date:2611242246 stat:DELIVRD err:000 text:ok"

CODINGS = {"gsm7": 0, "binary": 4, "ucs2": 8}


def ucs2(text: str) -> bytes:
    return text.encode("utf-16-be")


@asynccontextmanager
async def daemon(
    port: int, account: str, publisher: Publisher, publish_seconds: float = 10, **changes: Any
) -> AsyncIterator[Health]:
    """The session's runner, as `hotline run connector:<account>` has it, without its waits between attempts."""
    health, stop = Health(account, "sms"), asyncio.Event()
    connector = SmsSmpp(settings(port, **changes), account)
    running = asyncio.create_task(
        run_session(
            connector, publisher, stop=stop, health=health, pace=wait_none(), slow_pace=wait_none(),
            publish_seconds=publish_seconds,
        )
    )  # fmt: skip
    try:
        yield health
    finally:
        stop.set()
        await running


def raws(reader: Reader, account: str) -> list[RawMessage]:
    """What the raw topic holds for an account, each name once."""
    found: dict[str, RawMessage] = {}
    for record in reader.read(topics.raw("sms"), account):
        raw = raw_record(record)
        found.setdefault(raw.envelope.id, raw)
    return list(found.values())


def messages(reader: Reader, account: str) -> list[Message]:
    return [normalize(raw, Policy()).message for raw in raws(reader, account)]


def tickets(found: list[Message]) -> tuple[list[str], Desk]:
    """The methods by which a desk files the messages, and the desk."""
    desk, methods = Desk(State(TicketPolicy())), []
    for number, each in enumerate(found):
        earlier = [found[offset] for offset in desk.looks_back(each)]
        decision = desk.take(each, Position(topics.MESSAGE, 0, number), earlier)
        assert decision is not None
        methods.append(decision.method or decision.relation or "")
    return methods, desk


async def taken_at_last(esme: Esme, *texts: str) -> None:
    """Send again and again, under new sequence numbers, until all are acknowledged in one round: as an SMSC does."""
    for number in range(10, 400, len(texts)):
        esme.send(*(message(text, number + at) for at, text in enumerate(texts)))
        if not sum([(await esme.answer())[1] for _ in texts]):
            return
    raise AssertionError("never taken")


def test_node_smpp_delivers_every_kind_of_message(publisher: Publisher, reader: Reader, account: str) -> None:
    whole = ucs2(LONG)
    parts = [whole[at : at + 134] for at in range(0, len(whole), 134)]
    sar = {"data_coding": 8, "sar_msg_ref_num": 513, "sar_total_segments": 2}

    def play(smsc: NodeSmsc) -> None:
        smsc.wait_for("bound", role="transceiver")
        smsc.deliver("gsm7", text="street lamp @ 5 broken {x} €", fields={"data_coding": 0})
        smsc.deliver("ucs2", hex=ucs2("中山路路灯坏了💡").hex(), fields={"data_coding": 8})
        for number in (2, 1):
            header = bytes((5, 0, 3, 0x7F, len(parts), number)).hex()
            smsc.deliver(f"udh {number}", hex=parts[number - 1].hex(), udh=header, fields={"data_coding": 8})
        for number, text in ((2, "丢失"), (1, "井盖")):
            smsc.deliver(f"sar {number}", hex=ucs2(text).hex(), fields={**sar, "sar_segment_seqnum": number})
        smsc.deliver("payload", payload=ucs2("载荷" * 300).hex(), fields={"data_coding": 8})
        smsc.deliver(
            "receipt", text=RECEIPT, fields={"esm_class": 4, "receipted_message_id": "0123", "message_state": 2}
        )
        smsc.deliver("gbk", hex="路灯坏了".encode("gb18030").hex(), fields={"data_coding": 15})
        smsc.deliver("latin1", hex="café près".encode("latin-1").hex(), fields={"data_coding": 3})
        smsc.deliver("binary", hex="0605040b8423f0", fields={"data_coding": 4})
        for _ in range(11):
            assert smsc.wait_for("answer")["status"] == 0
        smsc.order("enquire")
        assert smsc.wait_for("answer", name="enquire")["command"] == "enquire_link_resp"
        smsc.order("unbind")
        assert smsc.wait_for("answer", name="unbind")["command"] == "unbind_resp"
        smsc.wait_for("bound")  # it comes again by itself

    async def serve() -> None:
        with NodeSmsc() as smsc:
            async with daemon(smsc.port, account, publisher):
                await asyncio.to_thread(play, smsc)

    asyncio.run(serve())
    found = messages(reader, account)
    assert {each.text for each in found if each.part is None and each.message_class == "person"} == {
        "street lamp @ 5 broken {x} €", "中山路路灯坏了💡", "载荷" * 300, "路灯坏了", "café près",
    }  # fmt: skip
    assert [each.message_class for each in found].count("event") == 1
    assert [each.message_class for each in found].count("unsupported") == 1
    methods, desk = tickets(found)
    texts = {desk.ticket(ticket).text for ticket in desk.state.tickets}
    assert {LONG, "井盖丢失"} <= texts
    assert methods.count("first_part") == methods.count("last_part") == 2
    receipt = next(each for each in found if each.message_class == "event")
    assert methods[found.index(receipt)] == "event"


def test_smpp34_delivers_too(publisher: Publisher, reader: Reader, account: str) -> None:
    sent = {8: ucs2("路灯坏了💡"), 15: "井盖丢失".encode("gb18030"), 0: b"street lamp"}

    async def serve() -> None:
        server = smpp34.Server("127.0.0.1", port := free_ports(1, start=17750), system_id="SMSC")
        await server.start()
        async with daemon(port, account, publisher):
            esme = await asyncio.wait_for(server.next(), 60)
            assert isinstance(esme, smpp34.Esme)
            assert esme.can_receive
            for coding, data in sent.items():
                answer = await esme.deliver_sm(HOTLINE, data, source_addr=CITIZEN, data_coding=coding)
                assert answer.is_success
        await server.stop()

    asyncio.run(serve())
    assert {each.text for each in messages(reader, account)} == {"路灯坏了💡", "井盖丢失", "street lamp"}


def test_while_kafka_does_not_answer_the_smsc_is_slowed_down_and_nothing_is_lost_or_doubled(
    publisher: Publisher, reader: Reader, account: str, local_stack: Stack
) -> None:
    async def serve() -> None:
        async with Smsc() as smsc, daemon(smsc.port, account, publisher, publish_seconds=0.3):
            esme = await smsc.bound()
            await taken_at_last(esme, "甲")
            with frozen(local_stack.pid("kafka")):
                esme.send(message("乙", 2), message("丙", 3))
                assert {await esme.answer(), await esme.answer()} == {(2, 0x58), (3, 0x58)}
            await taken_at_last(esme, "乙", "丙")
            esme.cut()

    asyncio.run(serve())
    assert sorted(each.text for each in messages(reader, account)) == sorted("甲乙丙")


def arrived(reader: Reader, account: str, records: int) -> None:
    deadline = time.monotonic() + 60
    while len(reader.read(topics.raw("sms"), account)) < records:
        assert time.monotonic() < deadline, "Kafka never held it"
        time.sleep(0.05)


@pytest.mark.faults
def test_a_daemon_killed_before_its_answer_was_read_is_asked_again_and_the_message_is_one(
    kafka: KafkaConnection, reader: Reader, account: str
) -> None:
    async def serve() -> None:
        async with Smsc() as smsc:
            for number in (1, 2):  # a restart: the SMSC saw no answer, so it sends again
                script = str(Path(__file__).with_name("daemon_process.py"))
                process = await asyncio.to_thread(Forked, script, kafka.bootstrap_servers, str(smsc.port), account)
                esme = await smsc.bound()
                esme.send(message("路灯坏了", number))
                await asyncio.to_thread(arrived, reader, account, number)
                process.kill()
                await asyncio.to_thread(process.wait, 60)

    asyncio.run(serve())
    assert [each.text for each in messages(reader, account)] == ["路灯坏了"]


def test_a_part_that_is_missing_leaves_a_ticket_marked_and_nobody_waits(
    publisher: Publisher, reader: Reader, account: str
) -> None:
    whole = ucs2("路" * 150)
    pieces = [whole[at : at + 134] for at in range(0, len(whole), 134)]

    async def serve() -> None:
        async with Smsc() as smsc, daemon(smsc.port, account, publisher):
            esme = await smsc.bound()
            for number in (3, 1):
                data = bytes((5, 0, 3, 9, len(pieces), number)) + pieces[number - 1]
                esme.send(message(data, number, esm_class=0x40, data_coding=8))
                assert await esme.answer() == (number, 0)
            esme.cut()

    asyncio.run(serve())
    methods, desk = tickets(messages(reader, account))
    assert methods == ["first_part", "next_part"]
    (ticket,) = (desk.ticket(each) for each in desk.state.tickets)
    assert ticket.labels == ("incomplete",)
    assert ticket.text.startswith("路" * 67)


def test_what_modems_received_is_the_same_over_smpp(
    publisher: Publisher, reader: Reader, account: str, data: Path
) -> None:
    """Each message of gammu's phones, handed over as an SMSC would: its header, its bytes and its coding."""
    expected, frames = {}, []
    for number, digits in enumerate(pdus(data / "sms" / "gammu" / "at-sms").values(), 1):
        short, draft = pdu.read(digits), read(raw_of(digits, GSM_PDU), Policy())
        if draft.message_class == "event" or (short.packed and short.headed):
            continue  # a header shifts packed septets: an SMSC unpacks them
        septets = alphabet.unpack(short.data, short.septets) if short.packed else short.data
        expected[number] = draft.text
        fields = {"esm_class": 0x40 * short.headed, "data_coding": CODINGS[short.format]}
        frames.append(message(septets, number, source=f"86138{number:08d}", **fields))

    async def serve() -> None:
        async with Smsc() as smsc, daemon(smsc.port, account, publisher):
            esme = await smsc.bound()
            esme.send(*frames)
            assert {(await esme.answer())[1] for _ in frames} == {0}
            esme.cut()

    asyncio.run(serve())
    made = {int(str(each.sender.value)[-8:]): each.text for each in messages(reader, account) if each.sender}
    assert len(made) >= 25
    assert made == expected


async def test_kannel_takes_our_frames_and_submits_like_any_esme() -> None:
    """A real ESME keeps the SMSC of these tests honest, and shows that an unanswered unbind is no trouble of ours."""
    require(kannel.missing())
    async with Smsc() as smsc:
        with kannel.Kannel("http://127.0.0.1:9/nobody", smpp_port=smsc.port) as gateway:
            esme = await smsc.bound()
            esme.send(message("路灯坏了", 7))
            assert await esme.answer() == (7, 0)
            assert await asyncio.to_thread(gateway.send, "已受理", to=CITIZEN) == 202
            submitted = await esme.expect(SUBMIT)
            assert ucs2("已受理") in submitted.body

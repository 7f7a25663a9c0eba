"""Answers: what the SMSC says, and what it does not say, is what the outbox hears; nothing is sent twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import smpp34
from tenacity import wait_none

from connectors.replies.base import Reply, Report, Sent
from connectors.sms_smpp.connector import SmsSmpp
from connectors.sms_smpp.sender import SmppSender
from schemas.errors import ThrottledError, UnreachableError
from schemas.records import Party
from tests.connectors.sms_smpp.fixtures import NOW, Outlet, settings
from tests.connectors.sms_smpp.smsc import BINDS, CITIZEN, NACK, SUBMIT, Esme, Pdu, Smsc, header, message
from tests.peers.smsc import NodeSmsc
from tests.waiting import soon

pytestmark = pytest.mark.integration

LONG = "您的诉求已受理" * 15
THROTTLED, QUEUE_FULL = 0x58, 0x14


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc() as smsc:
        yield smsc


class Session(SmppSender):
    """What sends over the binds of a connector that runs."""

    def __init__(self, smsc: Smsc, outlet: Outlet, **changes: object) -> None:
        chosen = settings(smsc.port, **({"answer_timeout_seconds": 1} | changes))
        self.connector = SmsSmpp(chosen, "city")
        self.connector.sender()
        self.smsc, self.outlet = smsc, outlet
        super().__init__(chosen, self.connector._line, wait_none())

    async def bound(self) -> Esme:
        """Return the SMSC's end of the bind that replies go over."""
        esme = await self.smsc.bound()
        await soon(lambda: self.is_open)
        return esme


@asynccontextmanager
async def session(smsc: Smsc, outlet: Outlet | None = None, **changes: object) -> AsyncIterator[Session]:
    made = Session(smsc, outlet or Outlet(), **changes)
    async with smsc.serving(made.connector, made.outlet):
        yield made


@pytest.fixture
async def sender(smsc: Smsc) -> AsyncIterator[Session]:
    async with session(smsc) as made:
        yield made


def reply(text: str = "已受理", to: str = CITIZEN, kind: str = "phone") -> Reply:
    return Reply(
        reply_id="t:receipt", jurisdiction="210100", channel_kind="sms_smpp", account="city", text=text,
        recipient=Party(kind=kind, value=to), received_at=NOW,
    )  # fmt: skip


def read(pdu: Pdu) -> smpp34.SubmitSm:
    found = smpp34.decode(header(pdu.command, pdu.sequence, 0, 16 + len(pdu.body)) + pdu.body)
    assert isinstance(found, smpp34.SubmitSm)
    return found


def say(esme: Esme, pdu: Pdu, status: int = 0, name: str = "") -> None:
    body = name.encode() + b"\0"
    esme.send(header(NACK | SUBMIT, pdu.sequence, status, 16 + len(body)) + body)


async def taken(esme: Esme, *answers: int) -> list[smpp34.SubmitSm]:
    """Answer so many submissions with these statuses."""
    found = []
    for number, status in enumerate(answers, 1):
        pdu = await esme.expect(SUBMIT)
        found.append(read(pdu))
        say(esme, pdu, status, "" if status else f"m-{number}")
    return found


async def test_an_accepted_answer_has_the_smscs_name(smsc: Smsc, sender: Session) -> None:
    esme = await sender.bound()
    sending = asyncio.create_task(sender.send(reply(to=f"+{CITIZEN}")))
    (sent,) = await taken(esme, 0)
    assert await sending == Sent(outcome="accepted", code="0x0", reference="m-1")
    assert (sent.source_addr, sent.destination_addr, sent.dest_addr_ton) == ("12345", CITIZEN, 1)
    assert sent.short_message.decode("utf-16-be") == "已受理"
    assert (sent.data_coding, sent.esm_class, sent.registered_delivery) == (8, 0, 1)


async def test_a_long_answer_is_one_text_in_pieces_and_the_next_has_another_reference(
    smsc: Smsc, sender: Session
) -> None:
    esme = await sender.bound()
    references = set()
    for _ in range(2):
        sending = asyncio.create_task(sender.send(reply(LONG)))
        sent = await taken(esme, 0, 0)
        assert await sending == Sent(outcome="accepted", code="0x0", reference="m-1,m-2")
        assert {each.esm_class for each in sent} == {0x40}
        assert b"".join(each.short_message[6:] for each in sent).decode("utf-16-be") == LONG
        references.add(sent[0].short_message[3])
    assert len(references) == 2


@pytest.mark.parametrize("status", [THROTTLED, QUEUE_FULL, 0x08, 0x64])
async def test_an_smsc_that_takes_none_now_has_not_got_it(smsc: Smsc, sender: Session, status: int) -> None:
    esme = await sender.bound()
    sending = asyncio.create_task(sender.send(reply()))
    await taken(esme, status)
    with pytest.raises(ThrottledError) as told:
        await sending
    assert told.value.retry_after == 30
    assert CITIZEN not in str(told.value)


@pytest.mark.parametrize("status", [0x0B, 0x45, 0x400])
async def test_a_refused_answer_is_refused_for_ever(smsc: Smsc, sender: Session, status: int) -> None:
    esme = await sender.bound()
    sending = asyncio.create_task(sender.send(reply()))
    await taken(esme, status)
    assert await sending == Sent(outcome="refused", code=hex(status))


async def test_a_nack_is_a_refusal(smsc: Smsc, sender: Session) -> None:
    esme = await sender.bound()
    sending = asyncio.create_task(sender.send(reply()))
    esme.send(header(NACK, (await esme.expect(SUBMIT)).sequence, 3))
    assert await sending == Sent(outcome="refused", code="0x3")


async def test_what_the_smsc_does_not_answer_is_unknown(smsc: Smsc, sender: Session) -> None:
    esme = await sender.bound()
    sending = asyncio.create_task(sender.send(reply()))
    await esme.expect(SUBMIT)
    assert await sending == Sent(outcome="unknown", code="no_answer")


async def test_a_bind_that_breaks_before_the_answer_leaves_it_unknown_and_the_next_one_is_not_sent(
    smsc: Smsc, sender: Session
) -> None:
    esme = await sender.bound()
    sending = asyncio.create_task(sender.send(reply()))
    await esme.expect(SUBMIT)
    esme.cut()
    assert await sending == Sent(outcome="unknown", code="no_answer")
    await soon(lambda: not sender.is_open)
    with pytest.raises(UnreachableError):
        await sender.send(reply("已办结"))


async def test_a_further_piece_waits_for_a_busy_smsc(smsc: Smsc, sender: Session) -> None:
    esme = await sender.bound()
    sending = asyncio.create_task(sender.send(reply(LONG)))
    sent = await taken(esme, 0, THROTTLED, QUEUE_FULL, 0)
    assert await sending == Sent(outcome="accepted", code="0x0", reference="m-1,m-4")
    assert [each.short_message[5] for each in sent] == [1, 2, 2, 2]


async def test_half_a_text_is_unknown_and_says_which_half(smsc: Smsc, sender: Session) -> None:
    esme = await sender.bound()
    sending = asyncio.create_task(sender.send(reply(LONG)))
    await taken(esme, 0, 0x45)
    assert await sending == Sent(outcome="unknown", code="0x45", reference="m-1")


async def test_answers_find_their_texts_in_any_order(smsc: Smsc, sender: Session) -> None:
    esme = await sender.bound()
    sending = [asyncio.create_task(sender.send(reply(text))) for text in ("甲", "乙")]
    asked = [await esme.expect(SUBMIT) for _ in sending]
    for pdu in reversed(asked):
        say(esme, pdu, 0, read(pdu).short_message.decode("utf-16-be").encode("unicode_escape").decode().strip("\\"))
    assert [(await each).reference for each in sending] == ["u7532", "u4e59"]


async def test_without_a_bind_nothing_was_sent() -> None:
    sender = SmppSender(settings(1), lambda: None)
    assert not sender.is_open
    with pytest.raises(UnreachableError):
        await sender.send(reply())


async def test_both_directions_share_one_bind(smsc: Smsc) -> None:
    """Answers had a bind of their own, so an account that may bind once could give none."""
    async with session(smsc) as sender:
        esme = await sender.bound()
        sending = [asyncio.create_task(sender.send(reply(text))) for text in ("甲", "乙")]
        esme.send(message("路灯坏了", number=7))
        asked = [await esme.expect(SUBMIT) for _ in sending]
        for pdu in asked:
            say(esme, pdu, 0, f"m-{pdu.sequence}")
        assert await esme.answer() == (7, 0)
        assert {(await one).outcome for one in sending} == {"accepted"}
        assert len(smsc.there) == 1
        assert len(sender.outlet.taken) == 1


async def test_receivers_get_a_transmitter_on_which_nothing_is_left_unanswered(smsc: Smsc) -> None:
    async with session(smsc, bind="receiver") as sender:
        esmes = [await smsc.next(), await smsc.next()]
        roles = {BINDS[(await esme.bound()).command]: esme for esme in esmes}
        assert roles.keys() == {"receiver", "transmitter"}
        await soon(lambda: sender.is_open)
        for number, esme in enumerate(esmes, 1):
            esme.send(message(f"路灯{number}", number=number))
            assert await esme.answer() == (number, 0)
        sending = asyncio.create_task(sender.send(reply()))
        await taken(roles["transmitter"], 0)
        assert (await sending).outcome == "accepted"


async def test_an_answer_that_we_did_not_read_while_kafka_was_away_is_no_doubt(smsc: Smsc) -> None:
    outlet = Outlet()
    async with session(smsc, outlet, window=1, answer_timeout_seconds=0.3, enquire_link_seconds=600) as sender:
        esme = await sender.bound()
        outlet.gate.clear()
        esme.send(message("一", number=1), message("二", number=2))
        await outlet.has_been_asked(1)
        await soon(lambda: sender.connector._links[0]._listened.is_deaf)
        sending = asyncio.create_task(sender.send(reply()))
        await taken(esme, 0)
        await asyncio.sleep(1)
        assert not sending.done()
        outlet.gate.set()
        assert (await sending).outcome == "accepted"


@pytest.mark.parametrize(
    ("told", "options", "report"),
    [
        (b"id:0123 sub:001 dlvrd:001 submit date:2611250100 done date:2611250101 stat:DELIVRD err:000 text:", (),
         Report(reference="0123", status="DELIVRD", number=CITIZEN)),
        (b"", ((0x1E, b"7b\0"), (0x427, b"\5")), Report(reference="7b", status="UNDELIV", number=CITIZEN)),
        ("路灯坏了".encode("utf-16-be"), (), None),
    ],
)  # fmt: skip
async def test_what_a_delivery_receipt_says_is_read_from_the_raw_record(
    told: bytes, options: tuple[tuple[int, bytes], ...], report: Report | None
) -> None:
    tlvs = [smpp34.Tlv(tag, value) for tag, value in options]
    raw = message(told, esm_class=4 if report else 0, tlvs=tlvs)
    assert SmppSender(settings(1), lambda: None).report_of(raw, "application/x-smpp; alphabet=gsm7") == report


@pytest.mark.parametrize("to", ["BANK", "", "12", "1380013800O", "1" * 21, "13800138000\n"])
async def test_what_is_no_number_is_refused_without_a_connection(to: str) -> None:
    assert (await SmppSender(settings(1), lambda: None).send(reply(to=to))).code == "no_phone"


async def test_a_name_and_a_book_are_refused_without_a_connection() -> None:
    sender = SmppSender(settings(1), lambda: None)
    assert (await sender.send(reply(kind="name"))).code == "no_phone"
    assert await sender.send(reply("路" * 67 * 256)) == Sent(outcome="refused", code="too_large")


async def test_an_smsc_of_others_reads_what_we_send() -> None:
    texts = {0: "ticket 210100 {x} €", 8: LONG + "💡"}
    with NodeSmsc() as smsc:
        connector, outlet = SmsSmpp(settings(smsc.port), "city"), Outlet()
        sender = connector.sender()
        running = asyncio.create_task(connector.run(outlet))
        await soon(lambda: sender.is_open)
        sent = [await sender.send(reply(text)) for text in texts.values()]
        told_of = f"id:{sent[0].reference} sub:001 dlvrd:001 submit date:2611250100 done date:2611250101 stat:DELIVRD"
        smsc.deliver("receipt", text=f"{told_of} err:000 text:", fields={"esm_class": 4})
        await soon(lambda: outlet.taken)
        (raw,) = outlet.taken
        report = sender.report_of(raw.value, raw.envelope.datacontenttype)
        assert report == Report(reference="m-1", status="DELIVRD", number=CITIZEN)
        running.cancel()
        await asyncio.wait({running})
        told = [await asyncio.to_thread(smsc.wait_for, "submit", coding=coding) for coding in (0, 8, 8)]
        await asyncio.to_thread(smsc.wait_for, "unbind")
    assert [each.reference for each in sent] == ["m-1", "m-2,m-3"]
    assert told[0]["text"] == texts[0]
    assert told[1]["text"] + told[2]["text"] == texts[8]
    assert [each["udh"][-4:] for each in told[1:]] == ["0201", "0202"]
    assert {(each["to"], each["from"], each["receipt"]) for each in told} == {(CITIZEN, "12345", 1)}

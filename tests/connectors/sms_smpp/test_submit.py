"""Answers: what the SMSC says, and what it does not say, is what the outbox hears; nothing is sent twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import smpp34
from tenacity import wait_none

from connectors.outbox.senders import SENDERS
from connectors.outbox.settings import AnswerSettings
from connectors.reply import Reply, Sent
from connectors.sms_smpp.submit import SmppSender
from schemas.errors import ThrottledError, UnauthorizedError, UnreachableError
from schemas.records import Party
from tests.connectors.sms_smpp.fixtures import NOW, settings
from tests.connectors.sms_smpp.smsc import BINDS, CITIZEN, ENQUIRE, NACK, SUBMIT, UNBIND, Esme, Pdu, Smsc, header
from tests.peers.smsc import NodeSmsc

pytestmark = pytest.mark.integration

LONG = "您的诉求已受理" * 15
THROTTLED, QUEUE_FULL = 0x58, 0x14


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc() as smsc:
        yield smsc


@pytest.fixture
async def sender(smsc: Smsc) -> AsyncIterator[SmppSender]:
    sender = SmppSender(settings(smsc.port, answer_timeout_seconds=1), "city", wait_none())
    yield sender
    for esme in smsc.there:
        esme.cut()
    await sender.close()


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


async def test_an_accepted_answer_has_the_smscs_name(smsc: Smsc, sender: SmppSender) -> None:
    sending = asyncio.create_task(sender.send(reply(to=f"+{CITIZEN}")))
    esme = await smsc.next()
    assert BINDS[(await esme.bound()).command] == "transmitter"
    (sent,) = await taken(esme, 0)
    assert await sending == Sent(outcome="accepted", code="0x0", reference="m-1")
    assert (sent.source_addr, sent.destination_addr, sent.dest_addr_ton) == ("12345", CITIZEN, 1)
    assert sent.short_message.decode("utf-16-be") == "已受理"
    assert (sent.data_coding, sent.esm_class, sent.registered_delivery) == (8, 0, 1)


async def test_a_long_answer_is_one_text_in_pieces_and_the_next_has_another_reference(
    smsc: Smsc, sender: SmppSender
) -> None:
    esme = None
    references = set()
    for _ in range(2):
        sending = asyncio.create_task(sender.send(reply(LONG)))
        esme = esme or await smsc.bound()
        sent = await taken(esme, 0, 0)
        assert await sending == Sent(outcome="accepted", code="0x0", reference="m-1,m-2")
        assert {each.esm_class for each in sent} == {0x40}
        assert b"".join(each.short_message[6:] for each in sent).decode("utf-16-be") == LONG
        references.add(sent[0].short_message[3])
    assert len(references) == 2


@pytest.mark.parametrize("status", [THROTTLED, QUEUE_FULL, 0x08, 0x64])
async def test_an_smsc_that_takes_none_now_has_not_got_it(smsc: Smsc, sender: SmppSender, status: int) -> None:
    sending = asyncio.create_task(sender.send(reply()))
    await taken(await smsc.bound(), status)
    with pytest.raises(ThrottledError) as told:
        await sending
    assert told.value.retry_after == 30
    assert CITIZEN not in str(told.value)


@pytest.mark.parametrize("status", [0x0B, 0x45, 0x400])
async def test_a_refused_answer_is_refused_for_ever(smsc: Smsc, sender: SmppSender, status: int) -> None:
    sending = asyncio.create_task(sender.send(reply()))
    await taken(await smsc.bound(), status)
    assert await sending == Sent(outcome="refused", code=hex(status))


async def test_a_nack_is_a_refusal(smsc: Smsc, sender: SmppSender) -> None:
    sending = asyncio.create_task(sender.send(reply()))
    esme = await smsc.bound()
    esme.send(header(NACK, (await esme.expect(SUBMIT)).sequence, 3))
    assert await sending == Sent(outcome="refused", code="0x3")


async def test_what_the_smsc_does_not_answer_is_unknown(smsc: Smsc, sender: SmppSender) -> None:
    sending = asyncio.create_task(sender.send(reply()))
    await (await smsc.bound()).expect(SUBMIT)
    assert await sending == Sent(outcome="unknown", code="no_answer")


async def test_a_connection_that_breaks_before_the_answer_leaves_it_unknown_and_the_next_answer_has_a_new_one(
    smsc: Smsc, sender: SmppSender
) -> None:
    sending = asyncio.create_task(sender.send(reply()))
    esme = await smsc.bound()
    await esme.expect(SUBMIT)
    esme.cut()
    assert await sending == Sent(outcome="unknown", code="no_answer")
    sending = asyncio.create_task(sender.send(reply("已办结")))
    (sent,) = await taken(await smsc.bound(), 0)
    assert sent.short_message.decode("utf-16-be") == "已办结"  # what is unknown is not sent again
    assert (await sending).outcome == "accepted"


async def test_a_further_piece_waits_for_a_busy_smsc(smsc: Smsc, sender: SmppSender) -> None:
    sending = asyncio.create_task(sender.send(reply(LONG)))
    sent = await taken(await smsc.bound(), 0, THROTTLED, QUEUE_FULL, 0)
    assert await sending == Sent(outcome="accepted", code="0x0", reference="m-1,m-4")
    assert [each.short_message[5] for each in sent] == [1, 2, 2, 2]


async def test_half_a_text_is_unknown_and_says_which_half(smsc: Smsc, sender: SmppSender) -> None:
    sending = asyncio.create_task(sender.send(reply(LONG)))
    await taken(await smsc.bound(), 0, 0x45)
    assert await sending == Sent(outcome="unknown", code="0x45", reference="m-1")


async def test_answers_find_their_texts_in_any_order(smsc: Smsc, sender: SmppSender) -> None:
    sending = [asyncio.create_task(sender.send(reply(text))) for text in ("甲", "乙")]
    esme = await smsc.bound()
    asked = [await esme.expect(SUBMIT) for _ in sending]
    for pdu in reversed(asked):
        say(esme, pdu, 0, read(pdu).short_message.decode("utf-16-be").encode("unicode_escape").decode().strip("\\"))
    assert [(await each).reference for each in sending] == ["u7532", "u4e59"]


async def test_without_a_bind_nothing_was_sent(smsc: Smsc, sender: SmppSender) -> None:
    sending = asyncio.create_task(sender.send(reply()))
    await (await smsc.next()).bound(0x0E)
    with pytest.raises(UnauthorizedError):
        await sending
    with pytest.raises(UnreachableError):
        await SmppSender(settings(1), "city").send(reply())


@pytest.mark.parametrize("to", ["BANK", "", "12", "1380013800O", "1" * 21, "13800138000\n"])
async def test_what_is_no_number_is_refused_without_a_connection(to: str) -> None:
    assert (await SmppSender(settings(1), "city").send(reply(to=to))).code == "no_phone"


async def test_a_name_and_a_book_are_refused_without_a_connection() -> None:
    sender = SmppSender(settings(1), "city")
    assert (await sender.send(reply(kind="name"))).code == "no_phone"
    assert await sender.send(reply("路" * 67 * 256)) == Sent(outcome="refused", code="too_large")


async def test_heartbeats_go_on_and_an_unbind_is_answered(smsc: Smsc, sender: SmppSender) -> None:
    sending = asyncio.create_task(sender.send(reply()))
    esme = await smsc.bound()
    await taken(esme, 0)
    await sending
    esme.send(header(ENQUIRE, 5), header(UNBIND, 6))
    assert (await esme.read())[:3] == (NACK | ENQUIRE, 0, 5)
    assert (await esme.read())[:3] == (NACK | UNBIND, 0, 6)
    await esme.closed()
    sending = asyncio.create_task(sender.send(reply("已办结")))
    await taken(await smsc.bound(), 0)
    assert (await sending).outcome == "accepted"


async def test_an_end_unbinds(smsc: Smsc) -> None:
    sender = SmppSender(settings(smsc.port), "city")
    sending = asyncio.create_task(sender.send(reply()))
    esme = await smsc.bound()
    await taken(esme, 0)
    await sending
    ending = asyncio.create_task(sender.close())
    leave = await esme.expect(UNBIND)
    esme.send(header(NACK | UNBIND, leave.sequence))
    await ending
    await sender.close()


async def test_the_outbox_knows_how_an_smpp_account_answers(smsc: Smsc) -> None:
    sender = SENDERS["sms_smpp"].make(settings(smsc.port), AnswerSettings(), "city")
    sending = asyncio.create_task(sender.send(reply()))
    await taken(await smsc.bound(), 0)
    assert (await sending).outcome == "accepted"
    smsc.there[0].cut()
    await sender.close()


async def test_an_smsc_of_others_reads_what_we_send() -> None:
    texts = {0: "ticket 210100 {x} €", 8: LONG + "💡"}
    with NodeSmsc() as smsc:
        sender = SmppSender(settings(smsc.port), "city")
        sent = [await sender.send(reply(text)) for text in texts.values()]
        await sender.close()
        told = [await asyncio.to_thread(smsc.wait_for, "submit", coding=coding) for coding in (0, 8, 8)]
        await asyncio.to_thread(smsc.wait_for, "unbind")
    assert [each.reference for each in sent] == ["m-1", "m-2,m-3"]
    assert told[0]["text"] == texts[0]
    assert told[1]["text"] + told[2]["text"] == texts[8]
    assert [each["udh"][-4:] for each in told[1:]] == ["0201", "0202"]
    assert {(each["to"], each["from"], each["receipt"]) for each in told} == {(CITIZEN, "12345", 1)}

"""Answers: what the SMSC says, and what it does not say, is what the outbox hears; nothing is sent twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import smpp34
from tenacity import wait_none

from connectors.sms_smpp.submit import Outcome, Submitter
from schemas.errors import TooLargeError, UnauthorizedError, UnreachableError
from tests.connectors.sms_smpp.fixtures import settings
from tests.connectors.sms_smpp.smsc import BINDS, CITIZEN, ENQUIRE, NACK, SUBMIT, UNBIND, Esme, Pdu, Smsc, header

pytestmark = pytest.mark.integration

LONG = "您的诉求已受理" * 15
THROTTLED, QUEUE_FULL = 0x58, 0x14


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc() as smsc:
        yield smsc


@pytest.fixture
async def submitter(smsc: Smsc) -> AsyncIterator[Submitter]:
    submitter = Submitter(settings(smsc.port, answer_timeout_seconds=1), wait_none())
    yield submitter
    for esme in smsc.there:
        esme.cut()
    await submitter.close()


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


async def test_an_accepted_answer_has_the_smscs_name(smsc: Smsc, submitter: Submitter) -> None:
    sending = asyncio.create_task(submitter.submit(f"+{CITIZEN}", "已受理"))
    esme = await smsc.next()
    assert BINDS[(await esme.bound()).command] == "transmitter"
    (sent,) = await taken(esme, 0)
    assert await sending == Outcome(state="accepted", message_ids=("m-1",))
    assert (sent.source_addr, sent.destination_addr, sent.dest_addr_ton) == ("12345", CITIZEN, 1)
    assert sent.short_message.decode("utf-16-be") == "已受理"
    assert (sent.data_coding, sent.esm_class, sent.registered_delivery) == (8, 0, 1)


async def test_a_long_answer_is_one_text_in_pieces_and_the_next_has_another_reference(
    smsc: Smsc, submitter: Submitter
) -> None:
    esme = None
    references = set()
    for _ in range(2):
        sending = asyncio.create_task(submitter.submit(CITIZEN, LONG))
        esme = esme or await smsc.bound()
        sent = await taken(esme, 0, 0)
        assert await sending == Outcome(state="accepted", message_ids=("m-1", "m-2"))
        assert {each.esm_class for each in sent} == {0x40}
        assert b"".join(each.short_message[6:] for each in sent).decode("utf-16-be") == LONG
        references.add(sent[0].short_message[3])
    assert len(references) == 2


@pytest.mark.parametrize(("status", "temporary"), [(THROTTLED, True), (QUEUE_FULL, True), (0x0B, False), (0x45, False)])
async def test_a_refused_answer_was_not_taken(smsc: Smsc, submitter: Submitter, status: int, temporary: bool) -> None:
    sending = asyncio.create_task(submitter.submit(CITIZEN, "已受理"))
    await taken(await smsc.bound(), status)
    outcome = await sending
    assert (outcome.state, outcome.temporary, outcome.message_ids) == ("refused", temporary, ())
    assert f"0x{status:x}" in (outcome.reason or "")
    assert CITIZEN not in (outcome.reason or "")


async def test_a_nack_is_a_refusal(smsc: Smsc, submitter: Submitter) -> None:
    sending = asyncio.create_task(submitter.submit(CITIZEN, "已受理"))
    esme = await smsc.bound()
    esme.send(header(NACK, (await esme.expect(SUBMIT)).sequence, 3))
    assert (await sending).state == "refused"


async def test_what_the_smsc_does_not_answer_is_unknown(smsc: Smsc, submitter: Submitter) -> None:
    sending = asyncio.create_task(submitter.submit(CITIZEN, "已受理"))
    await (await smsc.bound()).expect(SUBMIT)
    assert (await sending).state == "unknown"


async def test_a_connection_that_breaks_before_the_answer_leaves_it_unknown_and_the_next_answer_has_a_new_one(
    smsc: Smsc, submitter: Submitter
) -> None:
    sending = asyncio.create_task(submitter.submit(CITIZEN, "已受理"))
    esme = await smsc.bound()
    await esme.expect(SUBMIT)
    esme.cut()
    assert (await sending).state == "unknown"
    sending = asyncio.create_task(submitter.submit(CITIZEN, "已办结"))
    (sent,) = await taken(await smsc.bound(), 0)
    assert sent.short_message.decode("utf-16-be") == "已办结"  # what is unknown is not sent again
    assert (await sending).state == "accepted"


async def test_a_further_piece_waits_for_a_busy_smsc(smsc: Smsc, submitter: Submitter) -> None:
    sending = asyncio.create_task(submitter.submit(CITIZEN, LONG))
    sent = await taken(await smsc.bound(), 0, THROTTLED, QUEUE_FULL, 0)
    assert await sending == Outcome(state="accepted", message_ids=("m-1", "m-4"))
    assert [each.short_message[5] for each in sent] == [1, 2, 2, 2]


async def test_half_a_text_is_unknown_and_says_which_half(smsc: Smsc, submitter: Submitter) -> None:
    sending = asyncio.create_task(submitter.submit(CITIZEN, LONG))
    await taken(await smsc.bound(), 0, 0x45)
    outcome = await sending
    assert (outcome.state, outcome.message_ids) == ("unknown", ("m-1",))
    assert "a further piece" in (outcome.reason or "")


async def test_answers_find_their_texts_in_any_order(smsc: Smsc, submitter: Submitter) -> None:
    sending = [asyncio.create_task(submitter.submit(CITIZEN, text)) for text in ("甲", "乙")]
    esme = await smsc.bound()
    asked = [await esme.expect(SUBMIT) for _ in sending]
    for pdu in reversed(asked):
        say(esme, pdu, 0, read(pdu).short_message.decode("utf-16-be").encode("unicode_escape").decode().strip("\\"))
    assert [(await each).message_ids for each in sending] == [("u7532",), ("u4e59",)]


async def test_without_a_bind_nothing_was_sent(smsc: Smsc, submitter: Submitter) -> None:
    sending = asyncio.create_task(submitter.submit(CITIZEN, "已受理"))
    await (await smsc.next()).bound(0x0E)
    with pytest.raises(UnauthorizedError):
        await sending
    with pytest.raises(UnreachableError):
        await Submitter(settings(1)).submit(CITIZEN, "已受理")


@pytest.mark.parametrize("to", ["BANK", "", "12", "1380013800O", "1" * 21, "13800138000\n"])
async def test_what_is_no_number_is_refused_without_a_connection(to: str) -> None:
    assert (await Submitter(settings(1)).submit(to, "已受理")).state == "refused"


async def test_a_book_is_no_answer() -> None:
    with pytest.raises(TooLargeError):
        await Submitter(settings(1)).submit(CITIZEN, "路" * 67 * 256)


async def test_heartbeats_go_on_and_an_unbind_is_answered(smsc: Smsc, submitter: Submitter) -> None:
    sending = asyncio.create_task(submitter.submit(CITIZEN, "已受理"))
    esme = await smsc.bound()
    await taken(esme, 0)
    await sending
    esme.send(header(ENQUIRE, 5), header(UNBIND, 6))
    assert (await esme.read())[:3] == (NACK | ENQUIRE, 0, 5)
    assert (await esme.read())[:3] == (NACK | UNBIND, 0, 6)
    await esme.closed()
    sending = asyncio.create_task(submitter.submit(CITIZEN, "已办结"))
    await taken(await smsc.bound(), 0)
    assert (await sending).state == "accepted"


async def test_an_end_unbinds(smsc: Smsc) -> None:
    async with Submitter(settings(smsc.port)) as submitter:
        sending = asyncio.create_task(submitter.submit(CITIZEN, "已受理"))
        esme = await smsc.bound()
        await taken(esme, 0)
        await sending
        ending = asyncio.create_task(submitter.close())
        leave = await esme.expect(UNBIND)
        esme.send(header(NACK | UNBIND, leave.sequence))
        await ending

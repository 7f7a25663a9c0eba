"""What becomes of a reply, as an ISMG that does as it is told says it."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from tenacity import wait_none

from connectors.replies.base import Reply, Report, Sent
from connectors.sms_cmpp.connector import Cmpp
from connectors.sms_cmpp.sender import CmppSender
from schemas.errors import MisconfiguredError, ThrottledError, UnreachableError
from schemas.records import Party
from tests.connectors.sms_cmpp.sessions import Kafka, settings_for
from tests.peers import ismg as peer
from tests.peers.ismg import Ismg
from tests.waiting import soon

pytestmark = pytest.mark.integration  # sockets on loopback

LONG = "您的诉求已受理💡" * 20


@asynccontextmanager
async def sending(ismg: Ismg, kafka: Kafka | None = None, **changes: Any) -> AsyncIterator[CmppSender]:
    """What sends over the session of an account, which is there."""
    settings = settings_for(ismg, **({"number": "12345", "service": "HOTLINE"} | changes))
    connector = Cmpp(settings, "mobile")
    sender = CmppSender(settings, "mobile", lambda: connector._link, wait_none())
    running = asyncio.create_task(connector.run(kafka or Kafka()))
    try:
        await soon(lambda: sender.is_open or running.done())
        yield sender
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def reply(text: str = "您的诉求已受理", to: str = peer.CITIZEN, kind: str = "phone") -> Reply:
    return Reply(
        reply_id="1:receipt",
        jurisdiction="210100",
        channel_kind="sms_cmpp",
        account="mobile",
        recipient=Party(kind=kind, value=to),  # type: ignore[arg-type] # one of its kinds
        text=text,
        received_at=datetime(2026, 11, 25, tzinfo=UTC),
    )


def submitted(body: bytes, major: int) -> dict[str, Any]:
    """The fields of a SUBMIT, read as the document has them."""
    width, typed = (21, 0) if major == 2 else (32, 1)
    after = 23 + width + typed
    to = after + 3 + 6 + 8 + 34 + 21 + 1
    length = body[to + width + typed]
    content = to + width + typed + 1
    assert len(body) == content + length + (8 if major == 2 else 20)
    return {
        "part": (body[9], body[8]),
        "report": body[10],
        "service": body[12:22].rstrip(b"\0"),
        "headed": body[after + 1],
        "format": body[after + 2],
        "source": body[after + 3 : after + 9],
        "number": body[to - 22 : to - 1].rstrip(b"\0"),
        "to": body[to : to + width].rstrip(b"\0"),
        "content": body[content : content + length],
    }


@pytest.mark.parametrize("major", [2, 3])
async def test_a_short_reply_is_one_submit(major: int) -> None:
    async with Ismg(major) as ismg, sending(ismg) as sender:
        sent = await sender.send(reply(to=f"+86{peer.CITIZEN}"))
    assert sent == Sent(outcome="accepted", code="0", reference="7000000000000000001")
    (body,) = ismg.submitted
    assert submitted(body, major) == {
        "part": (1, 1),
        "report": 1,
        "service": b"HOTLINE",
        "headed": 0,
        "format": 8,
        "source": b"900001",
        "number": b"12345",
        "to": f"86{peer.CITIZEN}".encode(),
        "content": "您的诉求已受理".encode("utf-16-be"),
    }


async def test_a_long_reply_is_pieces_that_a_phone_joins() -> None:
    async with Ismg() as ismg, sending(ismg, reports=False) as sender:
        sent = await sender.send(reply(LONG))
    pieces = [submitted(body, 2) for body in ismg.submitted]
    assert [piece["part"] for piece in pieces] == [(n, len(pieces)) for n in range(1, len(pieces) + 1)]
    assert {piece["report"] for piece in pieces} == {0}
    assert all(piece["content"][:3] == b"\5\0\3" and piece["headed"] == 1 for piece in pieces)
    assert all(len(piece["content"]) <= 140 for piece in pieces)
    assert b"".join(piece["content"][6:] for piece in pieces).decode("utf-16-be") == LONG
    assert sent.reference is not None
    assert len(sent.reference.split(",")) == len(pieces) > 2


async def test_a_refusal_is_told_with_its_result() -> None:
    async with Ismg() as ismg, sending(ismg) as sender:
        ismg.answers_submit = lambda _: 5
        assert await sender.send(reply()) == Sent(outcome="refused", code="5")


async def test_flow_control_before_anything_was_sent_means_later() -> None:
    async with Ismg() as ismg, sending(ismg) as sender:
        ismg.answers_submit = lambda _: 8
        for text in ("受理", LONG):
            with pytest.raises(ThrottledError):
                await sender.send(reply(text))


async def test_a_further_piece_is_tried_again_while_the_ismg_is_busy() -> None:
    async with Ismg() as ismg, sending(ismg) as sender:
        ismg.answers_submit = lambda _: 8 if len(ismg.submitted) in (2, 3) else 0
        assert (await sender.send(reply(LONG))).outcome == "accepted"


async def test_half_a_reply_is_unknown_and_never_refused() -> None:
    async with Ismg() as ismg, sending(ismg) as sender:
        ismg.answers_submit = lambda _: 9 if len(ismg.submitted) > 1 else 0
        assert await sender.send(reply(LONG)) == Sent(outcome="unknown", code="9", reference="7000000000000000001")


async def test_no_answer_is_unknown() -> None:
    async with Ismg() as ismg, sending(ismg, submit_timeout_seconds=0.05) as sender:
        ismg.answers_submit = lambda _: None
        assert await sender.send(reply()) == Sent(outcome="unknown", code="no_answer")


async def test_a_connection_that_breaks_under_a_reply_leaves_it_unknown_and_the_next_one_is_not_sent() -> None:
    async with Ismg() as ismg, sending(ismg) as sender:

        def cut(_: bytes) -> None:
            ismg.cut()

        ismg.answers_submit = cut
        assert (await sender.send(reply())).outcome == "unknown"
        await soon(lambda: not sender.is_open)
        with pytest.raises(UnreachableError):
            await sender.send(reply())
        assert len(ismg.submitted) == 1


async def test_without_a_session_nothing_was_sent() -> None:
    async with Ismg() as ismg, sending(ismg, secret="wrong") as sender:
        assert not sender.is_open
        with pytest.raises(UnreachableError):
            await sender.send(reply())
        assert ismg.submitted == []


async def test_both_directions_share_one_login() -> None:
    """Replies logged in on their own: an account of one connection could not answer, and what came there was lost."""
    kafka = Kafka()
    async with Ismg() as ismg, sending(ismg, kafka) as sender:
        numbers = [ismg.queue(f"路灯{n}".encode("utf-16-be")) for n in range(20)]
        sent = await asyncio.gather(*(sender.send(reply(f"第{n}条")) for n in range(40)))
        await ismg.until(lambda: not ismg.queued)
        assert {one.outcome for one in sent} == {"accepted"}
        assert len({one.reference for one in sent}) == 40
        assert ismg.results == {number: [0] for number in numbers}
        assert len(ismg.logins) == 1
    assert len(kafka.held) == 20


async def test_an_answer_that_we_did_not_read_while_kafka_was_away_is_no_doubt() -> None:
    """With a full window nothing is read, and an answer of the ISMG waits: that time does not count."""
    kafka = Kafka()
    async with Ismg(window=2) as ismg, sending(ismg, kafka, window=1, submit_timeout_seconds=0.2) as sender:
        kafka.answering.clear()
        answered = asyncio.Event()

        def answer(_: bytes) -> int:
            answered.set()
            return 0

        ismg.answers_submit = answer
        numbers = [ismg.queue(f"路灯{n}".encode("utf-16-be")) for n in range(2)]
        await soon(lambda: sender._line()._listened.is_deaf)  # type: ignore[union-attr] # the session is there
        sending_one = asyncio.create_task(sender.send(reply()))
        await answered.wait()
        await asyncio.sleep(1)
        assert not sending_one.done()
        kafka.answering.set()
        assert (await sending_one).outcome == "accepted"
        await ismg.until(lambda: not ismg.queued)
        assert ismg.results == {number: [0] for number in numbers}


async def test_at_the_end_what_is_on_its_way_is_answered_before_the_session_is_left() -> None:
    """What stays unanswered costs one of the three tries of an ISMG."""
    kafka = Kafka()
    kafka.answering.clear()
    async with Ismg() as ismg:
        async with sending(ismg, kafka):
            numbers = [ismg.queue(f"路灯{n}".encode("utf-16-be")) for n in range(5)]
            await soon(lambda: kafka.tried == 5)
            asyncio.get_running_loop().call_later(0.2, kafka.answering.set)
        assert ismg.results == {number: [0] for number in numbers}
        assert peer.TERMINATE in ismg.got
    assert len(kafka.held) == 5


async def test_what_a_status_report_says_is_read_from_the_raw_record() -> None:
    kafka = Kafka()
    async with Ismg() as ismg, sending(ismg, kafka) as sender:
        told = struct.pack(">Q", 7_000_000_000_000_000_001) + b"DELIVRD" + b"2611250100" * 2
        told += peer.CITIZEN.encode().ljust(21, b"\0") + bytes(4)
        ismg.queue(told, report=1, fmt=0)
        ismg.queue("路灯".encode("utf-16-be"))
        await ismg.until(lambda: not ismg.queued)
        read = [sender.report_of(one.value, one.envelope.datacontenttype) for one in kafka.held]
    assert [one for one in read if one] == [
        Report(reference="7000000000000000001", status="DELIVRD", number=peer.CITIZEN)
    ]


@pytest.mark.parametrize(("to", "kind"), [("BANK", "phone"), ("13800138000", "openid"), ("1" * 33, "phone")])
async def test_who_has_no_number_is_refused(to: str, kind: str) -> None:
    async with Ismg() as ismg, sending(ismg) as sender:
        assert await sender.send(reply(to=to, kind=kind)) == Sent(outcome="refused", code="no_phone")
        assert ismg.submitted == []


async def test_without_a_number_of_ours_a_person_must_act() -> None:
    async with Ismg() as ismg, sending(ismg, number=None) as sender:
        with pytest.raises(MisconfiguredError, match="number"):
            await sender.send(reply())


async def test_texts_side_by_side_have_no_more_pieces_unanswered_than_the_window_is_wide() -> None:
    unanswered: list[int] = []
    async with Ismg() as ismg, sending(ismg, window=5) as sender:

        def answer(_: bytes) -> int:
            unanswered.append(len(ismg.submitted) - answered)
            return 0

        answered = 0

        async def send() -> None:
            nonlocal answered
            sent = await sender.send(reply(LONG))
            assert sent.reference is not None
            answered += len(sent.reference.split(","))

        ismg.answers_submit = answer
        await asyncio.gather(*(send() for _ in range(8)))
    assert answered == len(ismg.submitted) == 24
    assert max(unanswered) <= 5


async def test_a_text_of_more_pieces_than_the_window_is_wide_goes_alone_and_none_waits_for_ever() -> None:
    async with Ismg() as ismg, sending(ismg, window=2) as sender:
        sent = await asyncio.wait_for(asyncio.gather(*(sender.send(reply(LONG)) for _ in range(3))), 60)
    assert {one.outcome for one in sent} == {"accepted"}


@pytest.mark.parametrize(("citizen", "to"), [("+13105551234", b"0013105551234"), ("+8613105551234", b"8613105551234")])
async def test_a_number_abroad_is_not_that_of_a_stranger_here(citizen: str, to: bytes) -> None:
    async with Ismg(3) as ismg, sending(ismg) as sender:
        await sender.send(reply(to=citizen))
    (body,) = ismg.submitted
    assert submitted(body, 3)["to"] == to

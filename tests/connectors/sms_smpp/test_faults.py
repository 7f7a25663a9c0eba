"""What an SMSC does wrong: silence, garbage, cut frames, commands of its own; the session ends cleanly or goes on."""

import asyncio

import pytest

from connectors.sms_common.link import Link
from connectors.sms_smpp import codec
from connectors.sms_smpp.codec import SmppCodec
from connectors.sms_smpp.connector import SmsSmpp
from schemas.errors import UnreachableError
from tests.connectors.sms_smpp.fixtures import Clock, Outlet, settings
from tests.connectors.sms_smpp.smsc import ENQUIRE, NACK, SUBMIT, Smsc, header, message

pytestmark = pytest.mark.integration


def connector(smsc: Smsc, **changes: object) -> SmsSmpp:
    return SmsSmpp(settings(smsc.port, **changes), "city", Clock())


async def ends(run: "asyncio.Task[None]", words: str) -> None:
    with pytest.raises(UnreachableError, match=words):
        await asyncio.wait_for(asyncio.shield(run), 60)


@pytest.mark.parametrize("length", [0, 3, 15, 70_001, 0x7FFFFFFF, 0xFFFFFFFF])
async def test_a_length_that_no_pdu_has_ends_the_connection_after_what_came_before(length: int) -> None:
    outlet = Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet) as run:
        esme = await smsc.bound()
        esme.send(message(), header(5, 2, 0, length), b"\xff" * 64)
        assert await esme.answer() == (1, 0)
        await ends(run, f"a frame of {length} bytes")
        await esme.closed()
    assert len(outlet.taken) == 1


async def test_garbage_is_no_message_and_never_acknowledged() -> None:
    outlet = Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet) as run:
        esme = await smsc.bound()
        esme.send("路灯坏了，没有帧头的一串字节".encode() * 3)
        await ends(run, "the rest cannot be read")
    assert outlet.taken == []


async def test_a_frame_that_is_cut_short_is_not_acknowledged() -> None:
    outlet = Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet) as run:
        esme = await smsc.bound()
        esme.send(message()[:-3])
        await asyncio.sleep(0.02)
        esme.cut()
        await ends(run, "broke|closed")
    assert outlet.taken == []


@pytest.mark.parametrize("body", [message()[16:36], message()[16:] + b"\x04"], ids=["cut short", "half a parameter"])
async def test_fields_that_do_not_fit_go_to_kafka_all_the_same(body: bytes) -> None:
    """They are a dead letter for the normalizer, with their bytes; the SMSC would send them for ever."""
    frame = header(5, 3, 0, 16 + len(body)) + body
    outlet = Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet):
        esme = await smsc.bound()
        esme.send(frame, message(number=4))
        assert sorted([await esme.answer(), await esme.answer()]) == [(3, 0), (4, 0)]
    assert {taken.value for taken in outlet.taken} == {frame, message(number=4)}


@pytest.mark.parametrize("command", [0x00010200, SUBMIT, 0x03, 0x7FFFFFFF])
async def test_a_command_that_means_nothing_here_gets_a_nack_and_the_next_message_its_answer(command: int) -> None:
    async with Smsc() as smsc, smsc.serving(connector(smsc), Outlet()):
        esme = await smsc.bound()
        esme.send(header(command, 77), message(number=78))
        assert (await esme.read())[:3] == (NACK, 3, 77)
        assert await esme.answer() == (78, 0)


@pytest.mark.parametrize("command", [NACK, 0x80000005, 0x80000006, 0x80000015, 0x102, 0x0B])
async def test_answers_to_nothing_and_notices_are_passed_over(command: int) -> None:
    async with Smsc() as smsc, smsc.serving(connector(smsc), Outlet()):
        esme = await smsc.bound()
        esme.send(header(command, 12345, 8), message(number=2))
        assert await esme.answer() == (2, 0)


async def test_an_smsc_that_answers_no_heartbeat_is_given_up() -> None:
    async with (
        Smsc() as smsc,
        smsc.serving(connector(smsc, enquire_link_seconds=0.05, answer_timeout_seconds=0.2), Outlet()) as run,
    ):
        esme = await smsc.bound()
        assert (await esme.read()).command == ENQUIRE
        await ends(run, "does not answer enquire_link")


async def test_half_a_frame_is_no_sign_of_life() -> None:
    async with (
        Smsc() as smsc,
        smsc.serving(connector(smsc, enquire_link_seconds=0.05, answer_timeout_seconds=0.2), Outlet()) as run,
    ):
        esme = await smsc.bound()

        async def dribble() -> None:
            for byte in header(5, 1, 0, 5000) + bytes(4000):
                esme.send(bytes((byte,)))
                await asyncio.sleep(0.01)

        dribbling = asyncio.create_task(dribble())
        await ends(run, "does not answer enquire_link")
        dribbling.cancel()


async def test_an_smsc_that_is_slow_but_talks_is_kept() -> None:
    outlet = Outlet()
    async with (
        Smsc() as smsc,
        smsc.serving(connector(smsc, enquire_link_seconds=0.3, answer_timeout_seconds=7), outlet),
    ):
        esme = await smsc.bound()
        for number in range(1, 6):  # it answers no heartbeat, and sends a message now and then
            await asyncio.sleep(1.6)
            esme.send(message(f"第{number}条", number=number))
        seen = set()
        while len(seen) < 5:
            pdu = await esme.read()
            seen |= {pdu.sequence} if pdu.command == NACK | 5 else set()
    assert len(outlet.taken) == 5


async def test_an_smsc_that_answers_no_bind_is_left() -> None:
    async with Smsc() as smsc, smsc.serving(connector(smsc, answer_timeout_seconds=1), Outlet()) as run:
        esme = await smsc.next()
        await esme.read()
        await ends(run, "does not answer the bind")


async def test_an_smsc_that_closes_instead_of_answering_the_bind_is_left() -> None:
    async with Smsc() as smsc, smsc.serving(connector(smsc), Outlet()) as run:
        esme = await smsc.next()
        await esme.read()
        esme.writer.close()
        await ends(run, "closed the connection")


async def test_a_port_where_nobody_listens_is_said() -> None:
    async with Smsc() as smsc:
        port = smsc.port
    with pytest.raises(UnreachableError, match="see host, port and tls"):
        await SmsSmpp(settings(port), "city", Clock()).run(Outlet())


class Stuck:
    """The writer of a connection whose other end reads nothing, once its buffers are full."""

    def __init__(self) -> None:
        self.transport = self
        self.aborted = False

    def write(self, _: bytes) -> None:
        """Take it."""

    async def drain(self) -> None:
        await asyncio.Event().wait()

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    async def wait_closed(self) -> None:
        """Closed already."""


async def test_an_smsc_that_reads_nothing_does_not_hold_a_session_for_ever() -> None:
    writer = Stuck()
    chosen = settings(1, answer_timeout_seconds=0.05)
    account = SmppCodec(chosen, "bind_transceiver")
    link = Link(account, asyncio.StreamReader(), writer, chosen.patience, lambda: None)  # type: ignore[arg-type] # as much of it as is used
    with pytest.raises(UnreachableError, match="reads nothing"):
        await link.write(codec.build("deliver_sm_resp", 1))
    assert writer.aborted
    assert not link.is_open
    with pytest.raises(UnreachableError, match="reads nothing"):
        await link.request(lambda number: codec.build("submit_sm", number, destination_addr="1", short_message=b"x"))
    await link.close()


async def test_a_message_whose_answer_cannot_be_written_is_no_crash() -> None:
    outlet = Outlet()
    outlet.gate.clear()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet) as run:
        esme = await smsc.bound()
        esme.send(message())
        await outlet.has_been_asked(1)
        esme.cut()
        outlet.gate.set()
        await ends(run, "broke|closed|reads nothing")
    assert len(outlet.taken) == 1

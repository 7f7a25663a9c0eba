"""One account's session: what is acknowledged and when, how a connection begins, lives and ends."""

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
import smpp34

from connectors.sms_smpp.connector import SmsSmpp
from connectors.sms_smpp.message_id import identifier
from schemas.errors import MisconfiguredError, ThrottledError, UnauthorizedError, UnreachableError
from tests.connectors.sms_smpp.fixtures import NOW, Clock, Outlet, settings
from tests.connectors.sms_smpp.smsc import BINDS, CITIZEN, DELIVER, ENQUIRE, NACK, UNBIND, Smsc, header, message
from tests.peers.certificates import Authority

pytestmark = pytest.mark.integration

ROK, THROTTLED, TEMPORARY = 0, 0x58, 0x64


def connector(smsc: Smsc, clock: Clock | None = None, **changes: object) -> SmsSmpp:
    return SmsSmpp(settings(smsc.port, **changes), "city", clock or Clock())


async def test_a_message_is_published_as_it_came_with_what_the_transport_says() -> None:
    raw, outlet = message("路灯坏了💡", number=7), Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc, alphabet="gb", packed=True), outlet):
        esme = await smsc.bound()
        esme.send(raw)
        assert await esme.answer() == (7, ROK)
    (taken,) = outlet.taken
    assert taken.value == raw
    envelope = taken.envelope
    assert (envelope.channel, envelope.channelkind, envelope.account) == ("sms", "sms_smpp", "city")
    assert envelope.datacontenttype == "application/x-smpp; alphabet=gb; packed=true"
    assert (envelope.sender, envelope.jurisdiction) == (CITIZEN, "210100")
    assert taken.conversation == f"city\n{CITIZEN}"
    assert envelope.time == envelope.recordedtime == NOW


@pytest.mark.parametrize("bind", ["transceiver", "receiver"])
async def test_the_bind_carries_what_the_provider_gave(bind: str) -> None:
    async with (
        Smsc() as smsc,
        smsc.serving(connector(smsc, bind=bind, system_type="VMA", address_range="^12345"), Outlet()),
    ):
        esme = await smsc.next()
        asked = await esme.bound()
        assert BINDS[asked.command] == bind
        assert asked.body == b"hotline\0secret\0VMA\0\x34\0\0^12345\0"


@pytest.mark.parametrize("password", ["secret-9c", "x" * 64])
async def test_a_password_longer_than_the_protocol_says_goes_out_whole(password: str) -> None:
    async with Smsc() as smsc, smsc.serving(connector(smsc, password=password), Outlet()):
        asked = await (await smsc.next()).bound()
        assert asked.body.startswith(f"hotline\0{password}\0".encode())


async def test_nothing_is_acknowledged_before_it_is_safe() -> None:
    outlet = Outlet()
    outlet.gate.clear()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet):
        esme = await smsc.bound()
        esme.send(message())
        await outlet.has_been_asked(1)
        esme.send(header(ENQUIRE, 50))
        assert (await esme.read())[:3] == (NACK | ENQUIRE, 0, 50)  # alive, and still no answer to the message
        outlet.gate.set()
        assert await esme.answer() == (1, ROK)


@pytest.mark.parametrize(("chosen", "status"), [("throttled", THROTTLED), ("temporary", TEMPORARY), ("silent", None)])
async def test_what_kafka_does_not_take_is_not_acknowledged(chosen: str, status: int | None) -> None:
    outlet = Outlet()
    outlet.fault = UnreachableError("Kafka is away")
    async with Smsc() as smsc, smsc.serving(connector(smsc, when_unsafe=chosen), outlet):
        esme = await smsc.bound()
        esme.send(message(number=1))
        if status is not None:
            assert await esme.answer() == (1, status)
        await outlet.has_been_asked(1)
        outlet.fault = None
        esme.send(message(number=2))
        assert await esme.answer() == (2, ROK)
    assert len(outlet.taken) == 1


async def test_what_only_a_person_can_mend_ends_the_session_and_acknowledges_nothing() -> None:
    outlet = Outlet()
    outlet.fault = MisconfiguredError("Kafka cannot be used with these settings")
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet) as run:
        esme = await smsc.bound()
        esme.send(message())
        with pytest.raises(MisconfiguredError):
            await asyncio.wait_for(asyncio.shield(run), 60)
        await esme.closed()


async def test_a_full_window_holds_the_smsc_up_and_loses_nothing() -> None:
    outlet = Outlet()
    outlet.gate.clear()
    async with Smsc() as smsc, smsc.serving(connector(smsc, window=3), outlet):
        esme = await smsc.bound()
        esme.send(*(message(f"第{number}条", number=number) for number in range(1, 11)))
        await outlet.has_been_asked(3)
        await asyncio.sleep(0.02)
        assert outlet.asked == 3
        outlet.gate.set()
        assert sorted([await esme.answer() for _ in range(10)]) == [(number, ROK) for number in range(1, 11)]


async def test_the_smsc_may_be_slow_while_our_window_is_full() -> None:
    """We do not listen then, so its silence says nothing."""
    outlet = Outlet()
    outlet.gate.clear()
    async with (
        Smsc() as smsc,
        smsc.serving(connector(smsc, window=1, enquire_link_seconds=0.5, answer_timeout_seconds=1), outlet) as run,
    ):
        esme = await smsc.bound()
        esme.send(message("甲", 1), message("乙", 2), message("丙", 3))
        await outlet.has_been_asked(1)
        await asyncio.sleep(3)
        assert not run.done()
        outlet.gate.set()
        assert [await esme.answer() for _ in range(3)] == [(1, ROK), (2, ROK), (3, ROK)]


async def test_who_did_not_listen_does_not_go_on_waiting_for_an_answer_from_before() -> None:
    outlet = Outlet()
    outlet.gate.clear()
    async with (
        Smsc() as smsc,
        smsc.serving(connector(smsc, window=1, enquire_link_seconds=0.05, answer_timeout_seconds=120), outlet),
    ):
        esme = await smsc.bound()
        esme.send(message("甲", 1), message("乙", 2))
        await outlet.has_been_asked(1)
        assert (await esme.read()).command == ENQUIRE
        outlet.gate.set()
        came = [ENQUIRE]
        while came.count(NACK | DELIVER) < 2:
            came.append((await esme.read()).command)
        assert (await esme.read()).command == ENQUIRE


async def test_a_message_right_behind_the_answer_to_the_bind_is_taken() -> None:
    outlet = Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet):
        esme = await smsc.next()
        asked = await esme.read()
        esme.send(header(NACK | asked.command, asked.sequence, 0, 17) + b"\0", message())
        assert await esme.answer() == (1, ROK)


async def test_dribbled_bytes_and_many_frames_at_once_are_the_same_messages() -> None:
    outlet = Outlet()
    frames = [message(f"第{number}条", number=number) for number in range(1, 4)]
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet):
        esme = await smsc.bound()
        esme.send(*frames)
        assert [(await esme.answer())[0] for _ in frames] == [1, 2, 3]
        for byte in frames[0]:
            esme.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert await esme.answer() == (1, ROK)
    assert [taken.value for taken in outlet.taken] == [*frames, frames[0]]


async def test_the_smsc_unbinds_and_what_is_on_its_way_is_answered_first() -> None:
    outlet = Outlet()
    outlet.gate.clear()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet) as run:
        esme = await smsc.bound()
        esme.send(message(), header(UNBIND, 9))
        await outlet.has_been_asked(1)
        outlet.gate.set()
        assert await esme.answer() == (1, ROK)
        assert (await esme.read())[:3] == (NACK | UNBIND, 0, 9)
        await asyncio.wait_for(asyncio.shield(run), 60)  # an end, and no error


async def test_a_stop_answers_what_is_on_its_way_and_unbinds() -> None:
    outlet = Outlet()
    outlet.gate.clear()
    async with Smsc() as smsc:
        run = asyncio.create_task(connector(smsc).run(outlet))
        esme = await smsc.bound()
        esme.send(message())
        await outlet.has_been_asked(1)
        run.cancel()
        outlet.gate.set()
        assert await esme.answer() == (1, ROK)
        leave = await esme.expect(UNBIND)
        esme.send(header(NACK | UNBIND, leave.sequence))
        await asyncio.wait({run}, timeout=60)
        assert run.cancelled()


async def test_a_stop_that_kafka_holds_up_lets_go_of_the_smsc_all_the_same() -> None:
    """Twice cancelled, as the runner does when its patience is over: another daemon may want the bind."""
    outlet = Outlet()
    outlet.gate.clear()
    async with Smsc() as smsc:
        run = asyncio.create_task(connector(smsc).run(outlet))
        esme = await smsc.bound()
        esme.send(message())
        await outlet.has_been_asked(1)
        for seconds in (0.05, 0.05, 60):  # while it waits for Kafka, then while it waits for the answer to its unbind
            run.cancel()
            await asyncio.wait({run}, timeout=seconds)
        assert run.cancelled()
        await esme.closed()
    assert outlet.taken == []


async def test_an_account_holds_as_many_binds_as_it_may() -> None:
    outlet = Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc, binds=3), outlet) as run:
        esmes = [await smsc.bound() for _ in range(3)]
        for number, esme in enumerate(esmes):
            esme.send(message(f"第{number}条", number=number))
            assert await esme.answer() == (number, ROK)
        esmes[1].cut()
        for other in (esmes[0], esmes[2]):
            leave = await other.expect(UNBIND)
            other.send(header(NACK | UNBIND, leave.sequence))
        with pytest.raises(UnreachableError):
            await asyncio.wait_for(asyncio.shield(run), 60)
    assert len(outlet.taken) == 3


@pytest.mark.parametrize(
    ("status", "error"),
    [(0x0D, UnauthorizedError), (0x0E, UnauthorizedError), (0x0F, UnauthorizedError), (0x53, UnauthorizedError),
     (0x05, ThrottledError), (0x58, ThrottledError), (0x08, ThrottledError)],
)  # fmt: skip
async def test_a_refused_bind_says_who_must_act(status: int, error: type[Exception]) -> None:
    async with Smsc() as smsc, smsc.serving(connector(smsc), Outlet()) as run:
        esme = await smsc.next()
        await esme.bound(status)
        with pytest.raises(error) as told:
            await asyncio.wait_for(asyncio.shield(run), 60)
        assert f"0x{status:x}" in str(told.value)
        assert "secret" not in str(told.value)
        await esme.closed()


async def test_the_same_message_again_has_the_same_name_within_ten_minutes() -> None:
    outlet, clock = Outlet(), Clock()
    async with Smsc() as smsc, smsc.serving(connector(smsc, clock), outlet):
        esme = await smsc.bound()
        for number, minute in ((1, 13), (2, 19), (3, 21)):  # acknowledged, it is a new message in the next step
            clock.now = NOW.replace(minute=minute)
            esme.send(message(number=number))
            assert await esme.answer() == (number, ROK)
        esme.send(message("别的事", number=4))
        await esme.answer()
    names = [taken.envelope.id for taken in outlet.taken]
    assert names[0] == names[1]
    assert len(set(names)) == 3


async def test_what_was_not_acknowledged_comes_again_as_itself_over_the_edge_of_a_step() -> None:
    outlet, clock = Outlet(), Clock()
    clock.now = NOW.replace(minute=19, second=59)
    outlet.fault = UnreachableError("Kafka is away")
    async with Smsc() as smsc:
        account = connector(smsc, clock)
        async with smsc.serving(account, outlet):
            esme = await smsc.bound()
            esme.send(message(number=1))
            assert await esme.answer() == (1, THROTTLED)
        outlet.fault = None
        first = clock.now
        clock.now += timedelta(seconds=40)
        async with smsc.serving(account, outlet):
            esme = await smsc.bound()
            esme.send(message(number=99))
            assert await esme.answer() == (99, ROK)
    (taken,) = outlet.taken
    assert taken.envelope.time == first
    assert taken.envelope.id == identifier(message()[16:], first)


async def test_what_a_dead_process_left_unacknowledged_keeps_its_name_over_the_edge_of_a_step() -> None:
    outlet, clock = Outlet(), Clock()
    clock.now = NOW.replace(minute=19, second=30)
    async with Smsc() as smsc:
        async with smsc.serving(connector(smsc, clock), outlet):
            esme = await smsc.bound()
            esme.send(message(number=1))
            await esme.answer()
        clock.now += timedelta(seconds=60)
        async with smsc.serving(connector(smsc, clock), outlet):  # a new one: it remembers nothing
            esme = await smsc.bound()
            esme.send(message(number=7))
            assert await esme.answer() == (7, ROK)
    first, again = outlet.taken
    assert again.envelope.id == first.envelope.id
    assert again.envelope.time == first.envelope.time + timedelta(seconds=60)


async def test_a_receipt_is_taken_like_a_message() -> None:
    words = b"id:m-1 sub:001 dlvrd:001 submit date:2611242245 done date:2611242246 stat:DELIVRD err:000 text:"
    outlet = Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet):
        esme = await smsc.bound()
        esme.send(message(words, esm_class=4))
        assert await esme.answer() == (1, ROK)
    assert len(outlet.taken) == 1


async def test_a_data_sm_is_a_message_too() -> None:
    body = b"\0\1\1" + CITIZEN.encode() + b"\0\1\1" + b"12345\0" + b"\0\0\x08" + b"\x04\x24\0\4\x8d\xef\x70\x6f"
    outlet = Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet):
        esme = await smsc.bound()
        esme.send(header(0x103, 5, 0, 16 + len(body)) + body)
        assert await esme.answer(0x103) == (5, ROK)
    assert outlet.taken[0].envelope.sender == CITIZEN


async def test_unknown_optional_parameters_of_a_vendor_do_not_matter() -> None:
    outlet = Outlet()
    async with Smsc() as smsc, smsc.serving(connector(smsc), outlet):
        esme = await smsc.bound()
        esme.send(message(tlvs=[smpp34.Tlv(0x1401, b"vendor")]))
        assert await esme.answer() == (1, ROK)
    assert outlet.taken[0].envelope.sender == CITIZEN


async def test_a_bind_and_each_heartbeat_are_signs_of_life() -> None:
    outlet = Outlet()
    async with (
        Smsc() as smsc,
        smsc.serving(connector(smsc, enquire_link_seconds=0.03, answer_timeout_seconds=120), outlet),
    ):
        esme = await smsc.bound()
        for _ in range(2):  # as soon as there is an answer, not when it would be too late
            asked = await esme.read()
            assert asked.command == ENQUIRE
            esme.send(header(NACK | ENQUIRE, asked.sequence))
        await esme.read()
        assert outlet.lives >= 2


def test_an_account_without_a_city_is_refused() -> None:
    with pytest.raises(MisconfiguredError, match="jurisdiction"):
        SmsSmpp(settings(1, jurisdiction=None), "city")


def test_a_message_of_the_smsc_is_what_it_says() -> None:
    """The test's own frames are SMPP: smpp34 reads them, and so does the connector's codec."""
    assert isinstance(smpp34.decode(message()), smpp34.DeliverSm)
    assert message()[7] == DELIVER


async def test_a_private_authority_is_named_and_a_stranger_is_refused(tmp_path: Path) -> None:
    authority, outlet = Authority(tmp_path), Outlet()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("smsc").file)
    async with Smsc(context) as smsc:
        with pytest.raises(UnreachableError, match="name its authority's certificate in `ssl_cafile`"):
            await connector(smsc, tls="tls").run(outlet)
        async with smsc.serving(connector(smsc, tls="tls", ssl_cafile=authority.certificate), outlet):
            esme = await smsc.bound()
            esme.send(message())
            assert await esme.answer() == (1, ROK)


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_same_words_after_the_clock_was_set_back_are_a_new_message(restarted: bool) -> None:
    clock, outlet, began = Clock(), Outlet(), [0.0]

    def started() -> SmsSmpp:
        account = connector(smsc, clock)
        account._steps._steady = lambda: began[0]
        return account

    def later(minutes: float) -> None:
        clock.now += timedelta(minutes=minutes)
        began[0] += minutes * 60

    async with Smsc() as smsc:
        async with smsc.serving(started(), outlet):
            esme = await smsc.bound()
            for number in (1, 2):
                esme.send(message("请尽快处理", number=number))
                assert await esme.answer() == (number, ROK)
                later(50)
            clock.now = NOW - timedelta(minutes=11 * restarted)  # so that the last one comes when the first one did
            if not restarted:
                esme.send(message("请尽快处理", number=3))
                assert await esme.answer() == (3, ROK)
        if restarted:
            async with smsc.serving(started(), outlet):
                esme = await smsc.bound()
                esme.send(message("好的", number=3))
                assert await esme.answer() == (3, ROK)
                later(11)
                esme.send(message("请尽快处理", number=4))
                assert await esme.answer() == (4, ROK)
    words = [one.envelope.id for one in outlet.taken if "好的".encode("utf-16-be") not in one.value]
    assert len(set(words)) == len(words) == 3
    assert outlet.taken[-1].envelope.time == clock.now  # the time that is told is the clock's

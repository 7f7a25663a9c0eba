"""A session's promises, frame by frame, with an ISMG that can be told to misbehave."""

import asyncio
import hashlib
import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from connectors import metrics
from connectors.sms_cmpp import connector
from connectors.sms_cmpp.codec import parse
from connectors.sms_cmpp.connector import Cmpp
from normalizers.base import Policy
from normalizers.sms import normalize
from schemas.errors import MalformedError, MisconfiguredError, UnauthorizedError, UnreachableError
from schemas.records import RawMessage
from tests.connectors.sms_cmpp.sessions import Kafka, session, settings_for
from tests.peers import ismg as peer
from tests.peers.ismg import Ismg
from tests.waiting import soon

pytestmark = pytest.mark.integration  # sockets on loopback

LAMP = "中山路路灯坏了💡".encode("utf-16-be")


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


async def ended(running: asyncio.Task[None]) -> BaseException:
    """How a session ended on its own."""
    async with asyncio.timeout(60):
        return (await asyncio.gather(running, return_exceptions=True))[0]  # type: ignore[return-value] # it never ends well


@pytest.mark.parametrize("major", [2, 3])
async def test_a_message_is_published_as_it_came_and_answered(kafka: Kafka, major: int) -> None:
    async with Ismg(major) as ismg, session(ismg, kafka):
        number = ismg.queue(LAMP)
        await ismg.until(lambda: ismg.results.get(number) == [0])
    (message,) = kafka.held
    body = peer.deliver(number, LAMP, major=major)
    assert message.value == peer.frame(5, number, body)
    assert (message.envelope.datacontenttype, message.envelope.sender) == (
        f"application/x-cmpp; version={major}",
        peer.CITIZEN,
    )
    assert (message.envelope.source, message.envelope.channelkind) == ("/hotline/sms/mobile", "sms_cmpp")
    assert normalize(message, Policy()).text == LAMP.decode("utf-16-be")
    assert (ismg.logins[0][0], ismg.logins[0][2]) == ("900001", major << 4)


async def test_nothing_is_answered_before_kafka_holds_it(kafka: Kafka) -> None:
    kafka.answering.clear()
    async with Ismg() as ismg, session(ismg, kafka):
        number = ismg.queue(LAMP)
        await soon(lambda: kafka.tried == 1)
        ismg.write(peer.frame(peer.ACTIVE_TEST, 9))
        await ismg.until(
            lambda: peer.ACTIVE_TEST | peer.RESPONSE in ismg.got
        )  # read after the message, answered before
        assert ismg.results == {}
        kafka.answering.set()
        await ismg.until(lambda: ismg.results.get(number) == [0])


async def test_while_kafka_is_away_the_ismg_hears_nothing_and_its_repeats_are_one_record(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "RETRY_SECONDS", 0.02)
    kafka.down = True
    async with Ismg(repeat_seconds=0.05, repeats=1000) as ismg, session(ismg, kafka):
        number = ismg.queue(LAMP)
        await soon(lambda: kafka.tried > 5 and ismg.sent[number] > 2)
        await ismg.fall_silent(number)
        assert ismg.results == {}
        kafka.down = False
        await ismg.until(lambda: len(ismg.results.get(number, ())) == ismg.sent[number])  # each got its answer
        assert set(ismg.results[number]) == {0}
        assert len(kafka.held) == 1


async def test_an_ismg_that_wants_it_is_told_to_slow_down(kafka: Kafka) -> None:
    kafka.down = True
    async with Ismg(repeat_seconds=0.05, repeats=1000) as ismg, session(ismg, kafka, busy="throttle"):
        number = ismg.queue(LAMP)
        await ismg.until(lambda: ismg.results.get(number, [])[:2] == [8, 8])
        await ismg.fall_silent(number)  # or one that is on its way would be taken, too
        kafka.down, ismg.repeat_seconds = False, 60
        ismg.queue_body(number, peer.deliver(number, LAMP))
        await ismg.until(lambda: ismg.results[number][-1] == 0)
    assert len(kafka.held) == 1


async def test_with_a_full_window_nothing_more_is_read_and_the_link_is_not_called_dead(kafka: Kafka) -> None:
    kafka.answering.clear()
    quick = {"active_test_seconds": 0.5, "active_test_timeout_seconds": 1, "active_test_attempts": 1}
    async with Ismg(window=10) as ismg, session(ismg, kafka, window=3, **quick) as running:
        numbers = [ismg.queue(LAMP + bytes([0, 48 + i])) for i in range(10)]
        await soon(lambda: kafka.tried == 3)
        await asyncio.sleep(3)  # twice the silence that would end it
        assert (kafka.tried, running.done()) == (3, False)
        kafka.answering.set()
        await ismg.until(lambda: len(ismg.results) == len(numbers))
    assert len({message.envelope.id for message in kafka.held}) == 10


async def test_a_repeat_after_a_lost_answer_has_the_same_name(kafka: Kafka) -> None:
    async with Ismg() as ismg:
        number = ismg.queue(LAMP)
        async with session(ismg, kafka):
            await ismg.until(lambda: number in ismg.results)
        ismg.queue_body(number, peer.deliver(number, LAMP))  # the gateway never got the answer
        async with session(ismg, kafka):
            await ismg.until(lambda: len(ismg.results[number]) == 2)
    first, again = kafka.held
    assert first.message_id == again.message_id


async def test_two_messages_of_one_msg_id_are_two(kafka: Kafka) -> None:
    other = "井盖丢失".encode("utf-16-be")
    async with Ismg() as ismg, session(ismg, kafka):
        ismg.queue_body(12345, peer.deliver(12345, LAMP))
        await ismg.until(lambda: 12345 in ismg.results)
        ismg.queue_body(12345, peer.deliver(12345, other))
        await ismg.until(lambda: len(ismg.results[12345]) == 2)
        ismg.queue_body(12345, peer.deliver(12345, other, sender="13900139000"))
        await ismg.until(lambda: len(ismg.results[12345]) == 3)
    assert len({message.message_id for message in kafka.held}) == 3


async def test_the_pieces_of_a_long_message_and_a_report_are_published_each(kafka: Kafka) -> None:
    text = ("字" * 66 + "💡!").encode("utf-16-be")
    content = struct.pack(">Q", 7) + b"DELIVRD" + b"2611242245" * 2 + peer.CITIZEN.encode().ljust(21, b"\0") + bytes(4)
    async with Ismg() as ismg, session(ismg, kafka):
        for number, piece in ((2, text[134:]), (1, text[:134])):
            ismg.queue(bytes([5, 0, 3, 9, 2, number]) + piece, udhi=1)
        ismg.queue(content, fmt=0, report=1)
        await ismg.until(lambda: len(ismg.results) == 3)
    drafts = [normalize(message, Policy()) for message in kafka.held]
    assert [draft.part and draft.part.number for draft in drafts] == [2, 1, None]
    assert [draft.message_class for draft in drafts] == ["person", "person", "event"]
    assert drafts[2].extra == {
        "id": "7",
        "stat": "DELIVRD",
        "submit_date": "2611242245",
        "done_date": "2611242245",
        "to": peer.CITIZEN,
    }


async def test_one_that_cannot_be_read_is_published_too_and_does_not_come_again(kafka: Kafka) -> None:
    broken = peer.deliver(1, LAMP)[:-9]  # Msg_Length says more than there is
    async with Ismg() as ismg, session(ismg, kafka):
        ismg.queue_body(1, broken)
        ismg.queue_body(2, b"\1")
        ismg.last = 2
        number = ismg.queue(LAMP)
        await ismg.until(lambda: number in ismg.results)
        await ismg.until(lambda: ismg.results.get(1) == [0])
    assert [message.value[12:] for message in kafka.held[:2]] == [broken, b"\1"]
    with pytest.raises(MalformedError):
        normalize(kafka.held[0], Policy())


async def test_a_frame_of_the_other_version_is_told_by_its_length(kafka: Kafka) -> None:
    async with Ismg(2) as ismg, session(ismg, kafka):
        ismg.queue_body(1, peer.deliver(1, LAMP, major=3))
        await ismg.until(lambda: 1 in ismg.results)
    assert kafka.held[0].envelope.datacontenttype == "application/x-cmpp; version=3"
    assert kafka.held[0].envelope.sender == peer.CITIZEN


async def test_the_gateway_may_speak_a_lower_version_than_was_asked_for(kafka: Kafka) -> None:
    async with Ismg(2) as ismg, session(ismg, kafka, version="3.0"):
        number = ismg.queue(LAMP)
        await ismg.until(lambda: ismg.results.get(number) == [0])
    assert kafka.held[0].envelope.datacontenttype == "application/x-cmpp; version=2"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0\0\0\0" + bytes(8),
        b"\0\0\0\x0b" + bytes(8),
        b"\xff\xff\xff\xff" + bytes(8),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
async def test_bytes_that_are_no_frame_end_the_session_at_once(kafka: Kafka, garbage: bytes) -> None:
    async with Ismg() as ismg, session(ismg, kafka) as running:
        await ismg.until(lambda: bool(ismg.logins))
        number = ismg.queue(LAMP)
        await ismg.until(lambda: number in ismg.results)
        ismg.write(garbage)
        assert isinstance(await ended(running), UnreachableError)


async def test_frames_in_one_piece_and_bytes_one_by_one_are_the_same(kafka: Kafka) -> None:
    frames = [peer.frame(5, n, peer.deliver(n, LAMP + bytes([0, 48 + n]))) for n in range(1, 5)]
    async with Ismg() as ismg, session(ismg, kafka):
        await ismg.until(lambda: bool(ismg.logins))
        ismg.write(frames[0] + frames[1] + peer.frame(0x77, 5) + frames[2])  # an unknown command between them
        await ismg.until(lambda: len(ismg.results) == 3)
        for byte in frames[3]:
            ismg.write(bytes([byte]))
            await asyncio.sleep(0)
        await ismg.until(lambda: len(ismg.results) == 4)
    assert [message.value for message in kafka.held] == frames


async def test_an_active_test_is_answered_with_thirteen_bytes(kafka: Kafka) -> None:
    async with Ismg() as ismg, session(ismg, kafka):
        await ismg.until(lambda: bool(ismg.logins))
        ismg.write(peer.frame(peer.ACTIVE_TEST, 0xFFFFFFFF))
        await ismg.until(lambda: peer.ACTIVE_TEST | peer.RESPONSE in ismg.got)


async def test_a_quiet_ismg_is_asked_and_stays_while_it_answers(kafka: Kafka) -> None:
    quick = {"active_test_seconds": 0.02, "active_test_timeout_seconds": 1, "active_test_attempts": 5}
    async with Ismg() as ismg, session(ismg, kafka, **quick) as running:
        await ismg.until(lambda: ismg.got.count(peer.ACTIVE_TEST) > 3)
        assert not running.done()
    assert kafka.signs > 2  # the login is one


async def test_a_silent_ismg_is_given_up_after_the_last_test(kafka: Kafka) -> None:
    quick = {"active_test_seconds": 0.05, "active_test_timeout_seconds": 0.05, "active_test_attempts": 2}
    async with Ismg() as ismg, session(ismg, kafka, **quick) as running:
        await ismg.until(lambda: bool(ismg.logins))
        ismg.mute = True
        ismg.got.clear()  # on a busy machine it has asked, and got its answer, before
        error = await ended(running)
    assert isinstance(error, UnreachableError)
    assert "no sign of life" in str(error)
    assert ismg.got.count(peer.ACTIVE_TEST) == 2


async def test_the_gateways_end_is_answered_behind_what_is_on_its_way_and_ends_the_session(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "SETTLE_SECONDS", 60)
    kafka.answering.clear()
    async with Ismg() as ismg, session(ismg, kafka) as running:
        number = ismg.queue(LAMP)
        await soon(lambda: kafka.tried == 1)
        ismg.write(peer.frame(peer.TERMINATE, 3))
        kafka.answering.set()
        assert isinstance(await ended(running), UnreachableError)
        await ismg.until(lambda: peer.TERMINATE | peer.RESPONSE in ismg.got)
        assert ismg.results == {number: [0]}, "unanswered, it would cost one of the three tries of an ISMG"


async def test_a_reset_ends_the_session(kafka: Kafka) -> None:
    async with Ismg() as ismg, session(ismg, kafka) as running:
        await ismg.until(lambda: bool(ismg.logins))
        ismg.cut()
        assert isinstance(await ended(running), UnreachableError)


async def test_we_log_out_when_we_are_stopped(kafka: Kafka) -> None:
    async with Ismg() as ismg:
        number = ismg.queue(LAMP)
        async with session(ismg, kafka):
            await ismg.until(lambda: number in ismg.results)
        await ismg.until(lambda: peer.TERMINATE in ismg.got)


@pytest.mark.parametrize(
    ("status", "error", "word"),
    [
        (1, UnauthorizedError, "version"),
        (2, UnauthorizedError, "source"),
        (3, UnauthorizedError, "secret"),
        (4, UnauthorizedError, "version"),
        (5, UnreachableError, "connections"),
    ],
)
async def test_a_refused_login_says_what_to_do(kafka: Kafka, status: int, error: type, word: str) -> None:
    async with Ismg() as ismg:
        ismg.status = status
        with pytest.raises(error, match=word):
            await Cmpp(settings_for(ismg), "mobile").run(kafka)


async def test_a_wrong_secret_is_refused_and_never_told(kafka: Kafka) -> None:
    async with Ismg() as ismg:
        with pytest.raises(UnauthorizedError) as caught:
            await Cmpp(settings_for(ismg, secret="wrong1"), "mobile").run(kafka)
    assert "wrong1" not in str(caught.value)


@pytest.mark.parametrize("strict", [False, True])
async def test_an_ismg_that_proves_nothing_is_refused_where_that_is_wanted(
    kafka: Kafka, strict: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sms_cmpp.codec.is_proven", lambda *_: False)
    async with Ismg() as ismg, session(ismg, kafka, strict=strict) as running:
        if strict:
            assert isinstance(await ended(running), UnauthorizedError)
        else:
            number = ismg.queue(LAMP)
            await ismg.until(lambda: number in ismg.results)


@pytest.mark.parametrize("how", ["nobody listens", "no answer", "another answer", "an HTTP server"])
async def test_what_is_no_ismg_is_unreachable(kafka: Kafka, how: str) -> None:
    answers = {"another answer": peer.frame(0x80000002, 1), "an HTTP server": b"HTTP/1.1 400 Bad Request\r\n\r\n"}

    left = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers.get(how, b""))
        with suppress(OSError):
            await reader.read()
        writer.transport.abort()
        asyncio.get_running_loop().call_soon(left.set)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if how == "nobody listens":
        server.close()
    async with Ismg() as ismg:
        settings = settings_for(ismg, port=port, connect_timeout_seconds=0.2)
    with pytest.raises(UnreachableError):
        await Cmpp(settings, "mobile").run(kafka)
    if how != "nobody listens":
        await left.wait()
    server.close()


async def test_a_fault_that_only_a_person_can_mend_ends_the_session() -> None:
    class Refusing(Kafka):
        async def __call__(self, message: RawMessage) -> None:
            raise UnauthorizedError("Kafka")

    async with Ismg() as ismg:
        ismg.queue(LAMP)
        with pytest.raises(UnauthorizedError, match="Kafka"):
            await Cmpp(settings_for(ismg), "mobile").run(Refusing())
        assert ismg.results == {}


async def test_a_fault_of_ours_with_one_message_leaves_it_unanswered_and_the_others_go_on() -> None:
    class Stumbling(Kafka):
        async def __call__(self, message: RawMessage) -> None:
            if LAMP in message.value and self.tried == 0:
                self.tried += 1
                raise KeyError("a citizen's words")
            await super().__call__(message)

    kafka, counted = Stumbling(), metrics.FAULTS_OF_OURS.labels("sms", "mobile")
    before = counted._value.get()
    async with Ismg(repeat_seconds=2) as ismg, session(ismg, kafka) as running:
        number = ismg.queue(LAMP)
        other = ismg.queue("井盖丢失".encode("utf-16-be"))
        with capture_logs() as logs:
            await ismg.until(lambda: ismg.results.get(other) == [0])
        assert number not in ismg.results
        assert [(one["event"], one["error"]) for one in logs] == [("connector_fault", "KeyError")]
        assert counted._value.get() == before + 1, "the alarm on faults of ours counts it"
        await ismg.until(lambda: ismg.results.get(number) == [0])  # it came again
        assert not running.done()
    assert len(kafka.held) == 2


def test_an_account_without_a_city_is_refused() -> None:
    ismg = Ismg()
    ismg.port = 7890
    with pytest.raises(MisconfiguredError, match="行政区划代码"):
        Cmpp(settings_for(ismg, jurisdiction=None), "mobile")


def test_the_name_of_a_message_is_that_of_the_documentation() -> None:
    ismg = Ismg()
    ismg.port = 7890
    raw = peer.frame(5, 1, peer.deliver(3, b"x", fmt=0))
    made = Cmpp(settings_for(ismg), "mobile").message(parse(raw), 2)
    assert made.envelope.id == hashlib.sha256(bytes(7) + b"\3" + b"13800138000\nx").hexdigest()


def test_whoever_knows_the_words_and_tries_all_telephones_does_not_find_the_name() -> None:
    ismg = Ismg()
    ismg.port = 7890
    for known in (peer.deliver(3, b"x", fmt=0), b"what nobody can read"):
        raw = parse(peer.frame(5, 1, known))
        names = {
            Cmpp(settings_for(ismg, naming_key=key), "mobile").message(raw, 2).envelope.id
            for key in (None, "k" * 16, "l" * 16, "k" * 16)
        }
        assert len(names) == 3


def test_words_without_a_msg_id_are_a_repeat_within_a_day_alone() -> None:
    ismg, now = Ismg(), [datetime(2026, 3, 1, 2, tzinfo=UTC)]
    ismg.port = 7890
    account = Cmpp(settings_for(ismg), "mobile", lambda: now[0])
    names = []
    for hours in (0, 17, 24 * 30):
        now[0] = datetime(2026, 3, 1, 2, tzinfo=UTC) + timedelta(hours=hours)
        names.append(account.message(parse(peer.frame(5, 1, peer.deliver(0, LAMP))), 2).envelope.id)
    assert names[0] == names[1] != names[2]

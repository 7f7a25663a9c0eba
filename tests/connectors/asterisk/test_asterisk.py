"""Asterisk's manager interface: login, signs of life, floods, cuts, and what is kept of the events of a call."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors import metrics
from connectors.asterisk import connector
from connectors.asterisk.connector import WINDOW, Asterisk
from connectors.asterisk.settings import AsteriskSettings
from connectors.publish.publisher import ATTEMPTS
from schemas.errors import MisconfiguredError, UnauthorizedError, UnreachableError
from schemas.records import RawMessage
from tests.connectors.asterisk.fake import GREETING, REFUSED, Held, Script, logged_in, served
from tests.normalizers.phone import frames
from tests.waiting import soon

pytestmark = pytest.mark.integration  # loopback

CALL = "1795646348.0"
END = b"\r\n\r\n"
ALL = END.join((frames.CHAN_START, frames.USER_EVENT, frames.CDR, frames.HANGUP, frames.LINKEDID_END)) + END


def asterisk(port: int, account: str = "pbx", **changes: Any) -> Asterisk:
    usual = {"host": "127.0.0.1", "port": port, "username": "hotline", "secret": "geheim", "jurisdiction": "210100"}
    return Asterisk(AsteriskSettings(**usual | changes), account, retry_seconds=0.01)


async def ended(script: Script, held: Held, **changes: Any) -> str:
    """Serve one connection to its end and return why it ended."""
    async with served(script) as port, asyncio.timeout(60):
        with pytest.raises(UnreachableError) as caught:
            await asterisk(port, **changes).run(held)
    return str(caught.value)


def saying(*said: bytes) -> Script:
    """Log in, say all this, and hang up; a late ping is heard, so that it resets no line with words on it."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        for piece in said:
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        await reader.read()

    return script


async def test_whoever_knows_the_words_and_tries_all_telephones_does_not_find_a_user_events_name() -> None:
    names = set()
    for key in (None, "k" * 16, "l" * 16, "k" * 16):
        held = Held()
        await ended(saying(frames.USER_EVENT + END), held, **({"naming_key": key} if key else {}))
        names.update(held.ids)
    assert len(names) == 3


async def test_each_event_of_a_call_is_kept_as_its_bytes_and_named_by_the_call() -> None:
    held = Held()
    await ended(saying(ALL), held)
    assert {message.value for message in held.messages} == set(ALL.removesuffix(END).split(END))
    assert {message.conversation for message in held.messages} == {f"pbx\n{CALL}"}
    assert [one.rsplit(":", 1)[0] for one in held.ids if ":user:" in one] == [f"{CALL}:user"]
    assert {f"{CALL}:cel:CHAN_START:{CALL}", f"{CALL}:cel:LINKEDID_END:{CALL}", f"{CALL}:hangup:{CALL}"} < set(held.ids)
    assert held.lively == 1


async def test_a_second_connection_gives_the_same_names() -> None:
    first, second = Held(), Held()
    await ended(saying(ALL), first)
    await ended(saying(ALL), second)
    assert sorted(first.ids) == sorted(second.ids)


async def test_two_legs_a_queue_and_a_transfer_are_one_call() -> None:
    """Of other legs only their records are kept; a Cdr that does not name its call is named by what others said."""
    leg = b"1795646350.2"
    other = frames.HANGUP.replace(b"Uniqueid: 1795646348.0", b"Uniqueid: " + leg)
    cdr = frames.CDR.replace(b"1795646348.0", leg)
    held = Held()
    await ended(saying(END.join((other, cdr)) + END), held)
    (message,) = held.messages
    assert message.envelope.id.startswith(f"{CALL}:cdr:")
    assert message.envelope.datacontenttype.endswith(f"; call={CALL}")


async def test_only_events_that_are_asked_for_are_kept() -> None:
    held = Held()
    await ended(saying(ALL), held, events=["UserEvent"], user_events=["Other"])
    assert held.messages == []
    await ended(saying(ALL), held, events=["UserEvent"], user_events=["HotlineCall"])
    assert len(held.messages) == 1


async def test_events_that_come_in_any_pieces_are_whole() -> None:
    held = Held()
    await ended(saying(*(ALL[at : at + 7] for at in range(0, len(ALL), 7))), held)
    assert len(held.messages) == 5


async def test_a_truncated_event_is_not_taken_for_a_whole_one() -> None:
    held = Held()
    await ended(saying(frames.CDR + END, frames.HANGUP[:-30]), held)
    assert [one.split(":")[1] for one in held.ids] == ["cdr"]


async def test_an_event_over_the_limit_is_dropped_and_the_next_is_kept() -> None:
    dropped = metrics.ASTERISK_EVENTS.labels("pbx", "too_large")
    before, held = dropped._value.get(), Held()
    await ended(
        saying(frames.USER_EVENT + b"\r\nNote: " + b"x" * 9000 + END, frames.CDR + END), held, frame_max_bytes=2048
    )
    assert [one.split(":")[1] for one in held.ids] == ["cdr"]
    assert dropped._value.get() == before + 1


async def test_a_flood_is_held_back_and_loses_nothing() -> None:
    flood = b"".join(frames.USER_EVENT + b"\r\nNote: %d" % number + END for number in range(3000))
    held = Held(refusals=700)
    await ended(saying(flood), held)
    assert len(set(held.ids)) == 3000


async def test_what_kafka_did_not_take_yet_outlives_the_connection() -> None:
    held = Held(refusals=20)
    await ended(saying(ALL), held)
    assert len(held.messages) == 5


async def test_a_refused_login_is_ours_to_mend_and_shows_no_secret() -> None:
    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        assert b"Secret: geheim" in await reader.readuntil(END)
        writer.write(REFUSED)

    async with served(refusing) as port:
        with pytest.raises(UnauthorizedError) as caught:
            await asterisk(port).run(Held())
    assert "geheim" not in str(caught.value)


async def test_an_event_may_overtake_the_answer_to_the_login() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING + b"Event: FullyBooted" + END)
        await logged_in(reader, writer)
        writer.write(frames.CDR + END)

    held = Held()
    await ended(script, held)
    assert len(held.messages) == 1


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"\r\n", b"x" * 5000])
async def test_another_service_on_the_port_is_not_logged_in_to(said: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()
        assert b"Secret" not in await reader.read()

    await ended(script, Held(), frame_max_bytes=1024)


async def test_a_half_open_connection_ends_after_its_silence() -> None:
    async def frozen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        await reader.read()  # the pings; no answer ever

    held = Held()
    assert "does not answer" in await ended(frozen, held, silence_seconds=0.2, ping_seconds=0.05)


async def test_a_silent_service_is_given_up_at_the_greeting() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert "does not answer" in await ended(silent, Held(), connect_timeout_seconds=0.1)


async def test_answered_pings_keep_a_quiet_connection_and_show_life() -> None:
    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        for _ in range(5):
            await reader.readuntil(END)
            writer.write(b"Response: Success\r\nPing: Pong" + END)
        writer.write(frames.CDR + END)

    held = Held()
    await ended(quiet, held, silence_seconds=6, ping_seconds=1.5)  # the pings take longer than the silence may
    assert held.lively >= 5
    assert len(held.messages) == 1


async def test_nobody_there_is_a_fault_of_the_surroundings() -> None:
    async with served(saying()) as port:
        pass
    with pytest.raises(UnreachableError):
        await asterisk(port).run(Held())


async def test_a_stop_closes_the_connection() -> None:
    gone = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        await reader.read()
        gone.set()

    async with served(script) as port, asyncio.timeout(60):
        held = Held()
        running = asyncio.create_task(asterisk(port).run(held))
        await soon(lambda: held.lively)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await gone.wait()


class Slow(Held):
    """Kafka takes each message when it may; `waiting` are on their way."""

    def __init__(self, *, ever: bool = True) -> None:
        super().__init__()
        self.waiting = 0
        self.ever = ever

    async def __call__(self, message: RawMessage) -> None:
        self.waiting += 1
        await asyncio.sleep(0.2 if self.ever else 3600)
        await super().__call__(message)


async def stopped_under_way(held: Slow, events: int) -> None:
    """Stop when so many events are on their way; the other side goes on talking."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        for number in range(events):
            writer.write(frames.USER_EVENT + b"\r\nNote: %d" % number + END)
        await reader.read()

    async with served(script) as port, asyncio.timeout(60):
        running = asyncio.create_task(asterisk(port).run(held))
        await soon(lambda: held.waiting >= min(events, WINDOW))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.mark.parametrize("events", [1, 20, WINDOW + 100])
async def test_a_stop_waits_for_the_events_on_their_way(events: int) -> None:
    held = Slow()
    await stopped_under_way(held, events)
    assert len(set(held.ids)) == held.waiting >= min(events, WINDOW)


async def test_a_stop_does_not_wait_for_ever_and_counts_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "SETTLE_SECONDS", 0.05)
    lost = metrics.ASTERISK_EVENTS.labels("pbx", "lost")
    before, held = lost._value.get(), Slow(ever=False)
    with capture_logs() as lines:  # nobody asks a process that has ended for its metrics
        await stopped_under_way(held, 3)
        await asyncio.sleep(0)
    assert lost._value.get() == before + 3
    assert [one["connector"] for one in lines if one["event"] == "asterisk_event_lost"] == ["pbx"] * 3


async def test_a_fault_that_only_a_person_can_mend_ends_the_connection() -> None:
    class Refused(Held):
        async def __call__(self, message: RawMessage) -> None:
            if message.value == frames.CDR:
                raise MisconfiguredError("the topic is missing")
            raise UnreachableError("Kafka does not answer")  # this one would be tried for ever

    async with served(quiet_after(frames.HANGUP + END + frames.CDR + END)) as port, asyncio.timeout(60):
        with pytest.raises(MisconfiguredError):
            await asterisk(port).run(Refused())


class Faulty(Held):
    """A fault of ours over each event that speaks of `bad`, `faults` times."""

    def __init__(self, faults: int) -> None:
        super().__init__()
        self.faults = faults

    async def __call__(self, message: RawMessage) -> None:
        if b"bad" in message.value and self.faults:
            self.faults -= 1
            raise ValueError
        await asyncio.sleep(0.02)
        await super().__call__(message)


async def test_a_fault_of_ours_over_one_event_loses_no_other() -> None:
    lost, counted = metrics.ASTERISK_EVENTS.labels("pbx", "lost"), metrics.FAULTS_OF_OURS.labels("phone", "pbx")
    before, faults = lost._value.get(), counted._value.get()
    notes = [frames.USER_EVENT + b"\r\nNote: " + word + END for word in (b"one", b"bad", b"two")]
    held = Faulty(ATTEMPTS - 1)  # then the publisher makes a dead letter of it
    await ended(saying(*notes), held)
    assert (len(held.messages), lost._value.get()) == (3, before)
    assert counted._value.get() - faults == ATTEMPTS - 1
    held = Faulty(1000)
    await ended(saying(*notes), held)
    assert (len(held.messages), lost._value.get()) == (2, before + 1)


def quiet_after(said: bytes) -> Script:
    """Log in, say this, and listen."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        writer.write(said)
        await reader.read()

    return script


async def test_settings_that_cannot_work_say_so() -> None:
    with pytest.raises(MisconfiguredError, match="jurisdiction"):
        asterisk(1, jurisdiction=None)
    async with served(saying()) as port:
        with pytest.raises(MisconfiguredError, match="line break"):
            await asterisk(port, username="x\r\nAction: Originate").run(Held())


def gap() -> float:
    return metrics.ASTERISK_GAP_SECONDS.labels("pbx")._value.get()


async def test_how_long_nobody_listened_is_counted_after_a_restart_too(monkeypatch: pytest.MonkeyPatch) -> None:
    now, held, before = [datetime(2026, 3, 1, tzinfo=UTC)], Held(), gap()

    async def connected(pbx: Asterisk) -> None:
        with pytest.raises(UnreachableError):
            await pbx.run(held)

    async with served(saying(ALL)) as port, asyncio.timeout(60):
        settings = asterisk(port)._settings
        monkeypatch.setattr("connectors.asterisk.connector.utc_now", lambda: now[0])
        pbx = Asterisk(settings, "pbx")
        await connected(pbx)
        assert gap() == before  # a first start
        now[0] += timedelta(seconds=40)
        await connected(pbx)
        assert gap() == before + 40
        now[0] += timedelta(hours=1)
        await connected(Asterisk(settings, "pbx"))
        assert gap() == before + 3640
        now[0] -= timedelta(days=1)  # a clock that was set back
        await connected(Asterisk(settings, "pbx"))
        assert gap() == before + 3640


class Forgetful(Held):
    """Kafka is long in telling what was kept last."""

    async def recall(self) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError


async def test_nothing_that_is_told_waits_for_what_kafka_knows_of_the_process_before() -> None:
    """Who does not read is hung up on."""
    held = Forgetful()
    async with served(saying(ALL)) as port, asyncio.timeout(60):
        listening = asyncio.create_task(asterisk(port).run(held))
        await soon(lambda: held.messages)
        listening.cancel()
        await asyncio.wait({listening})


async def test_what_asterisk_tells_happened_when_it_came() -> None:
    held = Held()
    await ended(saying(ALL), held)
    assert all(message.envelope.notbefore == message.envelope.recordedtime for message in held.messages)

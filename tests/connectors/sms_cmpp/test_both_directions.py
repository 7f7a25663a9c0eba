"""Messages and replies of one account over one login, on the real Kafka: what an ISMG delivers is answered, always."""

import asyncio
import signal
from collections import Counter
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import decode
from schemas.records import Outbox, OutboxState, Party
from tests.assign import logs
from tests.connectors.outbox.answers import intent, outbound
from tests.connectors.outbox.test_outbox_live import STATE, states, until_settled
from tests.dying import running
from tests.forked import Forked
from tests.peers.ismg import FIRST, Ismg
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.long]

WORKER = Path(__file__).with_name("session_worker.py")
ACCOUNT = "mobile"


def worker(connection: KafkaConnection, folder: Path, ismg: Ismg, *kill: str) -> AbstractContextManager[Forked]:
    return running(WORKER, connection.bootstrap_servers, str(folder), str(ismg.port), *kill)


def phone(number: int) -> str:
    return f"138{number:08d}"


def intents(count: int, start: int = 1) -> list[Outbox]:
    """Intents to answer one citizen each."""
    made = (intent(number, account=ACCOUNT, received_at=datetime.now(UTC)) for number in range(start, start + count))
    return [
        replace(one, channel="sms", channel_kind="sms_cmpp", recipient=Party(kind="phone", value=phone(number)))
        for number, one in enumerate(made, start)
    ]


def receivers(ismg: Ismg) -> Counter[str]:
    """Say who was sent how many texts, as CMPP 2.0 has the fields."""
    return Counter(body[117:138].rstrip(b"\0").decode() for body in ismg.submitted)


async def held(connection: KafkaConnection) -> Counter[bytes]:
    """How often Kafka holds each message."""
    records = await logs.read(connection, topics.raw("sms"))
    return Counter(dict(record.headers)["ce_id"] for record in records)


async def last_states(connection: KafkaConnection) -> dict[str, OutboxState]:
    told = [
        decode(record.value or b"", OutboxState)
        for record in await logs.read(connection, topics.OUTBOX)
        if dict(record.headers)["ce_type"] == STATE
    ]
    return {one.outbox_id: one for one in told}


async def reported(connection: KafkaConnection, count: int) -> dict[str, OutboxState]:
    async def all_are() -> bool:
        told = await last_states(connection)
        return sum(one.state in ("delivered", "undelivered") for one in told.values()) >= count

    await soon(all_are)
    return await last_states(connection)


async def test_an_ismg_that_alternates_logins_and_stops_after_three_tries_loses_nothing(
    fresh_topics: KafkaConnection, tmp_path: Path
) -> None:
    """32 of 440 were lost: exactly those that came on the login of the replies, which left them unanswered."""
    await logs.write(fresh_topics, map(outbound, intents(60)))
    async with Ismg(repeat_seconds=5) as ismg:
        ismg.alternates, ismg.most_logins = True, 1
        with worker(fresh_topics, tmp_path, ismg):
            for number in range(440):
                ismg.queue(f"路灯{number}坏了".encode("utf-16-be"), sender=phone(number))
                if number % 40 == 0:
                    await asyncio.sleep(0.05)
            await ismg.until(lambda: not ismg.queued)
            told = await until_settled(fresh_topics, 60)
        assert ismg.lost == []
        assert len(ismg.logins) == 1
        assert receivers(ismg) == Counter(phone(number) for number in range(1, 61))
    assert list(told.values()) == [["sending", "accepted"]] * 60
    assert len(await held(fresh_topics)) == 440


@pytest.mark.faults
@pytest.mark.parametrize("point", ["intended", "sent"])
async def test_killed_in_the_middle_nothing_is_lost_or_sent_twice_in_either_direction(
    fresh_topics: KafkaConnection, tmp_path: Path, point: str
) -> None:
    wanted = intents(40)
    await logs.write(fresh_topics, map(outbound, wanted))
    async with Ismg(repeat_seconds=5) as ismg:
        for number in range(60):
            ismg.queue(f"井盖{number}".encode("utf-16-be"), sender=phone(number))
        with worker(fresh_topics, tmp_path, ismg, point, "17") as killed:
            assert await asyncio.to_thread(killed.wait, 90) == -signal.SIGKILL
        for number in range(60, 90):
            ismg.queue(f"井盖{number}".encode("utf-16-be"), sender=phone(number))
        with worker(fresh_topics, tmp_path, ismg):
            told = await until_settled(fresh_topics, 40)
            await ismg.until(lambda: not ismg.queued)
        sent = receivers(ismg)
    ended = Counter(one[-1] for one in told.values())
    assert ended["accepted"] + ended["unknown"] == 40
    assert 1 <= ended["unknown"] <= 8, "no more than are on their way at a time"
    assert set(sent.values()) == {1}
    accepted = {name for name, one in told.items() if one[-1] == "accepted"}
    assert {one.recipient.value for one in wanted if one.outbox_id in accepted} <= sent.keys()
    assert len(await held(fresh_topics)) == 90


async def test_while_there_is_no_session_replies_wait_and_none_is_begun(
    fresh_topics: KafkaConnection, tmp_path: Path
) -> None:
    await logs.write(fresh_topics, map(outbound, intents(3)))
    async with Ismg() as ismg:
        ismg.status = 9
        with worker(fresh_topics, tmp_path, ismg):
            await ismg.until(lambda: len(ismg.logins) >= 3)
            assert await states(fresh_topics) == {}
            ismg.status = 0
            told = await until_settled(fresh_topics, 3)
    assert list(told.values()) == [["sending", "accepted"]] * 3


async def test_status_reports_settle_replies_whenever_they_come(fresh_topics: KafkaConnection, tmp_path: Path) -> None:
    arrived, failed, early, late = intents(4)
    async with Ismg() as ismg:
        with worker(fresh_topics, tmp_path, ismg):
            for number, one in enumerate((arrived, failed), 1):
                await logs.write(fresh_topics, [outbound(one)])
                await until_settled(fresh_topics, number)
            ismg.report(1, "ACCEPTD", phone(1))  # not the last word
            ismg.report(1, "DELIVRD", phone(1))
            ismg.report(2, "MK:0001", phone(2))
            told = await reported(fresh_topics, 2)
            assert (told[arrived.outbox_id].state, told[arrived.outbox_id].code) == ("delivered", "DELIVRD")
            assert (told[failed.outbox_id].state, told[failed.outbox_id].code) == ("undelivered", "MK:0001")

            ismg.answers_submit = lambda _: None  # the report comes first
            await logs.write(fresh_topics, [outbound(early)])
            await ismg.until(lambda: len(ismg.submitted) == 3)
            ismg.report(3, "DELIVRD", phone(3))
            await ismg.until(lambda: not ismg.queued)
            ismg.say(3)
            ismg.answers_submit = lambda _: 0
            await reported(fresh_topics, 3)

            await logs.write(fresh_topics, [outbound(late)])
            await until_settled(fresh_topics, 4)
        ismg.report(4, "DELIVRD", phone(4))
        with worker(fresh_topics, tmp_path, ismg):  # it knows the reply from the log alone
            told = await reported(fresh_topics, 4)
    assert told[late.outbox_id].state == "delivered"
    assert told[late.outbox_id].reference == str(FIRST + 4)
    assert (await states(fresh_topics))[early.outbox_id] == ["sending", "accepted", "delivered"]


async def test_a_report_that_came_while_nobody_settled_replies_is_read_after_a_restart(
    fresh_topics: KafkaConnection, tmp_path: Path
) -> None:
    """Kafka holds it, and the process is killed before it writes what follows."""
    await logs.write(fresh_topics, map(outbound, intents(1)))
    async with Ismg() as ismg:
        with worker(fresh_topics, tmp_path, ismg) as first:
            await until_settled(fresh_topics, 1)
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait, 60)
        ismg.report(1, "DELIVRD", phone(1))
        with worker(fresh_topics, tmp_path, ismg):
            await ismg.until(lambda: not ismg.queued)
            told = await reported(fresh_topics, 1)
    assert [one.state for one in told.values()] == ["delivered"]

"""A session with the gateway that operators run, into the real Kafka: messages, pieces, reports, repeats, replies."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tenacity import wait_none

from connectors.publish.publisher import Publisher
from connectors.replies.base import Report
from connectors.runtime.health import Health
from connectors.runtime.session import run_session
from connectors.sms_cmpp.connector import Cmpp
from connectors.sms_cmpp.settings import CmppSettings, Major
from connectors.sms_common.frames import Frame
from hotline.dev.demo.smsgate import SECRET, SOURCE, SmsGate
from normalizers.base import Policy
from normalizers.sms import normalize
from normalizers.sms.coding import decode
from schemas import topics
from schemas.errors import UnreachableError
from schemas.records import RawMessage, raw_message
from tests.connectors.reader import Reader
from tests.connectors.sms_cmpp.sessions import Kafka
from tests.connectors.sms_cmpp.test_submit import reply
from tests.peers.dovecot import free_ports
from tests.waiting import soon

pytestmark = pytest.mark.integration

CITIZEN = "13800138000"
LONG = "长短信" * 22 + "💡" + "测试" * 20

MESSAGES, REPEATS = "1125225940035466441432", "1125225940035466441433"


@pytest.fixture(scope="module", params=["2.0", "3.0"])
def gate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmsGate]:
    """One gateway for the tests of a version."""
    port = free_ports(1, start=13400)
    with SmsGate(tmp_path_factory.mktemp("smsgate"), port, request.param, repeat_seconds=1) as gate:
        gate.version = request.param  # type: ignore[attr-defined] # for the settings below
        yield gate


def settings_for(gate: SmsGate, **changes: Any) -> CmppSettings:
    given = {"host": "127.0.0.1", "port": gate.port, "source": SOURCE, "secret": SECRET, "number": "12345"}
    version = gate.version  # type: ignore[attr-defined] # see the fixture
    return CmppSettings(**(given | {"version": version, "jurisdiction": "210100", "strict": True} | changes))


@asynccontextmanager
async def running(gate: SmsGate, publisher: Publisher, account: str) -> AsyncIterator[Health]:
    stop, health = asyncio.Event(), Health(account, "sms")
    connector = Cmpp(settings_for(gate), account)
    task = asyncio.create_task(run_session(connector, publisher, stop=stop, health=health, pace=wait_none()))
    yield health
    stop.set()
    await task
    assert health.report.state == "stopped"


async def told(gate: SmsGate, condition: Callable[[list[str]], bool]) -> None:
    await asyncio.to_thread(gate.wait_for, condition)


def drafts_of(records: list[Any]) -> list[Any]:
    """The drafts of the messages, each once."""
    return list({dict(record.headers)["ce_id"]: draft_of(record) for record in records}.values())


def draft_of(record: Any) -> Any:
    """The draft that the normalizer makes of a record."""
    headers = {name: value.decode() for name, value in record.headers}
    message: RawMessage = raw_message(
        channel="sms",
        channel_kind="sms_cmpp",
        account="x",
        jurisdiction="210100",
        identifier=headers["ce_id"],
        value=record.value,
        content_type=headers["content-type"],
        time=reply().received_at,
        recorded=reply().received_at,
    )
    return normalize(message, Policy())


async def test_what_citizens_send_is_in_kafka_and_answered(
    gate: SmsGate, publisher: Publisher, reader: Reader, account: str
) -> None:
    before = gate.told.count("answer\t0")
    async with running(gate, publisher, account):
        gate.send(CITIZEN, "street lamp broken", MESSAGES)
        gate.send(CITIZEN, "中山路路灯坏了💡")
        gate.send(CITIZEN, LONG)
        gate.report(CITIZEN, REPEATS, MESSAGES)
        await told(gate, lambda said: said.count("answer\t0") >= before + 5)
        drafts = drafts_of(reader.read(topics.raw("sms"), account))
        while len(drafts) < 5:  # an answer to a repeat was counted: this machine is slow today
            drafts = drafts_of(reader.read(topics.raw("sms"), account))
    whole = [draft.text for draft in drafts if draft.part is None]
    assert sorted(whole) == ["", "street lamp broken", "中山路路灯坏了💡"]
    (report,) = (draft for draft in drafts if draft.message_class == "event")
    assert (report.extra["stat"], report.extra["to"]) == ("DELIVRD", CITIZEN)
    parts = sorted((draft.part for draft in drafts if draft.part), key=lambda part: part.number)
    assert [part.total for part in parts] == [2, 2]
    assert decode(b"".join(part.bytes for part in parts), parts[0].format).text == LONG


async def test_what_stays_unanswered_comes_again_and_is_one_record(gate: SmsGate) -> None:
    kafka, answers = Kafka(), gate.told.count("answer\t0")
    kafka.answering.clear()

    class Counting(Cmpp):
        """Lets Kafka answer when the gateway has sent the message again."""

        came = 0

        def message(self, frame: Frame, major: Major) -> RawMessage:
            self.came += 1
            if self.came == 2:
                kafka.answering.set()
            return super().message(frame, major)

    serving = asyncio.create_task(Counting(settings_for(gate), "mobile").run(kafka))
    gate.send(CITIZEN, "井盖丢失", MESSAGES)
    await told(gate, lambda said: said.count("answer\t0") >= answers + 2)
    await soon(lambda: bool(kafka.held))  # answers of the test before may have been counted
    serving.cancel()
    await asyncio.wait({serving})
    assert len(kafka.held) == 1


@pytest.mark.faults
async def test_a_killed_and_a_frozen_gateway_are_noticed_and_found_again(tmp_path: Path) -> None:
    port, kafka = free_ports(1, start=13400), Kafka()
    quick = {"active_test_seconds": 2, "active_test_timeout_seconds": 2, "active_test_attempts": 2}
    first = SmsGate(tmp_path, port)
    first.version = "2.0"  # type: ignore[attr-defined] # as the fixture does
    connector = Cmpp(settings_for(first, **quick), "mobile")

    async def one_session(gate: SmsGate, text: str) -> asyncio.Task[None]:
        serving = asyncio.create_task(connector.run(kafka))
        gate.send(CITIZEN, text)
        await told(gate, lambda said: "answer\t0" in said)
        return serving

    async def broken(serving: asyncio.Task[None]) -> bool:
        async with asyncio.timeout(60):
            (error,) = await asyncio.gather(serving, return_exceptions=True)
        return isinstance(error, UnreachableError)

    await asyncio.to_thread(first.__enter__)
    serving = await one_session(first, "before")
    first.__exit__()  # kill -9
    assert await broken(serving)
    with SmsGate(tmp_path, port) as second:
        serving = await one_session(second, "after")
        second.freeze()
        assert await broken(serving)
    assert len(kafka.held) == 2


async def test_replies_arrive_whole_over_the_session_that_receives(gate: SmsGate) -> None:
    connector, kafka = Cmpp(settings_for(gate), "mobile"), Kafka()
    sender = connector.sender()
    serving = asyncio.create_task(connector.run(kafka))
    await soon(lambda: sender.is_open)
    text = "您的诉求已受理，工单号210100-20261125-000001-9"
    gate.send(CITIZEN, "井盖丢失")
    short = await sender.send(reply("您的诉求已受理", to=CITIZEN))
    long = await sender.send(reply(text * 3, to=CITIZEN))
    await told(gate, lambda said: f"submit\t{CITIZEN}\t{text * 3}" in said and bool(kafka.held))
    assert not serving.done(), "`run` serves one login, and that one took both directions"
    serving.cancel()
    await asyncio.wait({serving})
    assert f"submit\t{CITIZEN}\t您的诉求已受理" in gate.told
    assert (short.outcome, long.outcome) == ("accepted", "accepted")
    assert len((long.reference or "").split(",")) == 2


async def test_a_report_of_the_gateway_names_the_reply_as_its_answer_did(gate: SmsGate) -> None:
    connector, kafka = Cmpp(settings_for(gate), "mobile"), Kafka()
    sender = connector.sender()
    serving = asyncio.create_task(connector.run(kafka))
    await soon(lambda: sender.is_open)
    sent = await sender.send(reply("您的诉求已受理", to=CITIZEN))
    assert sent.reference is not None
    gate.report(CITIZEN, REPEATS, as_written(int(sent.reference)))
    await soon(lambda: bool(kafka.held))
    serving.cancel()
    await asyncio.wait({serving})
    told = [sender.report_of(one.value, one.envelope.datacontenttype) for one in kafka.held]
    assert Report(reference=sent.reference, status="DELIVRD", number=CITIZEN) in told


def as_written(msg_id: int) -> str:
    """A Msg_Id in the 22 digits of the document: month, day, hour, minute, second, gateway, sequence."""
    widths = ((60, 4, 2), (55, 5, 2), (50, 5, 2), (44, 6, 2), (38, 6, 2), (16, 22, 7), (0, 16, 5))
    return "".join(f"{msg_id >> shift & (1 << bits) - 1:0{digits}d}" for shift, bits, digits in widths)

"""Answers of an SMPP account over its binds, on the real Kafka, at an SMSC by others; receipts settle them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
from msgspec.structs import replace

from broker.config import KafkaConnection
from broker.lease import UNSHARED
from connectors.publish.publisher import Publisher
from connectors.replies.account import AccountAnswers
from connectors.replies.account_queue import Tools
from connectors.replies.delivery_reports import follow_reports
from connectors.replies.settings import AnswerSettings
from connectors.runtime.health import Health
from connectors.runtime.session import run_session
from connectors.sms_smpp.connector import SmsSmpp
from hotline.dev.demo.smsc import Sms, Smsc
from hotline.runtime.components_connectors import answering_over
from schemas import ids, topics
from schemas.records import Outbox, Party
from tests.assign import logs
from tests.connectors.outbox.answers import CITY, intent, outbound, reply
from tests.connectors.outbox.test_outbox_live import until_settled
from tests.connectors.sms_cmpp.test_both_directions import reported
from tests.connectors.sms_smpp.fixtures import settings
from tests.peers.dovecot import free_ports

pytestmark = pytest.mark.integration

CITIZEN = "8613800138000"


def short(number: int) -> Outbox:
    one = intent(number, account="city", received_at=datetime.now(UTC))
    return replace(one, channel="sms", channel_kind="sms_smpp", recipient=Party(kind="phone", value=CITIZEN))


@asynccontextmanager
async def answering(
    connection: KafkaConnection, publisher: Publisher, port: int, **changes: object
) -> AsyncIterator[None]:
    connector, stop = SmsSmpp(settings(port, jurisdiction=CITY, **changes), "city"), asyncio.Event()
    sender = connector.sender()
    tools = Tools(AnswerSettings(per_recipient_a_day=100), sender, reply, 8, is_open=lambda: sender.is_open)
    reports = partial(follow_reports, connection, topics.raw("sms"), "city", sender.report_of)
    partition = ids.partition_of(CITY, connection.partitions)
    answers = AccountAnswers("city", partition, connection, lambda: tools, lambda: True, reports=reports)
    serve = partial(run_session, connector, publisher, health=Health("city", "sms"), lease=UNSHARED)
    running = asyncio.create_task(answering_over(serve, answers, stop))
    try:
        yield
    finally:
        stop.set()
        await running


@pytest.mark.parametrize("bind", ["transceiver", "receiver"])
async def test_answers_and_receipts_share_the_binds_of_messages(
    fresh_topics: KafkaConnection, publisher: Publisher, bind: str
) -> None:
    wanted = [short(number) for number in range(1, 4)]
    await logs.write(fresh_topics, map(outbound, wanted))
    with Smsc(port := free_ports(1)) as smsc:
        async with answering(fresh_topics, publisher, port, bind=bind):
            smsc.deliver(Sms(sender=CITIZEN, data="路灯坏了".encode("utf-16-be")))
            assert list((await until_settled(fresh_topics, 3)).values()) == [["sending", "accepted"]] * 3
            for number, stat in enumerate(("DELIVRD", "EXPIRED", "DELIVRD"), 1):
                told = f"id:smsc-{number} sub:001 dlvrd:001 submit date:2611250100 done date:2611250101 stat:{stat}"
                data = f"{told} err:000 text:".encode()
                smsc.deliver(Sms(sender=CITIZEN, data=data, coding=0, receipt=True))
            states = await reported(fresh_topics, 3)
    assert [states[one.outbox_id].state for one in wanted] == ["delivered", "undelivered", "delivered"]
    assert states[wanted[1].outbox_id].code == "EXPIRED"
    if bind == "transceiver":  # smpp34 hears no answer of a receiver
        assert len(smsc.acknowledged) == 4
    assert len(smsc.submitted) == 3

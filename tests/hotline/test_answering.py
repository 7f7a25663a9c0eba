"""Who gives the answers of an account: the outbox, or the connector that holds the session."""

import asyncio
from pathlib import Path

import pytest

from broker.config import KafkaConnection
from hotline.config.load import load
from hotline.runtime import components, components_replies
from hotline.runtime.acls import needs
from schemas import ids, topics
from tests.assign import logs
from tests.connectors.outbox.answers import CITY, outbound
from tests.connectors.outbox.test_outbox_live import until_settled
from tests.connectors.sms_cmpp.test_both_directions import intents, phone, receivers
from tests.peers.ismg import SECRET, SOURCE, Ismg
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

OWN = "HOTLINE_CONNECTORS__SMS_CMPP__MOBILE__"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The settings of an SMS account that answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOTLINE_KAFKA__PARTITIONS", "2")
    monkeypatch.setenv("HOTLINE_LOCAL__DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOTLINE_QUERY_KEY", "a query key, long enough for it")
    monkeypatch.setenv("HOTLINE_REQUESTER_KEYS__K1", "a requester key, long enough for it")
    given = {"HOST": "127.0.0.1", "PORT": "1", "SOURCE": SOURCE, "SECRET": SECRET, "JURISDICTION": CITY}
    for name, value in (given | {"NUMBER": "12345"}).items():
        monkeypatch.setenv(OWN + name, value)
    monkeypatch.setenv("HOTLINE_ANSWERS__MOBILE__PER_MINUTE", "600")
    return monkeypatch


def test_the_outbox_leaves_an_account_with_a_session_to_its_connector(account: pytest.MonkeyPatch) -> None:
    partition = ids.partition_of(CITY, 2)
    assert components_replies.elsewhere(load()) == {"mobile": partition}
    assert dict(components_replies.senders(load())) == {}
    wanted = [str(one) for one in needs(load(), "connector:mobile")]
    assert f"Write the topic {topics.OUTBOX}" in wanted
    assert f"Read the topic {topics.raw('sms')}" in wanted
    assert f"Write the transactional id hotline-answers-{partition}-mobile" in wanted
    account.delenv("HOTLINE_ANSWERS__MOBILE__PER_MINUTE")
    assert components_replies.elsewhere(load()) == {}
    assert not [one for one in needs(load(), "connector:mobile") if topics.OUTBOX in str(one)]


async def test_the_connector_answers_beside_an_outbox_and_over_one_login(
    account: pytest.MonkeyPatch, fresh_topics: KafkaConnection
) -> None:
    account.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", fresh_topics.bootstrap_servers)
    await logs.write(fresh_topics, map(outbound, intents(5)))
    async with Ismg() as ismg:
        account.setenv(OWN + "PORT", str(ismg.port))
        settings, stop = load(), asyncio.Event()
        connector, outbox = (components.component(settings, name) for name in ("connector:mobile", "outbox"))
        running = [asyncio.create_task(one.run(stop)) for one in (connector, outbox)]
        try:
            ismg.queue("路灯坏了".encode("utf-16-be"))
            told = await until_settled(fresh_topics, 5)
            await ismg.until(lambda: not ismg.queued)
            probe = connector.probe
            assert probe is not None
            await soon(lambda: probe()["state"] == "running")
        finally:
            stop.set()
            await asyncio.gather(*running)
    assert list(told.values()) == [["sending", "accepted"]] * 5
    assert set(receivers(ismg)) == {phone(number) for number in range(1, 6)}
    assert len(ismg.logins) == 1


@pytest.mark.parametrize("what", ["a fault of ours", "a key"])
async def test_what_keeps_it_from_answering_is_told_and_messages_are_taken_all_the_same(
    account: pytest.MonkeyPatch, fresh_topics: KafkaConnection, what: str
) -> None:
    account.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", fresh_topics.bootstrap_servers)
    said = {"a fault of ours": "ZeroDivisionError", "a key": "set HOTLINE_REQUESTER_KEYS__K1"}[what]
    if what == "a key":
        account.delenv("HOTLINE_REQUESTER_KEYS__K1")
    else:
        account.setattr("connectors.replies.partition.make_producer", lambda *_: 1 / 0)
    async with Ismg() as ismg:
        account.setenv(OWN + "PORT", str(ismg.port))
        stop = asyncio.Event()
        connector = components.component(load(), "connector:mobile")
        running = asyncio.create_task(connector.run(stop))
        try:
            probe = connector.probe
            assert probe is not None
            await soon(lambda: probe()["state"] == "degraded")
            assert "no answers are given: " in probe()["detail"]
            assert said in probe()["detail"]
            ismg.queue("路灯坏了".encode("utf-16-be"))
            await ismg.until(lambda: not ismg.queued)
        finally:
            stop.set()
            await running

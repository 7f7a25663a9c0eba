"""A fault of ours over one message, at every other door: it is kept as it came, and those beside it too."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from obstore.store import MemoryStore
from prometheus_client import REGISTRY

from connectors.asterisk import connector as asterisk
from connectors.asterisk.connector import Asterisk
from connectors.asterisk.settings import AsteriskSettings
from connectors.call_files import rows
from connectors.http import callback
from connectors.phone import connector as phone
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.publisher import Publisher
from connectors.runtime.session import Outlet
from connectors.sms_cmpp import codec as cmpp_codec
from connectors.sms_cmpp import connector as cmpp
from connectors.sms_cmpp.connector import Cmpp
from connectors.sms_http import callbacks as gateway
from connectors.sms_smpp import codec as smpp_codec
from connectors.sms_smpp import connector as smpp
from connectors.sms_smpp.connector import SmsSmpp
from connectors.sms_smpp.message_id import Arrival
from connectors.wechat import connector as wechat
from connectors.wechat import kf_pull
from connectors.wechat.kf_pull import CustomerMessages
from connectors.weibo import message_id
from schemas import topics
from schemas.codec import Outbound
from tests.connectors.call_files.growing import Folder
from tests.connectors.phone import posts
from tests.connectors.sms_cmpp.sessions import settings_for
from tests.connectors.sms_http import gateways
from tests.connectors.sms_smpp import fixtures, smsc
from tests.connectors.test_put_aside import spoilt
from tests.connectors.wechat import callbacks
from tests.connectors.weibo import pushes
from tests.connectors.weibo.pulling import Runner, ids
from tests.normalizers.phone import frames
from tests.peers import ismg
from tests.peers.weibo_platform import Platform

AT = datetime(2026, 3, 1, tzinfo=UTC)


def breaks(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError


def over(poison: Callable[..., bool], whole: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that breaks over the poison alone."""
    return lambda *given: breaks() if poison(*given) else whole(*given)


def told(channel: str, account: str) -> float:
    labels = {"channel": channel, "connector": account}
    return REGISTRY.get_sample_value("hotline_connectors_faults_of_ours_total", labels) or 0


def test_weibo_lists_go_on_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    platform, before = Platform(), told("weibo", "city_lists")
    wanted = [platform.post(text=text)["idstr"] for text in ("甲", "乙", "丙")]
    monkeypatch.setattr(message_id, "fetched", over(lambda raw, *_: "乙".encode() in raw, message_id.fetched))
    messages = Runner(platform).round()
    assert [one.removeprefix("status:") for one in ids(messages)][::2] == wanted[::2]
    assert "乙".encode() in messages[1].value
    assert messages[1].envelope.channelkind == "weibo_mention"
    assert told("weibo", "city_lists") > before


def test_a_weibo_list_that_breaks_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Platform()
    platform.post(text="甲")
    comment = platform.post("/2/comments/to_me.json", text="乙")
    runner = Runner(platform, lists=["mentions", "comments_to_me"])
    page = over(lambda name, *_: name == "mentions", runner.connector._page)
    monkeypatch.setattr(runner.connector, "_page", page)
    with pytest.raises(ZeroDivisionError):
        runner.fetch()
    assert ids(list(runner.fetch().messages)) == [f"comment:{comment['idstr']}"]


def test_pushes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform sends a push three times and then never again."""
    monkeypatch.setattr(message_id, "pushed", breaks)
    monkeypatch.setattr(callback, "read", breaks)
    monkeypatch.setattr(gateway, "read", breaks)
    monkeypatch.setattr(phone, "READERS", dict.fromkeys(phone.READERS, breaks))
    body = callbacks.text()
    for accepted, kept in (
        (pushes.account().accept(pushes.push(pushes.text())), pushes.text().encode()),
        (callbacks.account().accept(callbacks.push(body)), body.encode()),
        (posts.account().accept(posts.signed(posts.RECORD)), posts.RECORD),
        (gateways.account("aliyun").accept(gateways.aliyun()), gateways.aliyun().body),
    ):
        (message,) = accepted.messages
        assert message.value == kept
        assert accepted.answer.status == 200


def test_a_passive_reply_that_breaks_costs_the_reply_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wechat.reply, "passive", breaks)
    accepted = callbacks.account(passive_reply="已收到").accept(callbacks.push(callbacks.text()))
    assert (len(accepted.messages), accepted.answer) == (1, wechat.SUCCESS)


def test_customer_messages_go_on_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sensible = kf_pull.callback.sensible
    monkeypatch.setattr(kf_pull.callback, "sensible", over(lambda text, _: text == "2", sensible))
    pages = CustomerMessages(None, "kf", "city", "430100", None)  # type: ignore[arg-type] # nothing is asked
    value = b'{"msgid": "m", "external_userid": "u", "send_time": 2}'
    message = pages._message(value, None)
    assert (message.value, message.envelope.sender) == (value, None)


def test_call_files_go_on_behind_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    readers = {which: over(lambda line, _: b"poison" in line, read) for which, read in rows.READERS.items()}
    monkeypatch.setattr(rows, "READERS", readers)
    folder = Folder(tmp_path)
    folder.put("a.csv", "call_id,caller,note\n1,13800138000,a\n2,13800138000,poison\n3,13800138000,c\n")
    values = [message.value for message in folder.all()]
    assert [value.rpartition(b"\n")[2] for value in values] == [
        b"1,13800138000,a", b"2,13800138000,poison", b"3,13800138000,c",
    ]  # fmt: skip


def test_a_call_file_that_breaks_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    heading = rows.Rows.heading
    monkeypatch.setattr(rows.Rows, "heading", over(lambda _, file: b"poison" in file.read(), heading))
    folder = Folder(tmp_path)
    folder.put("a.csv", "call_id,caller,note\n1,13800138000,poison\n")
    folder.put("b.csv", "call_id,caller,note\n2,13800138000,b\n")
    assert [message.value.rpartition(b"\n")[2] for message in folder.all()] == [b"2,13800138000,b"]
    assert any("a fault of ours" in told for told in folder.fetch().complaints)
    monkeypatch.undo()
    assert len(folder.all()) == 1


def test_short_messages_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp, "_sender", breaks)
    monkeypatch.setattr(cmpp, "deliver", breaks)
    raw = smsc.message("路灯坏了")
    pdu = smpp_codec.parse(raw)
    esme = SmsSmpp(fixtures.settings(1), "city", lambda: AT)
    assert esme._message(pdu, Arrival(AT, AT), AT).value == raw
    frame = cmpp_codec.parse(ismg.frame(5, 7, ismg.deliver(7, "路灯坏了".encode("utf-16-be"), major=2)))
    assert (
        Cmpp(settings_for(SimpleNamespace(major=2, port=1)), "mobile", lambda: AT).message(frame, 2).value == frame.raw
    )


def test_events_of_asterisk_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asterisk, "identifier", breaks)
    chosen = {"host": "127.0.0.1", "port": 1, "username": "u", "secret": "s", "jurisdiction": "210100"}
    pbx = Asterisk(AsteriskSettings(**chosen), "pbx", lambda: AT)
    message = pbx._taken(frames.HANGUP, SimpleNamespace(alive=lambda: None))  # type: ignore[arg-type] # no more of it is needed
    assert message is not None
    assert message.value == frames.HANGUP


class Broker:
    """Takes records."""

    def __init__(self) -> None:
        self.held: list[Outbound] = []

    def is_ready(self, records: Any) -> bool:
        return True

    def deliver(self, records: Any) -> Any:
        self.held += records
        done: Future[None] = Future()
        done.set_result(None)
        return done


async def test_a_push_that_cannot_become_a_record_is_a_dead_letter_at_once(tmp_path: Path) -> None:
    broker = Broker()
    publisher = Publisher(None, MemoryStore(), producer=broker)  # type: ignore[arg-type] # a fake producer; nothing connects
    intake = DurablePublisher.of_journal(publisher, Journal(tmp_path, 1 << 20))
    working = asyncio.create_task(intake.run())
    try:
        assert await asyncio.wait_for(intake.publish([spoilt("1")]), 60) == "published"
    finally:
        working.cancel()
        await intake.close()
    assert [record.topic for record in broker.held] == [topics.DEAD]
    assert broker.held[0].value == b"words"


async def test_so_is_what_a_session_brings() -> None:
    broker = Broker()
    publisher = Publisher(None, MemoryStore(), producer=broker)  # type: ignore[arg-type] # a fake producer; nothing connects
    health = SimpleNamespace(troubled=lambda error: None, succeeded=lambda *given: None)
    outlet = Outlet(publisher, health)  # type: ignore[arg-type] # a fake health
    carrying = asyncio.create_task(outlet.run())
    try:
        await asyncio.wait_for(asyncio.gather(outlet(spoilt("1")), outlet(spoilt("2"))), 60)
    finally:
        carrying.cancel()
    assert [record.topic for record in broker.held] == [topics.DEAD] * 2

"""The platform's ciphers in other hands post to our receiver, and what they posted is read back from the real Kafka."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.http.server import Receiver, ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.publisher import Publisher
from connectors.wechat.connector import WeChat
from connectors.wechat.settings import WeChatSettings
from hotline.dev.demo.wechat_platform import WeChatPlatform
from hotline.dev.stack.stack import Stack
from schemas import topics
from tests.connectors.pushed import message
from tests.connectors.reader import Reader
from tests.connectors.serving import free_port, running
from tests.connectors.wechat.callbacks import AES_KEY, APPID, TOKEN, msgid, text_now
from tests.frozen import frozen
from tests.peers import npm
from tests.waiting import until

pytestmark = pytest.mark.integration

RAW = topics.raw("wechat")
LIBRARIES = ("wechat-crypto", "@wecom/crypto")
ANSWER_SECONDS = 5.0


@dataclass
class Served:
    """A receiver on a port of its own."""

    url: str
    journal: Journal
    reader: Reader
    account: str

    def raw(self) -> list[Any]:
        """Return what the raw topic holds of this account: a busy Kafka may have it by way of the journal."""
        self.until_drained()
        return self.reader.read(RAW, self.account)

    def until_drained(self) -> None:
        until(lambda: self.journal.empty, "the journal was not drained")


@pytest.fixture
def served(publisher: Publisher, reader: Reader, account: str, tmp_path: Path) -> Iterator[Served]:
    journal = Journal(tmp_path / "journal")
    wechat = WeChat(
        WeChatSettings(
            appid=APPID,
            tokens=[TOKEN],
            aes_keys=[AES_KEY],
            modes=["plain", "compatible", "safe"],
            jurisdiction="430100",
        ),
        account,
    )
    settings = ReceiverSettings(port=free_port())
    with running(Receiver({"/wechat": wechat}, DurablePublisher.of_journal(publisher, journal), settings), settings):
        yield Served(f"http://127.0.0.1:{settings.port}/wechat", journal, reader, account)


EVENT = (
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>o-citizen</FromUserName><CreateTime>1700000000</CreateTime>"
    "<MsgType>event</MsgType><Event>subscribe</Event></xml>"
)

Play = Callable[..., dict[str, Any]]


@pytest.fixture
def play(served: Served) -> Play:
    """Let node play the platform for one job."""
    modules = npm.modules()
    player = ["node", str(Path(npm.__file__).with_name("wechat_player.js"))]

    def play(**job: Any) -> dict[str, Any]:
        whole = {"url": served.url, "token": TOKEN, "aesKey": AES_KEY, "appid": APPID, **job}
        done = subprocess.run(
            player,
            input=json.dumps(whole),
            env={**os.environ, "NODE_PATH": str(modules)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    return play


def header(record: Any, name: str) -> str:
    return dict(record.headers)[name].decode()


def test_what_other_peoples_ciphers_send_lies_in_kafka_byte_for_byte(served: Served, play: Play) -> None:
    jobs = [(mode, lib) for mode in ("compatible", "safe") for lib in LIBRARIES] + [("plain", "")]
    sent = {}
    for number, (mode, lib) in enumerate(jobs, 9_000_000_000_000_000_001):
        sent[str(number)] = text_now(number, f"井盖丢失💡 {mode} {lib}")
        (only,) = play(mode=mode, lib=lib, xml=sent[str(number)])["tries"]
        assert (only["status"], only["text"]) == (200, "success")
    (only,) = play(mode="safe", lib="@wecom/crypto", xml=EVENT)["tries"]
    assert only["status"] == 200
    sent["o-citizen:1700000000:subscribe"] = EVENT
    assert {msgid(header(record, "ce_id")): record.value.decode() for record in served.raw()} == sent


def test_the_address_proves_itself(served: Served, play: Play) -> None:
    assert play(echo="5838479218127813673") == {"status": 200, "text": "5838479218127813673"}


@pytest.mark.parametrize("wrong", [{"wrongSignature": True}, {"token": "stranger"}, {"age": 3600}, {"appid": "wx0"}])
def test_what_the_platform_did_not_sign_never_reaches_kafka(served: Served, play: Play, wrong: dict[str, Any]) -> None:
    (only,) = play(mode="safe", lib="wechat-crypto", xml=text_now(1), **wrong)["tries"]
    assert (only["status"], only["text"]) == (403, "")
    assert served.raw() == []


def test_three_deliveries_at_once_are_one_message(served: Served) -> None:
    platform = WeChatPlatform(served.url, TOKEN, AES_KEY, APPID)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(platform.push, [text_now(77)] * 3)) == [200] * 3
    found = {(header(record, "ce_source"), header(record, "ce_id"), record.value) for record in served.raw()}
    assert len(found) == 1


def test_a_frozen_kafka_is_answered_from_the_journal_in_time_and_gets_everything_later(
    served: Served, play: Play, local_stack: Stack, publisher: Publisher
) -> None:
    publisher.publish([message("the first one, which may take long")])
    platform = WeChatPlatform(served.url, TOKEN, AES_KEY, APPID)
    sent = {str(number): text_now(number, f"停水 {number}") for number in range(1, 41)}
    bodies = list(sent.values())
    assert [platform.push(body) for body in bodies[:5]] == [200] * 5
    with frozen(local_stack.pid("kafka")):
        (only,) = play(mode="safe", lib="wechat-crypto", xml=bodies[5])["tries"]
        assert (only["status"], only["text"]) == (200, "success")
        assert only["seconds"] < ANSWER_SECONDS
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(platform.push, bodies[6:])) == [200] * 34
        assert not served.journal.empty
    served.until_drained()
    records = served.raw()
    assert {msgid(header(record, "ce_id")): record.value.decode() for record in records} == sent
    once = [
        record for record in records if msgid(header(record, "ce_id")) != "6"
    ]  # given up after 2 s, so it may come twice
    assert len(once) == len(sent) - 1
    for number in range(100, 110):  # by way of the journal as long as a busy Kafka takes over two seconds
        assert platform.push(text_now(number)) == 200
        if served.journal.empty:
            break
        served.until_drained()
    else:
        pytest.fail("the journal is never left behind")


def test_turns_keep_their_order_through_the_journal(served: Served, local_stack: Stack) -> None:
    platform = WeChatPlatform(served.url, TOKEN, AES_KEY, APPID)
    for number in range(1, 4):
        platform.push(text_now(number))
    with frozen(local_stack.pid("kafka")):
        for number in range(4, 10):
            assert platform.push(text_now(number)) == 200
    for number in range(10, 13):
        assert platform.push(text_now(number)) == 200
    served.until_drained()
    first_seen = list(dict.fromkeys(int(msgid(header(record, "ce_id"))) for record in served.raw()))
    assert first_seen == list(range(1, 13))


def test_the_platforms_page_can_verify_the_address(served: Served) -> None:
    assert WeChatPlatform(served.url, TOKEN, AES_KEY, APPID).verify()
    assert not WeChatPlatform(served.url, "stranger", AES_KEY, APPID).verify()


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_third_cipher_without_node(served: Served, mode: Any) -> None:
    body = text_now(5, "  第三种 ")
    assert WeChatPlatform(served.url, TOKEN, AES_KEY, APPID).push(body, mode) == 200
    (record,) = served.raw()
    assert record.value == body.encode()
    assert header(record, "ce_channelkind") == "wechat_mp"


def test_a_connection_that_dribbles_its_header_is_closed(publisher: Publisher, tmp_path: Path) -> None:
    settings = ReceiverSettings(port=free_port(), idle_timeout_seconds=1)
    with (
        running(Receiver({}, DurablePublisher.of_journal(publisher, Journal(tmp_path)), settings), settings),
        socket.create_connection(("127.0.0.1", settings.port), 60) as slow,
    ):
        slow.sendall(b"GET / HTTP/1.1\r\n")
        started = time.monotonic()
        assert slow.recv(1) == b""
        assert time.monotonic() - started < 9.5  # it would be 10 and more by default

"""What a person reads in /readyz of a mailbox that complains and of a receiver whose Kafka is away."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from connectors.runtime import health as connectors_health
from hotline.config.load import load
from hotline.runtime import health as probes
from hotline.runtime.components import component
from hotline.runtime.health import HealthServer, ProcessHealth
from hotline.runtime.process import Component
from sinks import runner as sinks_runner
from tests.connectors.mailboxes import START, mail, mailbox
from tests.connectors.serving import free_port
from tests.connectors.wechat.callbacks import APPID, TOKEN, push, text
from tests.fakes.imap import FakeServer

pytestmark = pytest.mark.integration

SETTINGS = """
jurisdiction = "430100"
[kafka]
bootstrap_servers = "127.0.0.1:{kafka}"
[receiver]
port = {port}
publish_timeout_seconds = 0.2
journal_max_bytes = {room}
[connectors.wechat.city]
appid = "{appid}"
modes = ["plain"]
"""


@pytest.fixture
def shown() -> Iterator[Any]:
    """Return what /readyz says of one component."""
    health = ProcessHealth(["one"])
    health.set("one", "running")
    with HealthServer(health, "127.0.0.1", 0, CollectorRegistry()) as server:

        def show(probe: Any) -> dict[str, Any]:
            health.watch("one", probe)
            try:
                answer = urllib.request.urlopen(f"http://127.0.0.1:{server.port}/readyz")
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                (told,) = json.load(answer)["components"]
            return told

        yield show


def test_complaints_and_dead_letters_of_a_mailbox_are_shown(shown: Any) -> None:
    server = FakeServer()
    server.put(mail())
    box, health = mailbox(server, folders=["INBOX", "投诉"]), connectors_health.Health("mayor", "mailbox")
    cursor = box.fetch(START).cursor
    batch = box.fetch(cursor)
    health.succeeded(1, 3, batch.complaints)
    told = shown(lambda: probes.connector(health.report))
    assert told["state"] == "running"
    assert "folder '投诉' cannot be opened" in told["detail"]
    assert "3 dead letters since the start, see `hotline dead list`" in told["detail"]
    assert told["dead_letters"] == 3
    assert told["last_success"].endswith("Z")


def test_a_mailbox_without_trouble_has_no_detail(shown: Any) -> None:
    health = connectors_health.Health("mayor", "mailbox")
    health.succeeded(5)
    assert shown(lambda: probes.connector(health.report))["detail"] is None


def test_a_sink_that_brings_nothing_home_is_not_ready(shown: Any) -> None:
    trouble = "Elasticsearch does not answer (ConnectionError)"
    away = shown(lambda: probes.sink(sinks_runner.Health(ready=False, detail=trouble)))
    assert (away["state"], away["detail"]) == ("degraded", trouble)
    well = shown(lambda: probes.sink(sinks_runner.Health(ready=True, detail="running")))
    assert (well["state"], well["detail"]) == ("running", "running")


@pytest.mark.parametrize("name", ["receiver", "screen", "sink:elastic", "eraser", "monitor"])
def test_what_waits_for_a_service_before_its_work_is_not_ready(
    receiver: Any, shown: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOTLINE_REQUESTER_KEYS__K1", "sixteen bytes or more")
    receiver()
    assert shown(component(load(), name).probe)["state"] == "starting"


@pytest.mark.parametrize("name", ["sink:webhook", "outbox"])
def test_nor_is_what_waits_for_kafka_before_it_tells_anybody(
    receiver: Any, shown: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOTLINE_REQUESTER_KEYS__K1", "sixteen bytes or more")
    monkeypatch.setenv("HOTLINE_QUERY_KEY", "sixteen bytes or more")
    monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__URL", "https://map.example.cn")
    monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__MAP__SECRETS", "whsec_" + "a" * 44)
    monkeypatch.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__SECRET", "secret")
    monkeypatch.setenv("HOTLINE_ANSWERS__CITY__PER_MINUTE", "30")
    receiver()
    assert shown(component(load(), name).probe)["state"] == "starting"


def test_a_stage_of_which_a_partition_waits_is_not_ready(shown: Any) -> None:
    assert shown(lambda: probes.stage(True, []))["state"] == "running"
    assert shown(lambda: probes.stage(False, []))["state"] == "starting"
    told = shown(lambda: probes.stage(True, [], (), 2))
    assert (told["state"], told["detail"]) == ("restoring", "2 partitions are being restored, their cities wait")
    away = "the blob store does not answer (TimeoutError): check that it can be reached and has room"
    told = shown(lambda: probes.stage(True, [away, away]))
    assert (told["state"], told["detail"]) == ("degraded", away)


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the receiver of settings whose Kafka does not answer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS", json.dumps([TOKEN]))

    def make(room: int = 1 << 20) -> tuple[Component, int]:
        port = free_port()
        text = SETTINGS.format(kafka=free_port(), port=port, room=room, appid=APPID)
        (tmp_path / "hotline.toml").write_text(text)
        return component(load(), "receiver"), port

    return make


async def send(port: int, number: int) -> int:
    sent = push(text(str(number)), "plain", timestamp=str(int(time.time())), nonce=str(number))
    query = {name: value[0] for name, value in sent.query.items()}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        return (await client.post("/wechat", params=query, content=sent.body)).status_code


async def listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return writer.close()


async def test_a_receiver_tells_what_waits_for_kafka_and_when_it_last_took_a_message(receiver: Any, shown: Any) -> None:
    one, port = receiver(room=4000)
    assert shown(one.probe)["state"] == shown(one.probe)["detail"] == "starting"
    stop = asyncio.Event()
    running = asyncio.create_task(one.run(stop))
    await listening(port)
    before = await asyncio.to_thread(shown, one.probe)
    assert (before["state"], before["last_success"], before["journal_bytes"]) == ("running", None, 0)

    began = time.time()
    assert await send(port, 1) == 200
    after = await asyncio.to_thread(shown, one.probe)
    assert (after["state"], after["journal_bytes"] > 0) == ("running", True)
    assert f"{after['journal_bytes']} bytes wait in the journal" in after["detail"]
    assert after["last_success"] is not None
    labels = {"channel": "wechat", "connector": "city"}
    assert REGISTRY.get_sample_value("hotline_connectors_last_success_timestamp_seconds", labels) >= began

    number = 2
    while await send(port, number) == 200:
        number += 1
    full = await asyncio.to_thread(shown, one.probe)
    assert full["state"] == "degraded"
    assert "nearly full" in full["detail"]
    stop.set()
    await running

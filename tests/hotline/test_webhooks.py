"""`hotline webhook list, log, test` and `hotline run sink:webhook`, on the real Kafka and a real endpoint."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from typer.testing import CliRunner, Result

from broker.config import KafkaConnection
from hotline.cli.app import app
from schemas import topics
from sinks.groups import group_of, name_of
from sinks.kafka import make_producer
from tests.sinks.webhook.receiver import SECRET, Receiver, receiving, status
from tests.sinks.webhook.snapshots import snapshot

pytestmark = pytest.mark.integration


@pytest.fixture
async def receiver(tmp_path: Path, env: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """A subscriber named map, as the settings have it."""
    async with receiving() as made:
        (tmp_path / "hotline.toml").write_text(
            f'[sinks.webhook.map]\nurl = "{made.url}"\nallow_private = true\n'
            '[sinks.webhook.map.filter]\nkinds = ["help_request"]\n'
        )
        env.setenv("HOTLINE_SETTINGS", str(tmp_path / "hotline.toml"))
        env.setenv("HOTLINE_SINKS__WEBHOOK__MAP__SECRETS", SECRET)
        env.setenv("HOTLINE_TELEMETRY__PORT", "0")
        yield made


async def hotline(*words: str) -> Result:
    """Run a verb in a thread: the receiver lives in this one's loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, words)


async def publish(connection: KafkaConnection, count: int) -> None:
    producer = make_producer(connection)
    await producer.start()
    try:
        for number in range(count):
            one = snapshot(f"210100-{number}", request_kind="help_request" if number else "praise")
            await producer.send_and_wait(topics.TICKET_MASKED, one.value, key=one.key, headers=one.headers, partition=0)
    finally:
        await producer.stop()


async def test_from_the_topic_to_the_log(
    receiver: Receiver, fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", fresh_topics.bootstrap_servers)
    await publish(fresh_topics, 5)
    told = await hotline("webhook", "list", "--json")
    listed = json.loads(told.stdout)
    assert (listed["name"], listed["backlog"], listed["filter"]) == ("map", 5, {"kinds": ["help_request"]})
    assert SECRET not in told.output
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "hotline", "run", "sink:webhook", stderr=-1)
    await receiver.until(4)
    process.terminate()
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert sorted(receiver.ids) == [f"map:210100-{number}:1" for number in range(1, 5)]
    assert await waiting() == ["0"]
    seen = map(json.loads, (await hotline("status", "--json")).stdout.splitlines())
    assert [(one["workers"], one["lag_records"]) for one in seen if one.get("stage") == "webhook:map"] == [(0, 0)]
    told = await hotline("webhook", "log", "map", "--outcome", "delivered", "--json")
    assert sorted(json.loads(line)["delivery_id"] for line in told.stdout.splitlines()) == sorted(receiver.ids)
    _, line = (await hotline("webhook", "log", "--ticket", "210100-3")).stdout.splitlines()
    assert line.split()[1:3] == ["delivered", "204"]
    nothing = await hotline("webhook", "log", "map", "--ticket", "210100-9")
    assert (nothing.stdout, nothing.stderr) == ("", "There are no deliveries: see `hotline webhook list`.\n")
    unknown = await hotline("webhook", "log", "mpa")
    assert (unknown.exit_code, unknown.stderr) == (2, "hotline: There is no subscriber mpa; the settings have map.\n")


async def test_the_end_of_a_transaction_is_no_record_that_waits(
    receiver: Receiver, fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", fresh_topics.bootstrap_servers)
    one, place = snapshot("210100-1"), TopicPartition(topics.TICKET_MASKED, 0)
    made = AIOKafkaProducer(**fresh_topics.aiokafka_options(), transactional_id="assign")
    async with made as producer, producer.transaction():
        await producer.send_and_wait(place.topic, one.value, key=one.key, headers=one.headers, partition=0)
    group = group_of(name_of("map"))
    async with AIOKafkaConsumer(**fresh_topics.aiokafka_options(), group_id=group, enable_auto_commit=False) as reads:
        reads.assign([place])
        await reads.commit({place: 1})
    assert await waiting() == ["0"]


async def waiting() -> list[str]:
    """Return the backlogs that the list prints."""
    table = (await hotline("webhook", "list", "-o", "csv", "--columns", "backlog")).stdout
    return table.splitlines()[1:]


async def test_a_ping_is_signed_and_says_what_is_wrong(receiver: Receiver) -> None:
    told = await hotline("webhook", "test", "map")
    assert (told.exit_code, told.stdout.startswith("map answered 204 in ")) == (0, True)
    assert receiver.got[0].headers["ce-type"] == "cn.hotline12345.ping.v1"
    receiver.answers = [status(401)]
    told = await hotline("webhook", "test", "map")
    assert told.exit_code == 1
    assert told.stderr == (
        "hotline: map does not accept the ping (401): it rejects our signature or login; compare the secrets "
        "and `authorization`.\n"
    )
    told = await hotline("webhook", "test", "nobody")
    assert (told.exit_code, told.stderr) == (2, "hotline: There is no subscriber nobody; the settings have map.\n")


async def test_a_secret_in_the_settings_file_is_refused(receiver: Receiver, tmp_path: Path) -> None:
    settings = tmp_path / "hotline.toml"
    settings.write_text(settings.read_text().replace("allow_private", f'secrets = ["{SECRET}"]\nallow_private'))
    told = await hotline("webhook", "list")
    assert told.exit_code == 2
    assert "set HOTLINE_SINKS__WEBHOOK__MAP__SECRETS" in told.stderr
    assert SECRET not in told.output

"""A chunk that is done again writes its dead letters again: who lists them, or puts them back, meets each once."""

import json
from datetime import UTC, datetime

import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from broker.config import KafkaConnection
from hotline.admin.dead_letters import query
from hotline.cli.app import app
from schemas import topics
from schemas.records import raw_message
from schemas.records.dead_letter import REPLAYS
from tests.connectors.conftest import TIME
from tests.fresh import by_the_senders_clock

pytestmark = pytest.mark.integration


def test_a_letter_that_was_written_again_is_one(fresh_topics: KafkaConnection) -> None:
    with KafkaProducer(**fresh_topics.client_options()) as producer:
        for offset in (1, 2, 1, 2, 3):
            raw = raw_message(
                channel="sms", channel_kind="sms_http", account="city", jurisdiction="430100", identifier=str(offset),
                value=b"x", content_type="text/plain", time=TIME, recorded=TIME,
            ).outbound()  # fmt: skip
            places = {"partition": 0, "key": raw.key, "value": raw.value}
            headers = [*raw.headers, *said(offset)]
            producer.send(topics.DEAD, headers=headers, **places).get(60)
    found = list(query.letters(fresh_topics, query.Filters()))
    assert [one.came_from for one in found] == [f"hotline.raw.sms.v1:0:{offset}" for offset in (1, 2, 3)]
    assert [one.id for one in found] == ["0:0", "0:1", "0:4"]
    again = list(query.letters(fresh_topics, query.Filters(only=frozenset({"0:2"}))))
    assert [one.id for one in again] == ["0:2"], "who names it means it"


def test_what_failed_again_after_it_was_put_back_is_another_one(fresh_topics: KafkaConnection) -> None:
    """The sink puts a document back itself, so that its letters have one place."""
    with KafkaProducer(**fresh_topics.client_options()) as producer:
        for count in (0, 1, 1):
            headers = [*said(1), (REPLAYS, str(count).encode())]
            producer.send(topics.DEAD, partition=0, value=b"x", headers=headers).get(60)
    assert [one.replays for one in query.letters(fresh_topics, query.Filters())] == [0, 1]


def test_the_list_is_in_the_order_of_time_whatever_partition_a_letter_lies_in(
    fresh_topics: KafkaConnection, env: pytest.MonkeyPatch
) -> None:
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", fresh_topics.bootstrap_servers)
    by_the_senders_clock(fresh_topics, topics.DEAD)
    at = int(datetime.now(UTC).timestamp() * 1000)
    with KafkaProducer(**fresh_topics.client_options()) as producer:
        for number in range(4):
            told = {"headers": said(number), "timestamp_ms": at + number}
            producer.send(topics.DEAD, partition=1 - number % 2, value=b"x", **told).get(60)
    listed = CliRunner().invoke(app, ["dead", "list", "--limit", "3", "--json"])
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == ["1:0", "0:0", "1:1"]


def said(offset: int) -> list[tuple[str, bytes]]:
    told = {"topic": "hotline.raw.sms.v1", "partition": "0", "offset": str(offset), "stage": "normalize"}
    return [(f"{query.PREFIX}{name}", value.encode()) for name, value in told.items()]

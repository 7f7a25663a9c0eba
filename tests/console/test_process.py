"""`hotline run console` as a process on the real Kafka and Elasticsearch, and while Kafka stands still."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from elasticsearch import AsyncElasticsearch

from broker.config import KafkaConnection
from broker.kafka_reader import read_all
from console.session import COOKIE
from console.users import Users
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import topics
from schemas.codec import Position, decode, encode
from schemas.records import Audit, Link, Ticket
from sinks import routes
from sinks.base import Document
from sinks.elastic.sink import ElasticSink
from tests.console.doors import CITY, NOW, PASSWORD, ticket
from tests.forked import Forked
from tests.frozen import frozen
from tests.peers.dovecot import free_ports
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SHOWN = ticket(1)
LINK = Link(
    message_id=SHOWN.first_message_id,
    jurisdiction=CITY,
    ticket_id=SHOWN.ticket_id,
    relation="new",
    method="no_relation_found",
    decided_at=NOW,
    policy_version="1",
)


async def put(url: str) -> None:
    """Write one masked ticket and its link into the archive, as the sink does."""
    kept: tuple[tuple[str, str, Ticket | Link], ...] = (
        (topics.TICKET_MASKED, SHOWN.ticket_id, SHOWN),
        (topics.LINK, SHOWN.first_message_id, LINK),
    )
    headers = [("ce_sequence", b"%010d" % 1), ("ce_recordedtime", NOW.isoformat().encode())]
    documents = [Document(Position(topic, 0, 0), key.encode(), encode(one), headers) for topic, key, one in kept]
    sink = ElasticSink(AsyncElasticsearch(url, request_timeout=60), routes().values())
    await sink.open()
    assert len((await sink.write(documents)).stored) == len(documents)
    await sink._client.indices.refresh(index="hotline-*")
    await sink.close()


class Browser:
    """Keeps the session's cookie, as browsers do on 127.0.0.1 although it is Secure."""

    def __init__(self, base: str) -> None:
        headers = {"sec-fetch-site": "same-origin", "accept-language": "zh-CN"}
        self.http = httpx.Client(base_url=base, headers=headers, timeout=60)

    def answers(self) -> bool:
        try:
            return self.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def sign_in(self) -> None:
        answer = self.http.post("/login", data={"name": "wang.li", "password": PASSWORD})
        self.http.headers["cookie"] = f"{COOKIE}={answer.cookies[COOKIE]}"


@pytest.fixture
def settings(local_stack: Stack, fresh_topics: KafkaConnection, fresh_indices: None, tmp_path: Path) -> dict[str, str]:
    Users(tmp_path / "users.json").add("wang.li", PASSWORD, ("clerk",), (CITY,), 0)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    return ours | {
        "HOTLINE_LOCAL__DATA_DIR": str(local_stack.data_dir),
        "HOTLINE_JURISDICTION": CITY,
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_KAFKA__PARTITIONS": str(fresh_topics.partitions),
        "HOTLINE_CONSOLE__ENABLED": "true",
        "HOTLINE_CONSOLE__PORT": str(free_ports(1, start=19760)),
        "HOTLINE_CONSOLE__USERS_FILE": str(tmp_path / "users.json"),
    }


@pytest.fixture
def console(settings: dict[str, str], tmp_path: Path) -> Iterator[tuple[Forked, Browser]]:
    with (tmp_path / "console.log").open("ab") as log:
        process = Forked("-m", "hotline", "run", "console", env=settings, stdout=log, stderr=log)
    browser = Browser(f"http://127.0.0.1:{settings['HOTLINE_CONSOLE__PORT']}")
    try:
        until(browser.answers, lambda: (tmp_path / "console.log").read_text())
        yield process, browser
    finally:
        process.kill()
        browser.http.close()


def recorded(connection: KafkaConnection) -> list[tuple[str, str | None]]:
    """Return the audit log's acts of the console and their subjects."""
    found = [decode(one.value, Audit) for one in read_all(connection, topics.AUDIT)]
    return [(one.action, one.subject) for one in found if one.author.startswith("console/")]


def actions(connection: KafkaConnection) -> Counter[str]:
    return Counter(action for action, _ in recorded(connection))


def test_acts_are_in_the_audit_log_and_without_kafka_only_masked_searches_go_on(
    console: tuple[Forked, Browser],
    settings: dict[str, str],
    stack: Endpoints,
    local_stack: Stack,
    fresh_topics: KafkaConnection,
    tmp_path: Path,
) -> None:
    process, browser = console
    asyncio.run(put(stack.elasticsearch_url))
    browser.sign_in()
    assert SHOWN.ticket_no in browser.http.get("/search", params={"q": "暖气"}).text
    opened = browser.http.get(f"/ticket/{SHOWN.ticket_no}")
    assert (opened.status_code, "十四度" in opened.text) == (200, True)

    with frozen(local_stack.pid("kafka")):
        assert SHOWN.ticket_no in browser.http.get("/search", params={"q": "软件园"}).text
        assert SHOWN.ticket_no in browser.http.get("/search", params={"q": "屋里"}).text
        refused = browser.http.get(f"/ticket/{SHOWN.ticket_no}")
        assert (refused.status_code, "十四度" in refused.text) == (503, False)
        assert "必须先记入审计" in refused.text

    with (tmp_path / "stages.log").open("ab") as log:
        stages = Forked("-m", "hotline", "run", "normalize", "assign", env=settings, stdout=log, stderr=log)
    try:
        wanted = {"signed_in": 1, "searched": 3, "opened": 1}
        until(lambda: not Counter(wanted) - actions(fresh_topics), lambda: str(recorded(fresh_topics)))
    finally:
        stages.terminate()
        stages.wait(90)
    # What was refused may stand there: nobody knows what a Kafka that stood still had taken. Nothing is twice.
    assert actions(fresh_topics)["searched"] == 3
    assert ("opened", SHOWN.ticket_id) in recorded(fresh_topics)
    process.terminate()
    assert process.wait(30) == 0

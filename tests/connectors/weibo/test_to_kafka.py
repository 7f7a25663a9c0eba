"""From the look-alike of the platform to the real broker: lists through faults and a crash, pushes by the receiver."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tenacity import wait_fixed

from broker.config import KafkaConnection
from connectors.http.server import Receiver, ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.publisher import Publisher
from connectors.runtime.cursor_store import Cursors
from connectors.runtime.health import Health
from connectors.runtime.pull import run_once, run_pull
from connectors.weibo.pull import WeiboPull
from connectors.weibo.push import Weibo
from connectors.weibo.settings import WeiboPullSettings, WeiboSettings
from hotline.dev.demo.weibo import WeiboPlatform, pushes
from schemas import topics
from tests.connectors.pushed import message
from tests.connectors.reader import Reader
from tests.connectors.serving import free_port, running
from tests.connectors.weibo.pushes import SECRET
from tests.peers.weibo_platform import GOOD, LISTS, Platform
from tests.waiting import until

pytestmark = pytest.mark.integration

RAW = topics.raw("weibo")


def connector(platform: Platform, account: str, **changes: Any) -> WeiboPull:
    settings = {"access_token": GOOD, "host": platform.url, "jurisdiction": "430100", "calls_per_day": 10**7}
    return WeiboPull(WeiboPullSettings(**settings | {"poll_seconds": 0.05} | changes), account)


def held(reader: Reader, account: str) -> list[tuple[str, bytes]]:
    return [(dict(record.headers)["ce_id"].decode(), record.value) for record in reader.read(RAW, account)]


@contextmanager
def fetching(made: WeiboPull, publisher: Publisher, kafka: KafkaConnection, account: str) -> Iterator[Health]:
    """Run the daemon's own loop in a thread."""
    stop, health, cursors = threading.Event(), Health(account, "weibo"), Cursors(kafka, account)
    pace = {"pace": wait_fixed(0.05), "slow_pace": wait_fixed(0.05)}
    thread = threading.Thread(
        target=run_pull, args=(made, publisher, cursors), kwargs={"stop": stop, "health": health, **pace}
    )
    thread.start()

    try:
        yield health
    finally:
        stop.set()
        thread.join(60)
        cursors.close()


def test_every_post_is_held_once_though_every_other_answer_breaks(
    platform: Platform, publisher: Publisher, kafka: KafkaConnection, reader: Reader, account: str
) -> None:
    platform.fault_rate = 0.4
    paths, posts = [path for path in LISTS if "direct" not in path], {}
    with fetching(
        connector(platform, account, page_size=5, pages_max=50, history_pages=50), publisher, kafka, account
    ) as health:
        for number in range(45):
            path = paths[number % 3]
            kind = "status" if "statuses" in path else "comment"
            post = platform.post(path, text=f"路灯坏了{number}💡")
            posts[f"{kind}:{post['idstr']}"] = post
        until(lambda: health.report.messages >= 45)
    found = held(reader, account)
    assert {identifier: msgspec.json.decode(value) for identifier, value in found} == posts
    assert len(found) == 45
    assert health.report.errors > 0


def test_a_crash_before_the_cursor_is_saved_repeats_under_the_same_names(
    platform: Platform, publisher: Publisher, kafka: KafkaConnection, reader: Reader, account: str
) -> None:
    for _ in range(3):
        platform.post()
    for _ in range(2):  # the first process dies between Kafka's answer and its cursor
        made, cursors = connector(platform, account), Cursors(kafka, account)
        made.open()
        publisher.publish(made.fetch(cursors.load()).messages)
        made.close()
        cursors.close()
    made, cursors = connector(platform, account), Cursors(kafka, account)
    made.open()
    run_once(made, publisher, cursors)
    assert run_once(made, publisher, cursors).messages == ()
    made.close()
    cursors.close()
    names = [identifier for identifier, _ in held(reader, account)]
    assert (len(names), len(set(names))) == (9, 3)


def test_health_tells_of_a_used_up_quota_and_of_a_refused_token(
    platform: Platform, publisher: Publisher, kafka: KafkaConnection, account: str
) -> None:
    platform.reset_in = 1
    with fetching(connector(platform, account), publisher, kafka, account) as health:
        until(lambda: health.report.state == "running")
        platform.refusal = (403, 10023)
        until(lambda: health.report.state == "degraded")
        assert "used up until" in (health.report.sentence or "")
        platform.refusal = None
        until(lambda: health.report.state == "running")
        platform.refusal = (403, 21327)
        until(lambda: health.report.last_error == "UnauthorizedError")
        met = platform.met
        before = health.report.errors
        until(lambda: health.report.errors > before + 5)
        assert platform.met == met  # the runner tries again and again, and nobody is asked
        assert "renew the authorization" in (health.report.sentence or "")


def test_signed_pushes_reach_kafka_and_strangers_do_not(
    publisher: Publisher, reader: Reader, account: str, tmp_path: Path
) -> None:
    publisher.publish([message("the first one, which may take long")])
    settings = ReceiverSettings(port=free_port(), publish_timeout_seconds=4)
    weibo = Weibo(WeiboSettings(app_secrets=[SECRET], jurisdiction="430100"), account)  # type: ignore[arg-type, list-item] # pydantic takes strings
    keeper = DurablePublisher.of_journal(
        publisher, Journal(tmp_path / "journal", 1 << 20), settings.publish_timeout_seconds
    )
    app = Receiver({"/weibo": weibo}, keeper, settings)
    url = f"http://127.0.0.1:{settings.port}/weibo"
    with running(app, settings):
        platform, stranger = WeiboPlatform(url, SECRET), WeiboPlatform(url, "another-app-secret")
        sent = [push.body for push in pushes() for _ in range(push.times) if platform.push(push.body) == 200]
        assert stranger.push(sent[0]) == 403
        assert platform.push("x" * 70_000) == 413
    found = held(reader, account)
    assert sorted(value.decode() for _, value in found) == sorted(sent)
    assert len({identifier for identifier, _ in found}) == len(pushes())

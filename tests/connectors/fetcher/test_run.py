"""The fetcher on the real Kafka: a picture's callback goes in, the record of its file follows, and only once."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import BrokerNotAvailableError, CommitFailedError, KafkaError
from obstore.store import LocalStore

from broker.config import KafkaConnection
from connectors.media_fetch import consumer as runner
from connectors.media_fetch.consumer import run_fetcher
from connectors.media_fetch.scheduler import Fetcher
from connectors.publish.publisher import Publisher
from connectors.runtime.cursor_store import Cursors
from connectors.runtime.health import Health
from connectors.wechat.api import Api
from connectors.wechat.kf_pull import CustomerMessages
from connectors.wechat.media_jobs import Account, WeChatErrands
from hotline.dev.demo.wechat_api import WeChatApi
from schemas import topics
from schemas.errors import UnreachableError
from schemas.records import RawMessage, media
from schemas.records.raw import BEGINNING
from tests.connectors.conftest import TIME
from tests.connectors.fetcher.errands import NOW, Fake, record
from tests.connectors.reader import Reader
from tests.connectors.wechat.conftest import make_api, platform
from tests.connectors.wechat.test_errands import EVENT, large, said
from tests.waiting import until

pytestmark = pytest.mark.integration
__all__ = ["make_api", "platform"]

RAW = topics.raw("wechat")
AWAY = UnreachableError("away")
PHOTO = b"\xff\xd8\xff\xe0JPEG"


@contextmanager
def fetching(fetcher: Fetcher, kafka: KafkaConnection, **options: Any) -> Iterator[Health]:
    stop, health = threading.Event(), Health("fetcher", "wechat")
    options |= {"stop": stop, "health": health}
    thread = threading.Thread(target=run_fetcher, args=(fetcher, kafka, [RAW]), kwargs=options)
    thread.start()
    try:
        yield health
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _own_group(monkeypatch: pytest.MonkeyPatch, account: str) -> None:
    """The topics are shared by the tests of this room, so each has a group of its own."""
    monkeypatch.setitem(runner._OPTIONS, "group_id", account)


def picture(raw: Callable[..., RawMessage], number: int) -> RawMessage:
    xml = f"<xml><FromUserName>o-lin</FromUserName><MsgType>image</MsgType><MediaId>m{number}</MediaId></xml>"
    made: RawMessage = raw(xml.encode(), str(number), channel="wechat", sender="o-lin")
    return made


def records(reader: Reader, account: str) -> list[Any]:
    wanted = media.CONTENT_TYPE.encode()
    return [one for one in reader.read(RAW, account) if dict(one.headers).get("content-type") == wanted]


def test_a_file_follows_its_message_once_over_restarts(
    kafka: KafkaConnection, publisher: Publisher, reader: Reader, account: str, blobs: LocalStore, platform: WeChatApi,
    make_api: Callable[..., Api], raw: Callable[..., RawMessage],
) -> None:  # fmt: skip
    def fetcher() -> Fetcher:
        return Fetcher(WeChatErrands({account: Account(make_api())}, blobs, now=lambda: NOW), publisher.publish)

    platform.media["m1"] = (PHOTO, "image/jpeg")
    publisher.publish([picture(raw, 1)])
    with fetching(fetcher(), kafka) as health:
        (record,) = until(lambda: records(reader, account))
        until(lambda: health.report.state == "running")
    assert json.loads(record.value)["dataref"]
    platform.media["m2"] = (PHOTO, "image/jpeg")
    publisher.publish([picture(raw, 2)])
    with fetching(fetcher(), kafka):
        until(lambda: len(records(reader, account)) == 2)
    assert platform.calls.count("media/get") == 2
    partitions = {(one.partition, one.key) for one in records(reader, account)}
    assert len(partitions) == 1


def test_an_event_of_a_company_brings_its_messages_and_their_files(
    kafka: KafkaConnection, publisher: Publisher, reader: Reader, account: str, blobs: LocalStore, platform: WeChatApi,
    make_api: Callable[..., Api], raw: Callable[..., RawMessage],
) -> None:  # fmt: skip
    api = make_api("corporate")

    def customers(kfid: str) -> CustomerMessages:
        return CustomerMessages(api, kfid, account, "430100", Cursors(kafka, f"{account}:{kfid}"))

    platform.media["m9"] = (PHOTO, "image/jpeg")
    platform.customer = [said(1), {**said(2), "msgtype": "image", "image": {"media_id": "m9"}}, said(3)]
    publisher.publish([raw(EVENT.encode(), "event-1", channel="wechat", sender="")])
    errands = WeChatErrands({account: Account(api, customers)}, blobs)
    with fetching(Fetcher(errands, publisher.publish), kafka):
        until(lambda: records(reader, account))
    ids = [dict(one.headers)["ce_id"].decode() for one in reader.read(RAW, account)]
    assert sorted(one for one in ids if one.startswith("msg")) == ["msg1", "msg2", "msg3"]
    assert Cursors(kafka, f"{account}:wk1").load().position == {"cursor": "3"}


def test_large_messages_of_customers_wait_for_the_store_through_a_restart_and_small_ones_pass(
    kafka: KafkaConnection, reader: Reader, account: str, platform: WeChatApi, make_api: Callable[..., Api],
    raw: Callable[..., RawMessage], tmp_path: Path,
) -> None:  # fmt: skip
    folder = tmp_path / "blobs"
    publisher = Publisher(kafka, LocalStore(folder, mkdir=True))

    def fetcher() -> Fetcher:
        def customers(kfid: str) -> CustomerMessages:
            return CustomerMessages(make_api("corporate"), kfid, account, "430100", Cursors(kafka, f"{account}:{kfid}"))

        errands = WeChatErrands({account: Account(make_api("corporate"), customers)}, publisher._blobs)
        return Fetcher(errands, publisher.publish, now=lambda: TIME)

    def came() -> list[str]:
        ids = [dict(one.headers) for one in reader.read(RAW, account)]
        return sorted(one["ce_id"].decode() for one in ids if one["ce_type"] != BEGINNING.encode())

    platform.customer = [said(1), large(2), said(3), said(4), large(5), said(6)]
    publisher.publish([raw(EVENT.encode(), "event-1", channel="wechat", sender="")])
    folder.rmdir()
    folder.touch()  # no store any more
    with fetching(fetcher(), kafka):
        until(lambda: came() == ["event-1", "msg1", "msg3", "msg4", "msg6"])
    assert Cursors(kafka, f"{account}:wk1").load().position == {"cursor": "6", "large": ""}
    folder.unlink()
    folder.mkdir()
    with fetching(fetcher(), kafka):
        until(lambda: came() == ["event-1", *(f"msg{number}" for number in range(1, 7))])
    assert Cursors(kafka, f"{account}:wk1").load().position == {"cursor": "6"}
    publisher.close()


class Watched:
    """Makes consumers of one kind, and remembers them."""

    def __init__(self, kind: type[Any] = KafkaConsumer) -> None:
        self._kind = kind
        self.made: list[Any] = []

    def __call__(self, **options: Any) -> Any:
        self.made.append(self._kind(**options))
        return self.made[-1]


def test_a_rebalance_loses_no_errand_that_is_open(
    kafka: KafkaConnection, publisher: Publisher, account: str, raw: Callable[..., RawMessage]
) -> None:
    """The member reads on where it was, so what it still has to fetch must go on holding the commit."""

    def plan(message: RawMessage) -> list[Fake]:
        mine = message.envelope.account == account and message.envelope.id == "1"
        return [Fake("a", *[AWAY] * 100, account=account)] if mine else []

    connect, fetcher = Watched(), Fetcher(plan, publisher.publish)
    publisher.publish([picture(raw, 1)])
    with fetching(fetcher, kafka, connect=connect) as health:
        until(lambda: fetcher.waiting)
        (consumer,) = connect.made
        ((place, offset),) = fetcher._jobs["a"].places
        generation = consumer._coordinator._generation.generation_id
        consumer._coordinator.request_rejoin()
        until(lambda: consumer._coordinator._generation.generation_id > generation and consumer._coordinator.stable())
        publisher.publish([picture(raw, 2)])
        until(lambda: consumer.position(place) >= offset + 2)
        before = health.report.last_success
        until(lambda: health.report.last_success > before)
        assert consumer.committed(place) == offset
    assert health.report.errors == 0


def test_who_is_told_to_end_in_a_rebalance_still_commits_what_is_done(
    kafka: KafkaConnection, publisher: Publisher, account: str, raw: Callable[..., RawMessage]
) -> None:
    slow, told = Fake("a", account=account), threading.Event()
    slow.may_go.clear()

    class Hesitant(KafkaConsumer):  # type: ignore[misc] # kafka-python has no types
        """Begins to join when it is told to, and goes on with it when the errand is done."""

        def poll(self, **options: Any) -> Any:
            if not told.is_set() or slow.may_go.is_set():
                return super().poll(**options)
            if self._coordinator.rejoining:
                time.sleep(0.01)
                return {}
            self._coordinator.request_rejoin()
            return super().poll(**options | {"timeout_ms": 0})

    def plan(message: RawMessage) -> list[Fake]:
        return [slow] if message.envelope.account == account and message.envelope.id == "1" else []

    connect, fetcher = Watched(Hesitant), Fetcher(plan, publisher.publish)
    publisher.publish([picture(raw, 1)])
    with fetching(fetcher, kafka, connect=connect):
        until(lambda: fetcher.is_busy)
        ((place, offset),) = fetcher._jobs["a"].places
        told.set()
        until(lambda: connect.made[0]._coordinator.rejoining)
        threading.Timer(0.3, slow.may_go.set).start()
    with KafkaConsumer(group_id=account, **kafka.client_options()) as later:
        assert later.committed(place) > offset


class Fenced:
    """A consumer that was away for too long: another process has its partitions, and it cannot even say goodbye."""

    made = 0
    _cluster = SimpleNamespace(topic_id=lambda _: None)

    def __init__(self, **_: object) -> None:
        Fenced.made += 1
        self._coordinator = SimpleNamespace(rejoining=False, fetch_committed_offsets_async=None)
        self._fetcher = SimpleNamespace(maybe_validate_positions=None, _parse_fetched_data=None)
        self._subscription = SimpleNamespace(seek=None, request_offset_reset=None)
        self.is_first = Fenced.made == 1
        self.listener: Any = None

    def partitions_for_topic(self, _: str) -> set[int] | None:
        return {0}

    def subscribe(self, _: list[str], listener: Any) -> None:
        self.listener = listener

    def poll(self, **_: object) -> dict[TopicPartition, list[Any]]:
        if self.is_first:
            self.listener.on_partitions_assigned([TopicPartition(RAW, 0)])
            return {TopicPartition(RAW, 0): [record(1)]}
        time.sleep(0.01)
        return {}

    def commit(self, _: object) -> None:
        raise CommitFailedError

    def assignment(self) -> set[TopicPartition]:
        return set()

    def paused(self) -> set[TopicPartition]:
        return set()

    def close(self) -> None:
        self.listener.on_partitions_revoked([TopicPartition(RAW, 0)])
        raise KafkaError("User rebalance callback throws an error")


def test_who_was_away_for_too_long_joins_again(blobs: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fenced, "made", 0)
    monkeypatch.setattr(runner, "LONGEST_WAIT", 0.01)
    fetcher = Fetcher(WeChatErrands({}, blobs), lambda _: None)
    with fetching(fetcher, KafkaConnection(bootstrap_servers="127.0.0.1:9"), connect=Fenced) as health:
        until(lambda: Fenced.made == 2 and health.report.state == "running")
    assert health.report.errors == 1


def test_nobody_joins_the_group_before_it_knows_the_partitions(
    blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka gives to who knows of no partition none, and does not ask again for minutes."""

    class Hasty(Fenced):
        def __init__(self, **options: object) -> None:
            super().__init__(**options)
            self.knows = Fenced.made > 1

        def partitions_for_topic(self, _: str) -> set[int] | None:
            return {0} if self.knows else None

        def subscribe(self, names: list[str], listener: Any) -> None:
            assert self.knows
            super().subscribe(names, listener)

        def close(self) -> None:
            pass

    monkeypatch.setattr(Fenced, "made", 0)
    monkeypatch.setattr(runner, "LONGEST_WAIT", 0.01)
    fetcher = Fetcher(WeChatErrands({}, blobs), lambda _: None)
    with fetching(fetcher, KafkaConnection(bootstrap_servers="127.0.0.1:9"), connect=Hasty) as health:
        until(lambda: Fenced.made == 2 and health.report.state == "running")
    assert health.report.last_error == "UnreachableError"


def test_without_kafka_it_says_so_and_ends_when_told(blobs: LocalStore) -> None:
    def nowhere(**_: object) -> None:
        raise BrokerNotAvailableError

    fetcher = Fetcher(WeChatErrands({}, blobs), lambda _: None)
    with fetching(fetcher, KafkaConnection(bootstrap_servers="127.0.0.1:9"), connect=nowhere) as health:
        until(lambda: health.report.state == "degraded")
    assert health.report.state == "stopped"

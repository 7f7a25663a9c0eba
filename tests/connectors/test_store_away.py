"""While the blob store is away, or hangs, large mails wait and small ones go on; all of them come in the end."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from obstore.store import MemoryStore
from prometheus_client import REGISTRY
from tenacity import wait_none

from broker.config import KafkaConnection
from connectors.base import Batch
from connectors.mailbox import retry_queue
from connectors.mailbox.connector import Mailbox
from connectors.publish import publisher as publishing
from connectors.publish.publisher import Publisher
from connectors.runtime.health import Health
from connectors.runtime.pull import run_once, run_pull
from schemas.codec import Outbound
from schemas.errors import StoreAwayError
from schemas.records import Cursor, DeadLetter, RawMessage
from schemas.records.raw import BEGINNING, INLINE_LIMIT
from storage.paths import RAW
from tests.connectors.mailboxes import START, mail, places, settings
from tests.connectors.pushed import message
from tests.fakes.imap import FakeServer

LARGE = mail("large", INLINE_LIMIT + 64)
NOWHERE = KafkaConnection(bootstrap_servers="127.0.0.1:1")


class City:
    """A mailbox, a broker, a cursor and a blob store that may be away."""

    def __init__(self, **changes: Any) -> None:
        self.server, self.clock = FakeServer(), 0.0
        self.away = True
        self.published: list[bytes] = []
        self.tries = 0
        self.cursor = START
        self._changes = changes
        self.box = self.started()

    def started(self) -> Mailbox:
        self.box = Mailbox(settings(**self._changes), "mayor", self.server.connect, sleep=lambda seconds: None)
        for pace in self.box._pace.values():
            pace._clock = lambda: self.clock
        self.box.open()
        return self.box

    def publish(self, messages: Iterable[RawMessage], dead: Iterable[DeadLetter] = ()) -> None:
        large = frozenset(one.message_id for one in messages if len(one.value) > INLINE_LIMIT)
        self.tries += bool(large)
        if large and self.away:
            raise StoreAwayError("the blob store is away", large)
        self.published += [one.value for one in messages]

    def load(self) -> Cursor:
        return self.cursor

    def save(self, cursor: Cursor) -> None:
        self.cursor = msgspec.json.decode(msgspec.json.encode(cursor), type=Cursor)

    def forget(self) -> None: ...

    def turns(self, number: int = 10) -> tuple[str, ...]:
        complaints: tuple[str, ...] = ()
        for _ in range(number):
            complaints = run_once(self.box, self, self).complaints  # type: ignore[arg-type] # a city publishes and keeps its own cursor
        return complaints


def test_small_mails_go_on_and_the_large_one_comes_when_the_store_does() -> None:
    city = City()
    for value in (mail("a"), LARGE, mail("b")):
        city.server.put(value)
    (complaint,) = city.turns()
    assert city.published == [mail("a"), mail("b")]
    assert "the blob store does not take 1 large mails of 'INBOX', the first UID 2" in complaint
    assert REGISTRY.get_sample_value("hotline_connectors_mails_postponed", {"connector": "mayor"}) == 1
    city.server.put(mail("c"))
    city.turns()
    assert city.published[2:] == [mail("c")]
    assert city.tries == 1  # it is not asked for all the time
    city.clock += retry_queue.STORE_SECONDS
    city.turns()
    assert city.tries == 2
    city.away, city.clock = False, city.clock + retry_queue.STORE_SECONDS
    assert city.turns() == ()
    assert city.published[3:] == [LARGE]
    assert places(city.cursor) == {"INBOX": {"uidvalidity": 7, "uid": 4}}


def test_it_comes_after_a_restart_as_well() -> None:
    city = City()
    city.server.put(LARGE)
    city.turns(2)
    city.away = False
    city.started()
    city.turns(2)
    assert city.published == [LARGE]


def test_many_that_wait_ask_the_store_once_a_minute_and_come_together() -> None:
    city = City(max_batch_messages=2)
    large = [mail(f"large {number}", INLINE_LIMIT + 64) for number in range(5)]
    for value in large:
        city.server.put(value)
    city.turns(20)
    before = city.tries
    city.clock += retry_queue.STORE_SECONDS
    city.turns(20)
    assert city.tries == before + 1
    city.away, city.clock = False, city.clock + retry_queue.STORE_SECONDS
    city.turns(20)
    assert sorted(city.published) == sorted(large)


def test_a_mail_that_waits_is_neither_flagged_nor_moved() -> None:
    city = City(processed="move", processed_folder="Done")
    city.server.capabilities.add("MOVE")
    for value in (mail("a"), LARGE):
        city.server.put(value)
    city.turns()
    assert city.published == [mail("a")]
    assert list(city.server.inbox.mails.values()) == [LARGE]
    city.away, city.clock = False, city.clock + retry_queue.STORE_SECONDS
    city.turns()
    assert city.published == [mail("a"), LARGE]
    assert city.server.inbox.mails == {}


def test_the_same_mail_twice_waits_twice() -> None:
    city = City()
    city.server.put(LARGE)
    city.server.put(LARGE)
    city.turns()
    assert set(city.cursor.position["INBOX"]["later"]) == {"1", "2"}


def test_with_too_many_that_wait_the_folder_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_queue, "STORE_MOST", 1)
    city, large = City(), mail("x", INLINE_LIMIT + 64)
    for value in (LARGE, large, mail("a")):
        city.server.put(value)
    beside: set[str] = set()
    for _ in range(3):
        with pytest.raises(StoreAwayError):
            run_once(city.box, city, city, beside)  # type: ignore[arg-type] # a city publishes and keeps its own cursor
    assert city.published == [mail("a")]  # it needs no store, and the folder's cursor stays
    assert city.cursor is START
    city.away = False
    city.turns()
    assert city.published == [mail("a"), LARGE, large, mail("a")]


class Lines:
    """A connector that must keep its order: each batch is asked for again until it is safe."""

    def __init__(self) -> None:
        self.batches = [[message("1"), message("2", bytes(INLINE_LIMIT + 1)), message("3")], [message("4")]]

    def fetch(self, cursor: Cursor) -> Batch:
        read = cursor.position.get("read", 0)
        messages = tuple(self.batches[read]) if read < len(self.batches) else ()
        return Batch(
            messages=messages, cursor=msgspec.structs.replace(cursor, position={"read": read + bool(messages)})
        )


def test_of_a_batch_that_waits_goes_once_what_needs_no_store() -> None:
    city, lines, beside = City(), Lines(), set[str]()
    for _ in range(3):
        with pytest.raises(StoreAwayError):
            run_once(lines, city, city, beside)  # type: ignore[arg-type] # a city publishes and keeps its own cursor
    assert city.published == [message("1").value, message("3").value]
    assert city.cursor is START
    city.away = False
    run_once(lines, city, city, beside)  # type: ignore[arg-type] # a city publishes and keeps its own cursor
    run_once(lines, city, city, beside)  # type: ignore[arg-type] # a city publishes and keeps its own cursor
    assert (len(city.published), city.cursor.position, beside) == (2 + 3 + 1, {"read": 2}, set())


def test_many_large_mails_are_no_reason_to_postpone_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_queue, "MOST", 2)
    waiting = {uid: retry_queue.Postponed(0.0, for_store=uid > 1) for uid in range(1, 9)}
    assert not retry_queue.is_full(waiting)
    assert retry_queue.is_full(waiting | {9: retry_queue.Postponed(0.0)})


def test_the_runner_says_so_and_goes_on() -> None:
    city, stop = City(poll_seconds=0.01, idle=False), threading.Event()
    health = Health("mayor", "mailbox")
    city.server.put(LARGE)

    def load() -> Cursor:
        if len(city.published) == 0 and len(city.server.inbox.mails) == 1 and "INBOX" in city.cursor.position:
            city.server.put(mail("a"))
        if city.published:
            stop.set()
        return city.cursor

    cursors: Any = SimpleNamespace(load=load, save=city.save, forget=city.forget)
    own: Any = city
    run_pull(city.box, own, cursors, stop=stop, health=health, pace=wait_none())
    assert city.published == [mail("a")]
    assert "blob store" in health.report.complaints[0]


class Broker:
    """Takes everything, and keeps what is whole: how a message begins that waits is told beside."""

    def __init__(self) -> None:
        self.records: list[Outbound] = []

    def deliver_now(self, records: Sequence[Outbound]) -> None:
        self.records += [one for one in records if ("ce_type", BEGINNING.encode()) not in one.headers]

    def close(self) -> None: ...


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A store that hangs until it is let go, and counts."""
    store = SimpleNamespace(puts=0, go=threading.Event())

    def put(_: object, path: str, data: bytes, **__: object) -> None:
        if not path.endswith(RAW):
            store.puts += 1
            store.go.wait()

    monkeypatch.setattr(publishing, "obstore", SimpleNamespace(put=put))
    monkeypatch.setattr(publishing, "STORE_SECONDS", 0.1)
    yield store
    store.go.set()


def test_a_store_that_hangs_is_given_one_message_and_that_counts_when_it_is_taken(
    hanging: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker: Any = Broker()
    publisher, large = Publisher(NOWHERE, MemoryStore(), broker), bytes(INLINE_LIMIT + 1)
    one, other = message("1", large), message("2", large)
    for batch in ([message("0"), one], [one], [other]):
        with pytest.raises(StoreAwayError) as told:
            publisher.publish(batch)
        assert told.value.waiting == {each.message_id for each in batch if each.value == large}
    publisher.publish([message("0")])
    assert (hanging.puts, len(broker.records)) == (1, 1)
    hanging.go.set()
    publisher._late[1].result(60)  # type: ignore[index] # one is late
    monkeypatch.setattr(publishing, "STORE_SECONDS", 60.0)  # a store that is busy does not hang
    publisher.publish([one, other])
    assert hanging.puts == 2
    assert [record.key for record in broker.records[1:]] == [one.outbound().key, other.outbound().key]
    publisher.close()

"""A fault of ours while one mail is handled holds up no mail behind it, and loses none."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from connectors.base import Batch
from connectors.mailbox import raw_record, retry_queue
from connectors.mailbox.connector import Mailbox
from connectors.mailbox.fetch import Mail, Reader
from connectors.mailbox.raw_record import Records
from connectors.runtime import pull
from schemas.errors import PipelineError
from schemas.records import Cursor
from tests.connectors.mailboxes import START, mail, places, settings
from tests.fakes.imap import RECEIVED, FakeFolder, FakeServer

POISON = mail("poison")


class City:
    """A mailbox that a runner serves: a fault is waited out, and the connection is made again."""

    def __init__(self, server: FakeServer, **changes: Any) -> None:
        self.server, self.cursor, self.clock = server, START, 0.0
        self.published: list[bytes] = []
        self.faults = 0
        self._changes = changes
        self.start()

    def start(self) -> None:
        self.box = Mailbox(settings(**self._changes), "mayor", self.server.connect, sleep=lambda seconds: None)
        for pace in self.box._pace.values():
            pace._clock = lambda: self.clock
        self.box.open()

    def publish(self, messages: Any, dead: Any = ()) -> None:
        self.published += [one.value for one in messages]
        assert not dead

    def load(self) -> Cursor:
        return self.cursor

    def save(self, cursor: Cursor) -> None:
        self.cursor = msgspec.json.decode(msgspec.json.encode(cursor), type=Cursor)

    def turns(self, number: int = 30) -> Batch | None:
        batch = None
        for _ in range(number):
            try:
                batch = pull.run_once(self.box, self, self)  # type: ignore[arg-type] # a city publishes and keeps its own cursor
            except PipelineError:
                raise
            except Exception:  # noqa: BLE001 - as the runner does
                self.faults += 1
                self.box.open()
        return batch


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    for value in (mail("a"), POISON, mail("c"), mail("d")):
        server.put(value)
    return server


@pytest.fixture(params=["read", "named"])
def poisoned(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Our own code breaks over the poison: where its bytes are read, or where its record is made."""
    if request.param == "read":
        read_one = Reader._read_one

        def breaks(self: Reader, uid: int, *others: Any) -> Mail | None:
            found = read_one(self, uid, *others)
            if found is not None and found.value == POISON:
                raise ZeroDivisionError
            return found

        monkeypatch.setattr(Reader, "_read_one", breaks)
    else:
        message = Records._message

        def fails(self: Records, one: Mail, *others: Any) -> Any:
            if one.value == POISON:
                raise ZeroDivisionError
            return message(self, one, *others)

        monkeypatch.setattr(Records, "_message", fails)
    return monkeypatch


def told() -> float:
    return REGISTRY.get_sample_value(
        "hotline_connectors_faults_of_ours_total", {"channel": "mailbox", "connector": "mayor"}
    ) or 0  # fmt: skip


@pytest.mark.parametrize("processed", ["keep", "move"])
def test_the_mails_behind_it_go_on_and_it_waits(server: FakeServer, poisoned: Any, processed: str) -> None:
    server.capabilities.add("MOVE")
    city, before = City(server, processed=processed), told()
    batch = city.turns()
    assert city.published == [mail("a"), mail("c"), mail("d")]
    assert city.cursor.position["INBOX"]["uid"] == 4
    assert city.faults < 10  # those before it became known as the one; then no more
    assert POISON in server.inbox.mails.values()
    assert batch is not None
    (complaint,) = batch.complaints
    assert "a fault of ours keeps 1 mails of 'INBOX' waiting, the first UID 2" in complaint
    assert REGISTRY.get_sample_value("hotline_connectors_mails_postponed", {"connector": "mayor"}) == 1
    assert told() > before


def test_it_is_tried_again_quietly_and_comes_when_we_are_mended(server: FakeServer, poisoned: Any) -> None:
    city = City(server)
    city.turns()
    faults = city.faults
    for _ in range(100):  # for days: it is never given up
        city.clock += retry_queue.PACE_SECONDS
        city.turns(2)
    server.put(mail("e"))
    city.turns(3)
    assert city.published == [mail("a"), mail("c"), mail("d"), mail("e")]
    assert city.faults == faults
    city.start()  # again after a restart
    city.turns(3)
    assert city.published[4:] == []
    poisoned.undo()
    city.start()
    city.turns(3)
    assert city.published[4:] == [POISON]
    assert places(city.cursor) == {"INBOX": {"uidvalidity": 7, "uid": 5}}


def test_when_we_fail_over_every_mail_the_folder_waits(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Iterator[Mail]:
        raise ZeroDivisionError

    monkeypatch.setattr(retry_queue, "MOST", 2)
    monkeypatch.setattr(Reader, "_read_group", fails)
    city = City(server)
    city.turns(60)
    assert city.cursor.position["INBOX"]["uid"] == 2
    monkeypatch.undo()
    city.start()
    city.turns(10)
    assert sorted(city.published) == sorted(server.inbox.mails.values())


def test_what_the_server_says_of_a_mail_can_be_done_without(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> None:
        raise OverflowError

    monkeypatch.setattr(raw_record, "_sensible", lambda at, now: breaks() if at == RECEIVED else None)
    city, before = City(server), told()
    city.turns()
    assert len(city.published) == 4
    assert (city.faults, told() - before) == (0, 4)


def test_a_busy_folder_beside_it_does_not_keep_it_from_being_found(server: FakeServer, poisoned: Any) -> None:
    server.folders["Reports"] = FakeFolder()
    for number in range(20):
        server.put(mail(f"more {number}"))
    city = City(server, folders=("INBOX", "Reports"))
    for number in range(40):
        server.put(mail(f"report {number}"), "Reports")
        city.turns(2)
    assert mail("d") in city.published
    assert mail("more 19") in city.published
    assert city.cursor.position["INBOX"]["uid"] == 24

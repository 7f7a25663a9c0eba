"""What every pull connector must do, with a fake of its service and with every real peer of it."""

import imaplib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest
import requests

from connectors.base import Batch, PullConnector
from connectors.call_files.connector import CallFiles
from connectors.call_files.settings import CallFilesSettings
from connectors.mailbox.connector import Mailbox
from connectors.mailbox.settings import MailboxSettings
from connectors.registry import PULL
from connectors.weibo.pull import WeiboPull
from connectors.weibo.settings import WeiboPullSettings
from schemas.errors import PipelineError
from schemas.records import Cursor, RawMessage
from tests.fakes.imap import FakeServer
from tests.peers import dovecot, weibo_platform
from tests.peers.greenmail import GreenMail
from tests.peers.presence import require

START = Cursor(connector_id="contract")

PLANTED = "citizen@example.cn 13800000000"


class Scenario(Protocol):
    """A service that holds no message yet."""

    def connector(self) -> PullConnector: ...

    def put(self, text: str) -> None:
        """Let a citizen send a message."""
        ...

    def broken(self) -> dict[str, PullConnector]:
        """Return connectors to the service while it fails, each in a way of its own."""
        ...


@dataclass
class FakeMailbox:
    server: FakeServer

    def connector(self) -> PullConnector:
        return Mailbox(_settings(1), "contract", self.server.connect)

    def put(self, text: str) -> None:
        self.server.put(_mail(text))

    def broken(self) -> dict[str, PullConnector]:
        return {
            f"{method} raises {error.__name__}": Mailbox(_settings(1), "contract", _failing(method, error).connect)
            for method in ("connect", "login", "select_folder", "search", "fetch", "noop", "idle", "idle_check")
            for error in (imaplib.IMAP4.error, imaplib.IMAP4.abort, OSError, TimeoutError, ValueError, KeyError)
        }


@dataclass
class RealMailbox:
    server: dovecot.Dovecot | GreenMail
    user: str

    def connector(self) -> PullConnector:
        return Mailbox(_settings(self.server.port, self.user), "contract")

    def put(self, text: str) -> None:
        self.server.deliver(_mail(text), self.user)

    def broken(self) -> dict[str, PullConnector]:
        return {
            "another password": Mailbox(_settings(self.server.port, self.user, password="other"), "contract"),
            "another folder": Mailbox(_settings(self.server.port, self.user, folders=["Nowhere"]), "contract"),
            "nobody listens": Mailbox(_settings(1, self.user), "contract"),
            "no encryption": Mailbox(_settings(self.server.port, self.user, tls="tls"), "contract"),
        }


@dataclass
class CallFolder:
    folder: Path

    def connector(self) -> PullConnector:
        return self._reading(self.folder)

    def put(self, text: str) -> None:
        with (self.folder / "calls.csv").open("a", encoding="utf-8") as file:
            file.write("call_id\n" * (file.tell() == 0) + f"{text}\n")

    def broken(self) -> dict[str, PullConnector]:
        return {"no folder": self._reading(self.folder / "gone"), "a file": self._reading(self.folder / "calls.csv")}

    def _reading(self, folder: Path) -> PullConnector:
        settings = CallFilesSettings(folder=folder, settle_seconds=0, poll_seconds=1, jurisdiction="430100")
        return CallFiles(settings, "contract")


def _settings(port: int, user: str = "hotline", **changes: Any) -> MailboxSettings:
    usual = {"host": "127.0.0.1", "port": port, "tls": "none", "username": user, "password": "secret"}
    return MailboxSettings(**usual | {"jurisdiction": "430100"} | changes)


def _failing(method: str, error: type[Exception]) -> FakeServer:
    server = FakeServer()
    server.put(_mail("one"))
    server.fails(method, error(PLANTED))
    return server


def _mail(text: str) -> bytes:
    return f"From: citizen@example.cn\r\nSubject: {text}\r\n\r\n{text}\r\n".encode()


def fake_mailbox(_: pytest.FixtureRequest) -> Scenario:
    return FakeMailbox(FakeServer())


def call_folder(request: pytest.FixtureRequest) -> Scenario:
    return CallFolder(request.getfixturevalue("tmp_path"))


def on_dovecot(request: pytest.FixtureRequest) -> Scenario:
    return RealMailbox(request.getfixturevalue("real_dovecot"), f"hotline{next(_users)}")


def on_greenmail(request: pytest.FixtureRequest) -> Scenario:
    return RealMailbox(request.getfixturevalue("greenmail"), f"hotline{next(_users)}")


@dataclass
class InProcessWeibo:
    platform: weibo_platform.Platform

    def connector(self) -> PullConnector:
        return self._made()

    def put(self, text: str) -> None:
        self.platform.post(text=text)

    def broken(self) -> dict[str, PullConnector]:
        faults = {fault: self._failing(fault) for fault in ("html", "drop")}
        return faults | {"another token": self._made(access_token="other"), "nobody listens": self._made(nobody)}

    def _made(self, session: Callable[[], requests.Session] | None = None, **changes: Any) -> PullConnector:
        usual = {"access_token": weibo_platform.GOOD, "lists": ["mentions"], "jurisdiction": "430100"}
        pace = {"poll_seconds": 1e-6, "calls_per_day": 86_400}
        settings = WeiboPullSettings(**usual | pace | changes)
        return WeiboPull(settings, "contract", session or (lambda: weibo_platform.session(self.platform)))

    def _failing(self, fault: str) -> PullConnector:
        platform = weibo_platform.Platform()
        platform.post(text=PLANTED)
        platform.faults = [fault] * 9
        return InProcessWeibo(platform).connector()


def nobody() -> requests.Session:
    session = requests.Session()
    session.adapters.clear()
    return session


def in_process_weibo(_: pytest.FixtureRequest) -> Scenario:
    platform = weibo_platform.Platform()
    platform.quota, platform.reset_in = 86_400, 86_400
    return InProcessWeibo(platform)


Make = Callable[[pytest.FixtureRequest], Scenario]

SCENARIOS: dict[str, Make] = {
    "call_files": call_folder,
    "mailbox": fake_mailbox,
    "weibo_pull": in_process_weibo,
}
PEERS: dict[str, Make] = {"mailbox on Dovecot": on_dovecot, "mailbox on GreenMail": on_greenmail}

_users = count(1)


@pytest.fixture(scope="module")
def real_dovecot() -> Iterator[dovecot.Dovecot]:
    require(dovecot.missing())
    with dovecot.Dovecot({f"hotline{number}": "secret" for number in range(1, 40)}) as server:
        yield server


@pytest.fixture(scope="module")
def greenmail() -> Iterator[GreenMail]:
    with GreenMail() as server:
        yield server


@pytest.fixture(
    params=[
        *(pytest.param(make, id=name) for name, make in SCENARIOS.items()),
        *(pytest.param(make, id=name, marks=pytest.mark.integration) for name, make in PEERS.items()),
    ]
)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    make: Make = request.param
    return make(request)


@pytest.fixture
def connector(scenario: Scenario) -> Iterator[PullConnector]:
    connector = scenario.connector()
    connector.open()
    yield connector
    connector.close()


def texts(batch: Batch) -> list[str]:
    return [_said(message) for message in batch.messages]


def _said(message: RawMessage) -> str:
    if message.envelope.datacontenttype == "application/json":
        return str(json.loads(message.value)["text"])
    return message.value.decode().strip().splitlines()[-1]


def later(cursor: Cursor) -> Cursor:
    """The cursor as the next process reads it."""
    return msgspec.json.decode(msgspec.json.encode(cursor), type=Cursor)


def test_every_pull_connector_has_a_scenario() -> None:
    assert set(SCENARIOS) == set(PULL)


def test_messages_come_oldest_first(connector: PullConnector, scenario: Scenario) -> None:
    for text in ("one", "two", "three"):
        scenario.put(text)
    assert texts(connector.fetch(START)) == ["one", "two", "three"]


def test_a_cursor_resumes_after_the_last_message_and_never_repeats(
    connector: PullConnector, scenario: Scenario
) -> None:
    scenario.put("one")
    first = connector.fetch(START)
    scenario.put("two")
    assert texts(connector.fetch(later(first.cursor))) == ["two"]


def test_the_same_fetch_gives_the_same_keys(connector: PullConnector, scenario: Scenario) -> None:
    scenario.put("one")
    scenario.put("two")
    first, second = (connector.fetch(START).messages for _ in range(2))
    assert [message.message_id for message in first] == [message.message_id for message in second]
    assert [message.conversation for message in first] == [message.conversation for message in second]
    assert len({message.message_id for message in first}) == 2


def test_an_exhausted_source_gives_an_empty_batch_and_keeps_its_cursor(
    connector: PullConnector, scenario: Scenario
) -> None:
    assert connector.fetch(START) == Batch(cursor=START)
    scenario.put("one")
    cursor = later(connector.fetch(START).cursor)
    assert connector.fetch(cursor) == Batch(cursor=cursor)


def test_a_message_says_where_it_came_from(connector: PullConnector, scenario: Scenario) -> None:
    scenario.put("one")
    (message,) = connector.fetch(START).messages
    assert message.channel == connector.channel
    assert message.jurisdiction == "430100"
    assert message.envelope.account == "contract"
    assert message.envelope.time.tzinfo is not None


def test_a_cursor_is_plain_json(connector: PullConnector, scenario: Scenario) -> None:
    scenario.put("one")
    position = connector.fetch(START).cursor.position
    assert json.loads(json.dumps(position)) == position


def test_waiting_ends_when_there_is_news_or_the_time_is_up(connector: PullConnector, scenario: Scenario) -> None:
    connector.fetch(START)
    began = time.monotonic()
    assert not connector.wait(0.3)
    assert not connector.wait(0.3)
    assert time.monotonic() - began < 30
    scenario.put("one")
    assert any(connector.wait(0.5) for _ in range(60))
    assert texts(connector.fetch(START)) == ["one"]


def test_close_is_safe_twice_and_before_open(scenario: Scenario) -> None:
    connector = scenario.connector()
    connector.close()
    connector.open()
    connector.close()
    connector.close()


def test_a_connector_opens_again(scenario: Scenario, connector: PullConnector) -> None:
    scenario.put("one")
    connector.open()
    connector.close()
    connector.open()
    assert texts(connector.fetch(START)) == ["one"]


def test_fetching_while_closed_is_an_error_of_ours(scenario: Scenario) -> None:
    with pytest.raises(PipelineError):
        scenario.connector().fetch(START)


def test_only_our_own_errors_leave_a_connector(scenario: Scenario) -> None:
    for name, connector in scenario.broken().items():
        told = fault(connector)
        assert told, f"{name}: it is not broken"
        assert not any(word in told for word in PLANTED.split()), name


def fault(connector: PullConnector) -> str | None:
    """Fetch what there is, wait for more, and return which error of ours ended it."""
    try:
        connector.open()
        cursor = connector.fetch(START).cursor
        connector.fetch(cursor)
        for _ in range(2):
            connector.wait(0.01)
    except PipelineError as error:
        return str(error)
    finally:
        connector.close()
    return None

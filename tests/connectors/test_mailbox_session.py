"""One IMAP connection: every foreign error becomes ours, NetEase hears who we are, a dead IDLE is noticed."""

import imaplib
import ssl
from pathlib import Path

import pytest
from imapclient import exceptions as imapclient_errors
from kafka import errors as kafka_errors

from broker.sync_producer import translated as kafka_translated
from connectors.mailbox.connector import Mailbox
from connectors.mailbox.errors import translated
from schemas.errors import (
    MisconfiguredError,
    PipelineError,
    RetriableError,
    ThrottledError,
    UnauthorizedError,
    UnreachableError,
)
from tests.connectors.mailboxes import START, mail, mailbox, settings
from tests.fakes.imap import FakeFolder, FakeServer

METHODS = ["connect", "id_", "login", "select_folder", "search", "fetch", "noop", "idle", "idle_check", "idle_done"]


def errors_of(module: object) -> list[type[Exception]]:
    found = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Exception)]
    return list(dict.fromkeys(found))


IMAP_ERRORS = [
    *errors_of(imapclient_errors),
    imaplib.IMAP4.error,
    imaplib.IMAP4.abort,
    imaplib.IMAP4.readonly,
    OSError,
    EOFError,
    TimeoutError,
    ConnectionResetError,
    ssl.SSLError,
    ssl.SSLCertVerificationError,
    ValueError,
    KeyError,
    IndexError,
    RecursionError,
]


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    server.put(mail())
    return server


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """By which it is time to ask again."""
    clock = Clock()
    monkeypatch.setattr("connectors.mailbox.connector.time", clock)
    return clock


def use(server: FakeServer) -> None:
    """Go through everything that a connector does."""
    box = mailbox(server)
    cursor = box.fetch(START).cursor
    box.fetch(cursor)
    box.wait(0.01)
    box.fetch(cursor)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", IMAP_ERRORS, ids=lambda error: error.__name__)
def test_only_errors_of_ours_leave_the_connector(server: FakeServer, method: str, error: type[Exception]) -> None:
    server.fails(method, error("citizen@example.cn said no"))
    with pytest.raises(PipelineError) as caught:
        use(server)
    assert "citizen" not in str(caught.value)


@pytest.mark.parametrize("error", errors_of(kafka_errors), ids=lambda error: error.__name__)
def test_every_error_of_kafka_has_one_of_ours(error: type[Exception]) -> None:
    ours = kafka_translated(error.__new__(error))
    assert isinstance(ours, PipelineError)
    assert isinstance(ours, RetriableError) or not getattr(error, "retriable", False)


def failed_login(said: str, cause: Exception | None = None) -> PipelineError:
    try:
        try:
            raise cause or imaplib.IMAP4.error(said)
        except (imaplib.IMAP4.error, OSError):
            raise imapclient_errors.LoginError(said)  # noqa: B904 - as imapclient does
    except imapclient_errors.LoginError as error:
        return translated(error, "mayor")


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (failed_login("[AUTHENTICATIONFAILED] no"), UnauthorizedError),
        (failed_login("LOGIN failed. Invalid login/password"), UnauthorizedError),
        (failed_login("Unsafe Login. Please contact kefu"), UnauthorizedError),
        (failed_login("[UNAVAILABLE] Temporary authentication failure"), UnreachableError),
        (failed_login("Too many simultaneous connections"), ThrottledError),
        (failed_login("EOF", imaplib.IMAP4.abort("socket error: EOF")), UnreachableError),
        (failed_login("timed out", TimeoutError()), UnreachableError),
        (translated(imaplib.IMAP4.error("select failed: EXAMINE Unsafe Login"), "mayor"), UnauthorizedError),
    ],
)
def test_refused_logins_are_told_apart(ours: PipelineError, expected: type[PipelineError]) -> None:
    assert type(ours) is expected


def test_who_we_are_is_said_before_a_folder_is_opened(server: FakeServer) -> None:
    mailbox(server).fetch(START)
    calls = [name for name, _ in server.calls]
    assert [name for name in calls if name in ("id_", "login", "select_folder")][:4] == [
        "id_", "login", "id_", "select_folder",
    ]  # fmt: skip


def test_a_server_without_id_is_not_asked(server: FakeServer) -> None:
    server.capabilities.discard("ID")
    mailbox(server).fetch(START)
    assert not server.called("id_")


def test_a_failed_login_leaves_no_connection(server: FakeServer) -> None:
    server.fails("login", imapclient_errors.LoginError("no"))
    with pytest.raises(UnauthorizedError):
        mailbox(server)
    assert server.called("shutdown")


def test_a_wrong_certificate_file_is_a_wrong_setting(server: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="ssl_cafile"):
        mailbox(server, tls="tls", ssl_cafile=str(tmp_path / "missing.pem"))


def waiting(server: FakeServer, **changes: object) -> Mailbox:
    """A mailbox that has read everything."""
    box = mailbox(server, **changes)
    box.fetch(box.fetch(START).cursor)
    return box


def test_an_announcement_ends_the_wait(server: FakeServer) -> None:
    box = waiting(server)
    assert not box.wait(0.01)
    server.put(mail("new"))
    assert box.wait(5)


def test_mail_that_came_just_before_idle_is_not_waited_for(server: FakeServer) -> None:
    box = waiting(server)
    server.put(mail("new"))
    assert box.wait(5)
    assert not server.called("idle")


def test_idle_goes_on_over_several_waits_and_ends_before_a_command(server: FakeServer) -> None:
    box = waiting(server)
    for _ in range(3):
        box.wait(0.01)
    assert len(server.called("idle")) == 1
    box.fetch(START)
    assert len(server.called("idle_done")) == 1


def test_an_idle_connection_that_has_ended_is_noticed_and_does_not_spin(server: FakeServer) -> None:
    box = waiting(server)
    server.fails("idle_check", imaplib.IMAP4.abort("socket error: EOF"))
    with pytest.raises(UnreachableError):
        box.wait(5)


def test_idle_check_that_comes_back_early_and_empty_means_the_end(server: FakeServer) -> None:
    box = waiting(server)
    box._session._client.idle_check = lambda timeout: []  # as imapclient does after the end of the connection
    with pytest.raises(UnreachableError, match="closed"):
        box.wait(5)


def test_a_goodbye_is_the_end(server: FakeServer) -> None:
    box = waiting(server)
    box.wait(0.01)
    server.news.append((b"BYE", b"Disconnected"))
    with pytest.raises(UnreachableError, match="ended the session"):
        box.wait(5)


def test_idle_is_begun_anew_in_time(server: FakeServer, clock: Clock) -> None:
    box = waiting(server, idle_renew_seconds=60)
    assert not box.wait(0.02)
    clock.now += 60
    assert box.wait(5)


@pytest.mark.parametrize("changes", [{"idle": False}, {}])
def test_where_idle_is_missing_it_asks_from_time_to_time(
    server: FakeServer, changes: dict[str, object], clock: Clock
) -> None:
    server.capabilities.discard("IDLE")
    box = waiting(server, poll_seconds=60, **changes)
    assert not box.wait(0.01)
    clock.now += 60
    assert box.wait(0.01)
    assert not server.called("idle")


def test_several_folders_are_watched_and_polled(server: FakeServer, clock: Clock) -> None:
    server.folders["投诉"] = FakeFolder(uidvalidity=9)
    box = waiting(server, folders=["INBOX", "投诉"], poll_seconds=60)
    assert not box.wait(0.01)  # the watched folder was opened again, and nothing had changed in it
    assert server.called("idle")
    clock.now += 60
    assert box.wait(0.01)


def test_the_watched_folder_is_looked_at_when_it_is_opened_again(server: FakeServer) -> None:
    server.folders["投诉"] = FakeFolder(uidvalidity=9)
    box = waiting(server, folders=["INBOX", "投诉"])
    server.put(mail("new"))
    assert box.wait(0.01)


def test_settings_of_a_port_follow_the_encryption() -> None:
    ports: list[int] = []

    def connect(host: str, *, port: int, **options: object) -> None:
        ports.append(port)
        raise OSError

    for tls in ("tls", "starttls", "none"):
        with pytest.raises(UnreachableError):
            Mailbox(settings(tls=tls), "mayor", connect).open()
    assert ports == [993, 143, 143]

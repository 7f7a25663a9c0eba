"""Logging in as the providers want it: OAuth tokens that expire (Microsoft, Google), and who we are (NetEase)."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from imapclient.exceptions import LoginError
from pydantic import ValidationError

from connectors.mailbox import imap_client
from connectors.mailbox.connector import Mailbox
from connectors.mailbox.oauth import EARLY_SECONDS, Tokens
from schemas.errors import MisconfiguredError, PipelineError, UnauthorizedError, UnreachableError
from tests.connectors.mailboxes import START, drain, mail, mailbox, settings
from tests.fakes.imap import FakeServer
from tests.peers import dovecot
from tests.peers.netease import NetEase
from tests.peers.oauth_tokens import token
from tests.peers.presence import require
from tests.rows import each_row

METHODS = {"xoauth2": "oauth2_login", "oauthbearer": "oauthbearer_login"}


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    require(dovecot.missing())
    with dovecot.Dovecot() as server:
        server.deliver(mail("one"))
        yield server


@pytest.fixture
def source(tmp_path: Path) -> "Source":
    return Source(tmp_path)


class Source:
    """A program that prints the next of some tokens each time, the last one for ever, and how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self._tokens, self._asked = folder / "tokens", folder / "asked"
        self._asked.touch()
        code = (
            f"asked = open({str(self._asked)!r}, 'a+'); asked.write('x'); asked.seek(0); n = len(asked.read())\n"
            f"given = open({str(self._tokens)!r}).read().splitlines(); print(given[min(n, len(given)) - 1])"
        )
        self.command = (sys.executable, "-c", code)

    def gives(self, *tokens: str) -> "Source":
        self._tokens.write_text("\n".join(tokens))
        return self

    @property
    def asked(self) -> int:
        return len(self._asked.read_text())


def box(server: dovecot.Dovecot, **changes: object) -> Mailbox:
    return Mailbox(settings(port=server.port, password=None, **changes), "mayor")


@pytest.mark.integration
@pytest.mark.parametrize("auth", METHODS)
def test_an_expired_token_is_renewed_once_and_the_mail_comes(
    server: dovecot.Dovecot, source: Source, auth: str
) -> None:
    connector = box(server, auth=auth, token_command=source.gives(token(lifetime=-60), token()).command)
    connector.open()
    messages, _, _ = drain(connector)
    assert [message.value.splitlines()[-1] for message in messages] == [mail("one").splitlines()[-1]]
    assert source.asked == 2
    connector.open()  # after a lost connection: the good token is kept
    connector.close()
    assert source.asked == 2


@pytest.mark.integration
@pytest.mark.parametrize("bad", [token(lifetime=-60), "abc"], ids=["expired", "malformed"])
def test_a_token_that_stays_refused_is_tried_twice_and_no_more(
    server: dovecot.Dovecot, source: Source, bad: str
) -> None:
    refused = server.log().count("oauth2")
    connector = box(server, auth="xoauth2", token_command=source.gives(bad, bad + "x", token()).command)
    with pytest.raises(UnauthorizedError, match="token"):
        connector.open()
    assert source.asked == 2
    assert server.log().count("oauth2") > refused
    assert bad not in server.log()


def refusing(server: FakeServer) -> FakeServer:
    """Let the login fail unless the token is `good`."""

    def fault(user: str, said: str) -> None:
        if said != "good":
            raise LoginError("[AUTHENTICATIONFAILED] Authentication failed.")

    server.faults = dict.fromkeys(METHODS.values(), fault)
    return server


@pytest.mark.parametrize("auth", METHODS)
def test_a_file_that_nobody_renewed_is_not_tried_again(auth: str, tmp_path: Path) -> None:
    server, file = refusing(FakeServer()), tmp_path / "token"
    file.write_text("old\n")
    with pytest.raises(UnauthorizedError):
        mailbox(server, auth=auth, password=None, token_file=file)
    assert server.called(METHODS[auth]) == [("hotline", "old")]
    file.write_text("good\n")
    mailbox(server, auth=auth, password=None, token_file=file)
    assert server.called(METHODS[auth])[1:] == [("hotline", "good")]
    assert not server.called("login")


def test_a_password_that_is_refused_is_tried_once() -> None:
    server = FakeServer()
    server.fails("login", LoginError("[AUTHENTICATIONFAILED]"))
    with pytest.raises(UnauthorizedError):
        mailbox(server)
    assert len(server.called("login")) == 1


def tokens(command: tuple[str, ...] = (), file: Path | None = None, clock: Callable[[], float] = lambda: 0.0) -> Tokens:
    chosen = settings(auth="xoauth2", password=None, token_command=command, token_file=file)
    return Tokens(chosen, "mayor", clock)


def printing(text: str, code: int = 0) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys; sys.stdout.write({text!r}); sys.exit({code})")


def test_what_a_token_endpoint_answers_is_renewed_before_it_expires(source: Source) -> None:
    now = [0.0]
    answers = [json.dumps({"access_token": f"t{n}", "token_type": "Bearer", "expires_in": 3600}) for n in (1, 2)]
    known = tokens(source.gives(*answers).command, clock=lambda: now[0])
    assert (known.current(), known.current(), source.asked) == ("t1", "t1", 1)
    now[0] = 3600 - EARLY_SECONDS + 1
    assert (known.current(), source.asked) == ("t2", 2)


@each_row(
    ("command", "error", "words"),
    [
        (printing("planted-secret", code=3), UnreachableError, "exited with 3"),
        (printing(""), UnreachableError, "no access token"),
        (printing("two words planted-secret"), UnreachableError, "no access token"),
        (printing('{"error": "planted-secret"}'), UnreachableError, "no access token"),
        (printing('{"access_token": 7}'), UnreachableError, "no access token"),
        (("/no/such/planted-secret",), MisconfiguredError, "cannot be started"),
    ],
)
def test_a_command_that_gives_no_token_is_told_without_its_words(
    command: tuple[str, ...], error: type[PipelineError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        tokens(command).current()
    assert "planted-secret" not in str(caught.value)


def test_a_file_that_is_missing_is_asked_for_again(tmp_path: Path) -> None:
    known = tokens(file=tmp_path / "token")
    with pytest.raises(UnreachableError, match="token_file"):
        known.current()
    (tmp_path / "token").write_text("good")
    assert known.current() == "good"


@each_row(
    "changes",
    [
        {"password": None},
        {"auth": "xoauth2"},
        {"auth": "oauthbearer", "token_file": "/x", "token_command": ("x",)},
        {"auth": "kerberos"},
    ],
)
def test_settings_name_one_secret(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**changes)


@pytest.mark.integration
def test_netease_opens_its_folders_to_those_who_say_who_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with NetEase() as server:
        account = {"port": server.port, "username": "hotline@163.com", "password": "authcode", "poll_seconds": 0.1}
        connector = Mailbox(settings(**account), "mayor")
        connector.open()
        messages, letters, _ = drain(connector)
        assert [message.value.split(b"Subject: ")[1][:2] for message in messages] == [b"m1", b"m2", b"m3"]
        assert not letters
        assert connector.wait(0.2)  # no IDLE there: it asks from time to time
        connector.close()
        monkeypatch.setattr(imap_client, "_introduce", lambda client: None)
        connector.open()
        with pytest.raises((UnauthorizedError, UnreachableError), match="unsafe"):
            connector.fetch(START)
        connector.close()

"""The doctor at a real mail server: each fault is one sentence, and the mailbox stays as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.config.load import load
from hotline.doctor.accounts import mailbox
from hotline.doctor.findings import Finding, findings
from tests.peers import dovecot
from tests.peers.dovecot import Dovecot
from tests.peers.presence import require

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

OWN = "HOTLINE_CONNECTORS__MAILBOX__MAYOR__"
PASSWORD = "planted-imap-password"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    require(dovecot.missing())
    with Dovecot({"hotline": PASSWORD}) as running:
        yield running


@pytest.fixture
def account(server: Dovecot, env: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    settings = {"HOST": "127.0.0.1", "PORT": server.tls_port, "USERNAME": "hotline", "PASSWORD": PASSWORD}
    for name, value in (settings | {"SSL_CAFILE": server.certificate}).items():
        env.setenv(OWN + name, str(value))
    return env


def found() -> Finding:
    (one,) = findings("mailbox", lambda: mailbox(load(), "mayor"))
    assert PASSWORD not in one.detail
    return one


def fault() -> str:
    one = found()
    assert one.outcome == "mend", one
    return one.detail


def test_a_login_that_works(account: pytest.MonkeyPatch) -> None:
    assert found().detail == "the login works, 1 folder is accessible"


def test_a_wrong_password_is_told(account: pytest.MonkeyPatch) -> None:
    account.setenv(OWN + "PASSWORD", "planted-wrong-password")
    assert "the login is refused; check username and password" in fault()
    assert "planted" not in fault()


def test_a_folder_that_is_missing_is_told(account: pytest.MonkeyPatch) -> None:
    account.setenv(OWN + "FOLDERS", "INBOX,垃圾邮件")
    assert fault() == (
        "Mailbox mayor has no folder 垃圾邮件 that can be opened: correct `connectors.mailbox.mayor.folders`, or "
        "create the folder."
    )


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_a_stranger_s_certificate_is_told(account: pytest.MonkeyPatch, server: Dovecot, tls: str) -> None:
    account.delenv(OWN + "SSL_CAFILE")
    account.setenv(OWN + "TLS", tls)
    account.setenv(OWN + "PORT", str(server.tls_port if tls == "tls" else server.port))
    assert "name its authority's certificate in `connectors.mailbox.mayor.ssl_cafile`" in fault()


def test_a_port_without_tls_or_without_a_server_is_told(
    account: pytest.MonkeyPatch, server: Dovecot, tmp_path: Path
) -> None:
    account.setenv(OWN + "PORT", str(server.port))
    assert "begins without TLS: correct `connectors.mailbox.mayor.port`" in fault()
    account.setenv(OWN + "PORT", "9")
    one = found()
    assert (one.outcome, "The IMAP server of mailbox mayor at 127.0.0.1:9 does not answer" in one.detail) == (
        "wait",
        True,
    )

"""The sender of mails in the fault suite goes on as a mail server does, so that a lost line is no lost mail of ours."""

import smtplib

import pytest

from benchmarks.faults import sources
from benchmarks.faults.sources import Mailboxes, Numbered
from tests.peers.dovecot import Dovecot, missing
from tests.peers.presence import require

pytestmark = pytest.mark.integration


class Breaks:
    """A real Dovecot behind a line that ends before, or after, it has taken a mail."""

    def __init__(self, server: Dovecot, *, taken: bool, times: int = 1) -> None:
        self._server, self._taken, self._times = server, taken, times
        self.doveadm = server.doveadm

    def deliver(self, raw: bytes, user: str) -> None:
        if self._times:
            self._times -= 1
            if self._taken:
                self._server.deliver(raw, user)
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        self._server.deliver(raw, user)


@pytest.fixture
def mailbox() -> Numbered:
    return next(one for one in sources.numbered(100, seed=1) if one.channel == "mailbox")


@pytest.mark.parametrize("taken", [False, True])
def test_a_mail_lies_in_the_mailbox_once_though_the_line_ended(mailbox: Numbered, taken: bool) -> None:
    require(missing())
    user = f"city{mailbox.city}"
    with Dovecot(users=Mailboxes.users([mailbox.city])) as server:
        Mailboxes(Breaks(server, taken=taken)).send(mailbox)
        assert len(server.doveadm("search", "-u", user, "all").splitlines()) == 1


def test_a_line_that_never_holds_is_told(mailbox: Numbered, monkeypatch: pytest.MonkeyPatch) -> None:
    require(missing())
    monkeypatch.setattr(sources, "RETRY_SECONDS", 0)
    with Dovecot(users=Mailboxes.users([mailbox.city])) as server, pytest.raises(smtplib.SMTPServerDisconnected):
        Mailboxes(Breaks(server, taken=False, times=sources.MOST_ATTEMPTS)).send(mailbox)

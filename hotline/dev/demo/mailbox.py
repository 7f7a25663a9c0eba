"""The demo's mailbox: sample mails in a GreenMail of its own."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from hotline.dev.demo import greenmail
from hotline.dev.demo.greenmail import GreenMail
from hotline.dev.demo.samples import mails
from hotline.dev.demo.stage import Player, Stage

PREFIX = "HOTLINE_CONNECTORS__MAILBOX__DEMO_MAILBOX__"


class MailboxPlayer(Player):
    """Delivers the sample mails."""

    components: ClassVar[tuple[str, ...]] = ("connector:demo_mailbox",)

    def __init__(self, stage: Stage) -> None:
        self._server = GreenMail(stage.folder, stage.port())

    def __enter__(self) -> "MailboxPlayer":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the mailbox."""
        return account(self._server.port)

    def messages(self) -> Iterator[str]:
        """Deliver one mail after the other."""
        for mail in mails():
            self._server.deliver(mail.raw)
            yield f"📧 市长信箱  {mail.note}"


def account(imap_port: int) -> dict[str, str]:
    """Return the settings of a mailbox on GreenMail."""
    return {
        f"{PREFIX}HOST": "127.0.0.1",
        f"{PREFIX}PORT": str(imap_port),
        f"{PREFIX}TLS": "none",
        f"{PREFIX}USERNAME": greenmail.USER,
        f"{PREFIX}PASSWORD": greenmail.PASSWORD,
        f"{PREFIX}POLL_SECONDS": "1",
    }

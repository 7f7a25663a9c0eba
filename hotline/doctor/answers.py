"""The way out of receipts: the server takes our login; nothing is sent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from connectors.mailbox.reply import MailSender
from hotline.doctor.findings import Told

if TYPE_CHECKING:
    from hotline.settings import Settings


def smtp(settings: "Settings", name: str) -> Iterator[Told]:
    """Log in to the SMTP server of an account that answers by mail."""
    chosen = settings.answers[name].smtp
    if chosen is not None:
        MailSender(chosen, name).log_in()
        yield f"{chosen.host} takes {'the login' if chosen.username else 'the connection'}"

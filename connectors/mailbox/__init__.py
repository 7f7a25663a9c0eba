"""IMAP: the mail in the folders of one account, oldest first, by UID, without changing anything on the server."""

from typing import TYPE_CHECKING

from connectors.lazy import lazily
from connectors.mailbox.settings import MailboxSettings

if TYPE_CHECKING:
    from connectors.mailbox.connector import Mailbox
else:
    __getattr__ = lazily(__name__, Mailbox="connector")

__all__ = ["Mailbox", "MailboxSettings"]

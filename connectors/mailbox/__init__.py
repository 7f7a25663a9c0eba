"""IMAP: the mail in the folders of one account, oldest first, by UID, without changing anything on the server."""

from connectors.mailbox.connector import Mailbox
from connectors.mailbox.settings import MailboxSettings

__all__ = ["Mailbox", "MailboxSettings"]

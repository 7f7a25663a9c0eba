"""What IMAPClient and imaplib take for a fault, though a server may well say it: folders to read only, long answers."""

import imaplib
from typing import Any

from imapclient.response_parser import parse_message_list


def opened(client: Any, folder: str, *, readonly: bool) -> tuple[dict[bytes, Any], bool]:
    """Open a folder; return what the server says of it, and whether anything may be changed there.

    Where the account may only read, imaplib takes the answer to SELECT for a lost connection.
    """
    if not readonly:
        try:
            return client.select_folder(folder, readonly=False), True
        except imaplib.IMAP4.readonly:
            pass
    return client.select_folder(folder, readonly=True), False


def found(client: Any, uids: str) -> list[int]:
    """Return which of these UIDs there are. A server may say it in several lines; IMAPClient reads one and no other."""
    lines = client._raw_command_untagged(b"SEARCH", [b"UID", uids.encode()])
    return [uid for line in lines for uid in parse_message_list([line])]

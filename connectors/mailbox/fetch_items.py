"""FETCH items that describe a mail before its bytes are fetched, and their parser."""

from contextlib import suppress
from datetime import datetime
from email import message_from_string
from email.utils import getaddresses
from typing import Any

from msgspec import Struct

ASKED = ("INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[HEADER.FIELDS (FROM)]")
"""ENVELOPE would return all recipients of a mail, which may be 25,000 addresses."""

_FIELDS = b"BODY[HEADER.FIELDS"
"""Start of the key in the answer; some servers quote the field name."""

_FROM_BYTES = 8 * 1024
"""Limit of the From header that is read: it may hold thousands of addresses, and one is needed."""

_SENDER_LIMIT = 320


class About(Struct, frozen=True):
    """The server's description of a mail; its `size` can be wrong (GreenMail counts the body alone)."""

    received: datetime | None
    size: int
    sender: str | None


def about_of(data: dict[bytes, Any]) -> About:
    """Return the description in an answer to `ASKED`; missing items are 0 or None."""
    received = data.get(b"INTERNALDATE")
    return About(
        received if isinstance(received, datetime) and received.tzinfo else None,
        int(data.get(b"RFC822.SIZE") or 0),
        _sender(next((value for name, value in data.items() if name.startswith(_FIELDS)), None)),
    )


def _sender(fields: bytes | None) -> str | None:
    """Return the first address of From, or None if no address can be parsed."""
    with suppress(Exception):  # the standard library's parser raises unexpected errors for malformed headers
        found = message_from_string((fields or b"")[:_FROM_BYTES].decode("utf-8", "replace")).get("From", "")
        return next((address.lower()[:_SENDER_LIMIT] for _, address in getaddresses([found]) if "@" in address), None)
    return None

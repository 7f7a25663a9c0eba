"""What a server is asked about a mail before its bytes are, and what it says."""

from contextlib import suppress
from datetime import datetime
from email import message_from_string
from email.utils import getaddresses
from typing import Any

from msgspec import Struct

ASKED = ("INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[HEADER.FIELDS (FROM)]")
"""ENVELOPE would bring all that a mail is sent to, which may be 25,000 addresses."""

_FIELDS = b"BODY[HEADER.FIELDS"
"""How its answer begins; some servers quote the name."""

_FROM_BYTES = 8 * 1024
"""Of a From that may name thousands: one address is wanted."""

_SENDER_LIMIT = 320


class About(Struct, frozen=True):
    """What the server says of a mail; its `size` can be wrong (GreenMail counts the body alone)."""

    received: datetime | None
    size: int
    sender: str | None


def about_of(data: dict[bytes, Any]) -> About:
    """Return what an answer to `ASKED` says; what it lacks is 0 or None."""
    received = data.get(b"INTERNALDATE")
    return About(
        received if isinstance(received, datetime) and received.tzinfo else None,
        int(data.get(b"RFC822.SIZE") or 0),
        _sender(next((value for name, value in data.items() if name.startswith(_FIELDS)), None)),
    )


def _sender(fields: bytes | None) -> str | None:
    """Return the first address of From, None where there is none that can be read."""
    with suppress(Exception):  # the standard library's parser has met stranger headers than its authors
        found = message_from_string((fields or b"")[:_FROM_BYTES].decode("utf-8", "replace")).get("From", "")
        return next((address.lower()[:_SENDER_LIMIT] for _, address in getaddresses([found]) if "@" in address), None)
    return None

"""Signed tokens for citizens: the receipt of a submission, and the stamp of an issued form."""

import hmac
import re
import secrets
from datetime import datetime
from typing import NamedTuple

from schemas import ids

_RECEIPT = re.compile(r"([a-z2-7]{26})-([a-z2-7]{16})")
_STAMP = re.compile(r"([0-9]{1,11})\.([A-Za-z0-9_-]{16})\.([a-z2-7]{16})")


class Stamp(NamedTuple):
    """Stamp of an issued form: its nonce, and its age in seconds."""

    nonce: str
    age: float


class Receipts:
    """Creates and checks both; without the key they can neither be guessed nor derived from a message's id."""

    def __init__(self, key: bytes, jurisdiction: str, account: str) -> None:
        self._key = hmac.digest(key, f"web\n{jurisdiction}\n{account}".encode(), "sha256")

    def receipt(self, message_id: str) -> str:
        """Return the receipt of a message."""
        return f"{message_id}-{self._sign('receipt', message_id)}"

    def message_of(self, receipt: str) -> str | None:
        """Return the message of a valid receipt."""
        found = _RECEIPT.fullmatch(receipt)
        if found is None or not hmac.compare_digest(self._sign("receipt", found[1]), found[2]):
            return None
        return found[1]

    def name(self, said: str) -> str:
        """Return the id of a submission from its content; without the key no telephone can be found by trying."""
        return hmac.digest(self._key, f"name\n{said}".encode("utf-8", "surrogatepass"), "sha256").hex()

    def stamp(self, now: datetime, nonce: str | None = None) -> str:
        """Return a new stamp: the nonce (16 characters) is the form's idempotency key."""
        said = f"{int(now.timestamp())}.{nonce or secrets.token_urlsafe(12)}"
        return f"{said}.{self._sign('stamp', said)}"

    def read(self, stamp: str, now: datetime) -> Stamp | None:
        """Return the content of a valid stamp."""
        found = _STAMP.fullmatch(stamp)
        if found is None or not hmac.compare_digest(self._sign("stamp", f"{found[1]}.{found[2]}"), found[3]):
            return None
        return Stamp(found[2], now.timestamp() - int(found[1]))

    def _sign(self, what: str, text: str) -> str:
        return ids.b32_text(hmac.digest(self._key, f"{what}\n{text}".encode(), "sha256"), 16)

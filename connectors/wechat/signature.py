"""Is it the platform that speaks, and does it speak now? Signatures, timestamps and the parameters they stand in."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from schemas.errors import RefusedRequest

KNOWN = ("signature", "msg_signature", "timestamp", "nonce", "echostr", "encrypt_type")

_MILLISECONDS = 10**11
"""Seconds reach this in the year 5138; smaller numbers are seconds, greater ones milliseconds."""

_LONGEST_TIME = 14
"""Digits that `datetime` can hold, in either unit."""


def parameters(query: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the parameters that we know, each given at most once; raises RefusedRequest."""
    known = {name: query[name] for name in KNOWN if name in query}
    if any(len(values) != 1 for values in known.values()):
        raise RefusedRequest("a parameter came twice: this is not the platform", reason="parameters")
    return {name: values[0] for name, values in known.items()}


def needed(given: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """Return the named parameters; raises RefusedRequest when one is missing or empty."""
    values = tuple(given.get(name, "") for name in names)
    if not all(values):
        raise RefusedRequest("a parameter is missing: this is not the platform", reason="parameters")
    return values


def sign(*parts: str) -> str:
    """Return the platform's signature: SHA-1 of the sorted parts."""
    return hashlib.sha1(_bytes("".join(sorted(parts))), usedforsecurity=False).hexdigest()


def check_signature(tokens: Sequence[str], signature: str, *parts: str) -> str:
    """Compare with every token, in constant time, and return the one that signed; raises RefusedRequest."""
    given = _bytes(signature)
    matches = [token for token in tokens if hmac.compare_digest(sign(token, *parts).encode(), given)]
    if not matches:
        raise RefusedRequest("wrong signature: the Token here and on the platform must be the same", reason="signature")
    return matches[0]


def check_freshness(timestamp: str, now: datetime, window_seconds: float) -> None:
    """Refuse a timestamp that is none, or too far from our clock."""
    at = moment(timestamp)
    if at is None or abs((now - at).total_seconds()) > window_seconds:
        raise RefusedRequest("old timestamp: a replay, or our clock is wrong (see NTP)", reason="timestamp")


def moment(text: str) -> datetime | None:
    """Return the time of digits that are seconds or milliseconds since 1970, None when they are not."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIME):
        return None
    number = int(text)
    return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS else number, UTC)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Nonces:
    """Which nonce signed what, for a while: in plain mode the signature does not cover the body.

    The platform may repeat a request as it was. The same signature with another body is a forger's, also when it was
    overheard from a request that signed its body, or from an echo.
    """

    def __init__(self, most: int = 65_536) -> None:
        self._most = most
        self._signed: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def check(self, timestamp: str, nonce: str, body: bytes) -> None:
        """Remember a plain request; raises RefusedRequest when its nonce came with anything else."""
        digest = hashlib.sha256(body).digest()
        if self._remember(timestamp, nonce, digest) != digest:
            raise RefusedRequest("a used nonce with another body: forged", reason="nonce")

    def claim(self, timestamp: str, nonce: str) -> None:
        """Remember a request that brings no plain body; it proves itself, so it is never refused for its nonce."""
        self._remember(timestamp, nonce, b"")

    def _remember(self, timestamp: str, nonce: str, signed: bytes) -> bytes:
        """Return what came with the nonce first."""
        first = self._signed.setdefault((timestamp, nonce), signed)
        if len(self._signed) > self._most:
            self._signed.popitem(last=False)
        return first

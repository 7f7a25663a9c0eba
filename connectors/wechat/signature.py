"""Is it the platform that speaks, and does it speak now? Signatures, timestamps and the parameters they stand in."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from connectors.runtime.clock import Moments
from schemas.errors import RefusedRequest

KNOWN = ("signature", "msg_signature", "timestamp", "nonce", "echostr", "encrypt_type")

_UNITS = {10: 1, 13: 1000}
"""Seconds have ten digits until the year 2286, milliseconds three more. Any other number is none of the platform's.

Parts are signed without a seam between them, so that digits could wander from the nonce to the timestamp.
"""


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


def check_freshness(timestamp: str, moments: Moments, window_seconds: float) -> None:
    """Raise RefusedRequest (403) for a timestamp that is none, or too far from our clock."""
    at = moment(timestamp)
    if at is None or abs((moments.nearest(at) - at).total_seconds()) > window_seconds:
        raise RefusedRequest("old timestamp: a replay, or our clock is wrong (see NTP)", reason="timestamp")


def moment(text: str) -> datetime | None:
    """Return the time of digits that are seconds or milliseconds since 1970, None when they are not."""
    if not (text.isascii() and text.isdigit() and len(text) in _UNITS):
        return None
    return datetime.fromtimestamp(int(text) / _UNITS[len(text)], UTC)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


_REMEMBERED = 65_536


class Signatures:
    """Which signature came with what, for a while: in plain mode it does not cover the body.

    The platform may repeat a request as it was. The same signature with another body is a forger's, also when it was
    overheard from a request that signed its body, or from an echo. They are told apart by the signature alone: the
    parts below it can be cut otherwise. A process knows only what came to it, since its start.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, bytes] = OrderedDict()

    def check(self, signature: str, body: bytes) -> None:
        """Remember a plain request; raises RefusedRequest when its signature came with anything else."""
        digest = hashlib.sha256(body).digest()
        came_first = self._remember(signature, digest)
        if came_first != digest:
            raise RefusedRequest("a used signature with another body: forged", reason="nonce")

    def claim(self, signature: str) -> None:
        """Remember a request that brings no plain body; it proves itself, so it is never refused for a repeat."""
        self._remember(signature, b"")

    def _remember(self, signature: str, brought: bytes) -> bytes:
        """Return what came with the signature first."""
        first = self._seen.setdefault(signature, brought)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return first

"""Is it the platform that speaks, and does it speak now? A signature over time and body, or a bearer token."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from schemas.errors import RefusedRequest

TIMESTAMP_HEADER = "hotline-timestamp"
SIGNATURE_HEADER = "hotline-signature"
VERSION = "v1"

_BEARER = "Bearer "
_LONGEST_TIME = 11


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the value of Hotline-Signature: v1= and the hexadecimal HMAC-SHA256 of v1, time and body, by LF."""
    signed = f"{VERSION}\n{timestamp}\n".encode("utf-8", "surrogatepass") + body
    return f"{VERSION}={hmac.digest(secret, signed, hashlib.sha256).hex()}"


def check_signature(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime, window_seconds: float
) -> None:
    """Compare with every secret, in constant time, then the clock. Raises RefusedRequest (401)."""
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    given = headers.get(SIGNATURE_HEADER, "").encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(sign(secret, timestamp, body).encode(), given) for secret in secrets]
    if not any(matches):
        raise RefusedRequest("the request is not signed by a secret of ours", status=401, reason="signature")
    if not _is_fresh(timestamp, now, window_seconds):
        raise RefusedRequest("the timestamp is old, or a clock is wrong (see NTP)", status=401, reason="timestamp")


def check_token(secrets: Sequence[bytes], headers: Mapping[str, str]) -> None:
    """Compare the bearer token with every secret, in constant time. Raises RefusedRequest (401)."""
    given = headers.get("authorization", "").removeprefix(_BEARER).encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(secret, given) for secret in secrets]
    if not any(matches):
        raise RefusedRequest("the request has no token of ours", status=401, reason="token")


def _is_fresh(timestamp: str, now: datetime, window_seconds: float) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _LONGEST_TIME):
        return False
    return abs(now.timestamp() - int(timestamp)) <= window_seconds

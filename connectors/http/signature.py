"""What requests have in common that other systems sign with a secret of ours: its length, the signature, the clock."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from connectors.runtime.clock import Moments
from schemas.errors import RefusedRequest

TIMESTAMP_HEADER = "hotline-timestamp"
SIGNATURE_HEADER = "hotline-signature"
VERSION = "v1"

LEAST_SECRET_BYTES = 32
_LONGEST_TIME = 11


def _long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().encode()) < LEAST_SECRET_BYTES:
        raise ValueError(f"the secret is too short: give it {LEAST_SECRET_BYTES} bytes or more")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_long)]


def signature(secret: bytes, body: bytes, *said: str) -> str:
    """Return the value of Hotline-Signature: v1= and the hexadecimal HMAC-SHA256 of v1, what is said, body, by LF."""
    signed = "".join(f"{line}\n" for line in (VERSION, *said)).encode("utf-8", "surrogatepass") + body
    return f"{VERSION}={hmac.digest(secret, signed, hashlib.sha256).hex()}"


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the value of Hotline-Signature over time and body alone."""
    return signature(secret, body, timestamp)


def check_signature(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, moments: Moments, window_seconds: float
) -> None:
    """Compare with every secret, in constant time, then the clock. Raises RefusedRequest (401)."""
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    given = headers.get(SIGNATURE_HEADER, "").encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(sign(secret, timestamp, body).encode(), given) for secret in secrets]
    if not any(matches):
        raise RefusedRequest("the request is not signed by a secret of ours", status=401, reason="signature")
    check_fresh(timestamp, moments, window_seconds)


def check_fresh(timestamp: str, moments: Moments, window_seconds: float) -> None:
    """Raise RefusedRequest (401) for seconds since 1970 that are none, or too far from our clock."""
    is_time = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _LONGEST_TIME
    at = datetime.fromtimestamp(int(timestamp), UTC) if is_time else None
    if at is None or abs((moments.nearest(at) - at).total_seconds()) > window_seconds:
        raise RefusedRequest("the timestamp is old, or a clock is wrong (see NTP)", status=401, reason="timestamp")

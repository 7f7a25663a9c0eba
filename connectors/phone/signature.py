"""Is it the platform that speaks, and does it speak now? A signature over time and body, or a bearer token."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.signed import SIGNATURE_HEADER, TIMESTAMP_HEADER, check_fresh, signature
from schemas.errors import RefusedRequest

_BEARER = "Bearer "


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the value of Hotline-Signature, over time and body."""
    return signature(secret, body, timestamp)


def check_signature(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime, window_seconds: float
) -> None:
    """Compare with every secret, in constant time, then the clock. Raises RefusedRequest (401)."""
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    given = headers.get(SIGNATURE_HEADER, "").encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(sign(secret, timestamp, body).encode(), given) for secret in secrets]
    if not any(matches):
        raise RefusedRequest("the request is not signed by a secret of ours", status=401, reason="signature")
    check_fresh(timestamp, now, window_seconds)


def check_token(secrets: Sequence[bytes], headers: Mapping[str, str]) -> None:
    """Compare the bearer token with every secret, in constant time. Raises RefusedRequest (401)."""
    given = headers.get("authorization", "").removeprefix(_BEARER).encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(secret, given) for secret in secrets]
    if not any(matches):
        raise RefusedRequest("the request has no token of ours", status=401, reason="token")

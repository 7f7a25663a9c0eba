"""Signature of a delivery: Standard Webhooks 1.0, symmetric (https://www.standardwebhooks.com)."""

import base64
import hmac
from collections.abc import Iterable


def signature(keys: Iterable[bytes], delivery_id: str, timestamp: int, body: bytes) -> str:
    """Return `webhook-signature`: HMAC-SHA256 of id, Unix seconds and body, one for each key."""
    signed = b"%b.%d.%b" % (delivery_id.encode(), timestamp, body)
    digests = (hmac.digest(key, signed, "sha256") for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def signed_headers(keys: Iterable[bytes], delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a delivery."""
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(keys, delivery_id, timestamp, body),
    }

"""The signature of a back office's request: who sent it, when, and that nobody changed it on the way."""

import hmac
from collections.abc import Mapping

from connectors.backoffice.settings import BackOfficeSettings
from connectors.http.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, check_fresh, signature
from connectors.runtime.clock import Moments
from schemas.errors import RefusedRequest

KEY_HEADER = "hotline-key"

_NOBODY = b"no such key: compared with all the same, so that an answer's time tells nothing"


def sign(secret: bytes, timestamp: str, method: str, target: str, body: bytes) -> str:
    """Return the value of Hotline-Signature; `target` is path and query as in the request line."""
    return signature(secret, body, timestamp, method, target)


def verify(
    keys: Mapping[str, BackOfficeSettings],
    headers: Mapping[str, str],
    method: str,
    target: str,
    body: bytes,
    moments: Moments,
) -> BackOfficeSettings:
    """Return the key that signed a request. Raises RefusedRequest (401), which does not say what was wrong."""
    key = keys.get(headers.get(KEY_HEADER, ""))
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    given = headers.get(SIGNATURE_HEADER, "")
    secret = key.secret.get_secret_value().encode() if key else _NOBODY
    wanted = sign(secret, timestamp, method, target, body)
    same = hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogatepass"))
    if key is None or not same:
        raise RefusedRequest("the request is not signed by a key of ours", status=401, reason="signature")
    check_fresh(timestamp, moments, key.timestamp_window_seconds)
    return key

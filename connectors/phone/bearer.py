"""A bearer token, for platforms that cannot sign."""

import hmac
from collections.abc import Mapping, Sequence

from schemas.errors import RefusedRequest

_BEARER = "Bearer "


def check_token(secrets: Sequence[bytes], headers: Mapping[str, str]) -> None:
    """Compare the bearer token with every secret, in constant time. Raises RefusedRequest (401)."""
    given = headers.get("authorization", "").removeprefix(_BEARER).encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(secret, given) for secret in secrets]
    if not any(matches):
        raise RefusedRequest("the request has no token of ours", status=401, reason="token")

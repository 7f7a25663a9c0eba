"""Check that a request comes from a holder of one of our secrets, was signed now, and does not reuse a signature.

One comparison (`matching`), one check of the clock (`check_fresh`), one memory (`UsedSignatures`), and the schemes:

    sender                      scheme                   what is signed
    call platform, back office  Hotline-Signature, v1    timestamp; of a back office method and target, too; body
    call platform               bearer token             nothing: it is the secret itself
    WeChat, WeCom, Weibo        SHA-1 of sorted parts    token, timestamp, nonce, and the body if it is encrypted
    Twilio                      HMAC-SHA1                address and form fields
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, SecretStr

from connectors.runtime.clock import Moments
from schemas.errors import RefusedRequest

Key = TypeVar("Key")

LEAST_SECRET_BYTES = 32


def _long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().encode()) < LEAST_SECRET_BYTES:
        raise ValueError(f"the secret is too short: give it {LEAST_SECRET_BYTES} bytes or more")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_long)]


def matching(keys: Iterable[Key], expected: Callable[[Key], str], given: str) -> Key | None:
    """Return the first key whose expected value is the given one; None if there is none.

    Every key is compared, each in constant time: the time of an answer does not say how near a guess was.
    """
    claimed = _bytes(given)
    matches = [key for key in keys if hmac.compare_digest(_bytes(expected(key)), claimed)]
    return matches[0] if matches else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a header may hold half an emoji; it must be refused, not raise


# When it was signed.

SECONDS: Mapping[int, int] = {10: 1}
SECONDS_OR_MILLISECONDS: Mapping[int, int] = {10: 1, 13: 1000}
"""Units in a second by the number of digits: seconds have ten until the year 2286, milliseconds three more.

WeChat signs its parts without a seam between them, so that digits could wander from the nonce to the timestamp: any
other number of digits is not the platform's.
"""


def moment(text: str, units: Mapping[int, int] = SECONDS_OR_MILLISECONDS) -> datetime | None:
    """Return the time of digits that count from 1970; None for any other text."""
    if not (text.isascii() and text.isdigit() and len(text) in units):
        return None
    return datetime.fromtimestamp(int(text) / units[len(text)], UTC)


def check_fresh(at: datetime | None, moments: Moments, window_seconds: float, status: int) -> None:
    """Raise RefusedRequest with the status for a time that is missing, or too far from our clock."""
    if at is None or abs((moments.nearest(at) - at).total_seconds()) > window_seconds:
        raise RefusedRequest(
            "the timestamp is old (a replay), or a clock is wrong (check NTP)", status=status, reason="timestamp"
        )


_REMEMBERED = 65_536


class UsedSignatures:
    """The bodies of the last signatures, for schemes that do not sign the body.

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
            raise RefusedRequest("a used signature with a different body: forged", reason="nonce")

    def claim(self, signature: str) -> None:
        """Remember a request that brings no plain body; it proves itself, so it is never refused for a repeat."""
        self._remember(signature, b"")

    def _remember(self, signature: str, brought: bytes) -> bytes:
        """Return what came with the signature first."""
        first = self._seen.setdefault(signature, brought)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return first


# Hotline-Signature, and the bearer token of platforms that cannot sign.

TIMESTAMP_HEADER = "hotline-timestamp"
SIGNATURE_HEADER = "hotline-signature"
VERSION = "v1"

_BEARER = "Bearer "


def sign(secret: bytes, timestamp: str, body: bytes, *said: str) -> str:
    """Return Hotline-Signature: v1= and the hexadecimal HMAC-SHA256 of v1, timestamp, what is said, body, by LF."""
    signed = _bytes("".join(f"{line}\n" for line in (VERSION, timestamp, *said))) + body
    return f"{VERSION}={hmac.digest(secret, signed, hashlib.sha256).hex()}"


def check_signature(
    secrets: Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    moments: Moments,
    window_seconds: float,
    *said: str,
) -> None:
    """Check Hotline-Signature, then the clock. Raises RefusedRequest (401)."""
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    given = headers.get(SIGNATURE_HEADER, "")
    if matching(secrets, lambda secret: sign(secret, timestamp, body, *said), given) is None:
        raise RefusedRequest("the request is not signed with a known secret", status=401, reason="signature")
    check_fresh(moment(timestamp, SECONDS), moments, window_seconds, status=401)


def check_token(secrets: Sequence[str], headers: Mapping[str, str]) -> None:
    """Check a bearer token. Raises RefusedRequest (401)."""
    if matching(secrets, str, headers.get("authorization", "").removeprefix(_BEARER)) is None:
        raise RefusedRequest("the request has no known token", status=401, reason="token")


# The callbacks of WeChat, WeCom and Weibo.

_PARAMETERS = ("signature", "msg_signature", "timestamp", "nonce", "echostr", "encrypt_type")


def parameters(query: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the parameters that we know, each given at most once; raises RefusedRequest."""
    known = {name: query[name] for name in _PARAMETERS if name in query}
    if any(len(values) != 1 for values in known.values()):
        raise RefusedRequest("a parameter occurs twice: the sender is not the platform", reason="parameters")
    return {name: values[0] for name, values in known.items()}


def needed(given: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """Return the named parameters; raises RefusedRequest when one is missing or empty."""
    values = tuple(given.get(name, "") for name in names)
    if not all(values):
        raise RefusedRequest("a parameter is missing: the sender is not the platform", reason="parameters")
    return values


def sign_callback(*parts: str) -> str:
    """Return the platform's signature: SHA-1 of the sorted parts."""
    return hashlib.sha1(_bytes("".join(sorted(parts))), usedforsecurity=False).hexdigest()


def check_callback(tokens: Sequence[str], signature: str, *parts: str) -> str:
    """Return the token that signed; raises RefusedRequest (403)."""
    token = matching(tokens, lambda one: sign_callback(one, *parts), signature)
    if token is None:
        raise RefusedRequest("wrong signature: the Token must be the same here and on the platform", reason="signature")
    return token


def check_callback_time(timestamp: str, moments: Moments, window_seconds: float) -> None:
    """Raise RefusedRequest (403) for a callback's timestamp that makes no sense, or is too far from our clock."""
    check_fresh(moment(timestamp), moments, window_seconds, status=403)


# Twilio.

_DEFAULT_PORTS = {"https": 443, "http": 80}


def sign_twilio(token: str, url: str, fields: Sequence[tuple[str, str]]) -> str:
    """Return Twilio's signature: HMAC-SHA1 over the address and the fields, each value once, in their order."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), _bytes(text), hashlib.sha1)).decode()


def check_twilio(tokens: Sequence[str], signature: str, url: str, fields: Sequence[tuple[str, str]]) -> None:
    """Raise RefusedRequest (403) unless a known token signed the fields for this address."""
    pairs = [(token, written) for token in tokens for written in _written(url)]
    if matching(pairs, lambda pair: sign_twilio(*pair, fields), signature) is None:
        raise RefusedRequest("not signed for this address with a known token", status=403, reason="signature")


def _written(url: str) -> Iterator[str]:
    """Yield the address with its port and without: Twilio has signed either, and never the part behind #."""
    parts = urlsplit(url)._replace(fragment="")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    host = parts.netloc.removesuffix(f":{port}")
    yield urlunsplit(parts._replace(netloc=host))
    yield urlunsplit(parts._replace(netloc=f"{host}:{port}"))

"""Is it the gateway that calls? Its address, the secret in the path, and Twilio's signature."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from connectors.base import Request
from connectors.sms_http.settings import SmsHttpSettings
from schemas.errors import RefusedRequest

SIGNATURE_HEADER = "x-twilio-signature"

_DEFAULT_PORTS = {"https": 443, "http": 80}


def check(request: Request, settings: SmsHttpSettings) -> None:
    """Return when it is; raises RefusedRequest, which does not say what was wrong.

    The address comes last: who is refused for that alone is the gateway, at an address that nobody told us of.
    """
    if settings.path_secrets:
        _check_secret(request.path, [secret.get_secret_value() for secret in settings.path_secrets])
    if settings.auth_tokens:
        tokens = [token.get_secret_value() for token in settings.auth_tokens]
        _check_signature(request, tokens, settings.public_url or "")
    if settings.allowed_addresses:
        _check_address(request.client, settings.allowed_addresses)


def check_head(request: Request, settings: SmsHttpSettings) -> None:
    """The same without the body, as far as that can be: a signature is over it. Raises as `check` does."""
    if not settings.auth_tokens:
        check(request, settings)


def sign(token: str, url: str, fields: Sequence[tuple[str, str]]) -> str:
    """Return Twilio's signature: HMAC-SHA1 over the address and the fields, each value once, in their order."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.digest(token.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha1)
    return base64.b64encode(digest).decode()


def _check_address(client: str, allowed: Sequence[IPv4Network | IPv6Network]) -> None:
    address = _address(client)
    if address is None or not any(address in network for network in allowed):
        raise RefusedRequest("an address that `allowed_addresses` does not name", status=403, reason="address")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _check_secret(path: str, secrets: Sequence[str]) -> None:
    given = path.rpartition("/")[2].encode("utf-8", "surrogatepass")
    if not any([hmac.compare_digest(secret.encode(), given) for secret in secrets]):  # noqa: C419 - always all of them
        raise RefusedRequest("no gateway is called so", status=404, reason="path")


def _check_signature(request: Request, tokens: Sequence[str], url: str) -> None:
    fields = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    given = request.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "surrogatepass")
    wanted = [sign(token, written, fields).encode() for token in tokens for written in _written(url)]
    if not any([hmac.compare_digest(one, given) for one in wanted]):  # noqa: C419 - always all of them
        raise RefusedRequest("not signed for this address by a token of ours", status=403, reason="signature")


def _written(url: str) -> Iterator[str]:
    """Yield the address with its port and without: Twilio has signed either, and never the part behind #."""
    parts = urlsplit(url)._replace(fragment="")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    host = parts.netloc.removesuffix(f":{port}")
    yield urlunsplit(parts._replace(netloc=host))
    yield urlunsplit(parts._replace(netloc=f"{host}:{port}"))

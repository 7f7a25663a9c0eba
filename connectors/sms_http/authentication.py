"""Authenticates the gateway: by its address, the secret in the path, or Twilio's signature."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import parse_qsl

from connectors.base import Request
from connectors.http.signature import check_twilio, matching
from connectors.sms_http.settings import SmsHttpSettings
from schemas.errors import RefusedRequest

SIGNATURE_HEADER = "x-twilio-signature"


def check(request: Request, settings: SmsHttpSettings) -> None:
    """Return if the request is authentic; raises RefusedRequest without details of the fault.

    The address is checked last: a request that is refused only for it comes from the gateway, at an unlisted address.
    """
    if settings.path_secrets:
        _check_secret(request.path, [secret.get_secret_value() for secret in settings.path_secrets])
    if settings.auth_tokens:
        tokens = [token.get_secret_value() for token in settings.auth_tokens]
        _check_signature(request, tokens, settings.public_url or "")
    if settings.allowed_addresses:
        check_address(request.client, settings.allowed_addresses)


def check_head(request: Request, settings: SmsHttpSettings) -> None:
    """Check as far as possible without the body, which a signature covers. Raises as `check` does."""
    if not settings.auth_tokens:
        check(request, settings)


def check_address(client: str, allowed: Sequence[IPv4Network | IPv6Network]) -> None:
    """Raise RefusedRequest (403) unless the caller's address is in one of the networks."""
    address = _address(client)
    if address is None or not any(address in network for network in allowed):
        raise RefusedRequest("an address that is not in `allowed_addresses`", status=403, reason="address")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _check_secret(path: str, secrets: Sequence[str]) -> None:
    if matching(secrets, str, path.rpartition("/")[2]) is None:
        raise RefusedRequest("unknown gateway", status=404, reason="path")


def _check_signature(request: Request, tokens: Sequence[str], url: str) -> None:
    fields = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    check_twilio(tokens, request.headers.get(SIGNATURE_HEADER, ""), url, fields)

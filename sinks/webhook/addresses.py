"""Which addresses a webhook may ask: a name must not lead into our own network unless that was said (SSRF)."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

_NUMERIC = re.compile(r"(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+))*\.?", re.IGNORECASE)
"""What the C library reads as an address though it is not written as one: 127.1, 2130706433, 0x7f000001."""

_ALLOW = "set allow_private = true if that is meant"


def literal(host: str) -> Address | None:
    """Return the address that a host is written as, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_disguised(host: str) -> bool:
    """Say whether a host is an address in a form that hides which one."""
    return literal(host) is None and _NUMERIC.fullmatch(host) is not None


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    address = literal(host)
    return host == "localhost" or (address is not None and _inner(address).is_loopback)


def refusal(address: Address, *, allow_private: bool, tls: bool) -> str | None:
    """Return why an address must not be asked, None when it may.

    Link-local addresses are never asked: the metadata of a cloud's machine, with its keys, lies there.
    """
    inner = _inner(address)
    if (
        inner.is_link_local
        or inner.is_multicast
        or inner.is_unspecified
        or (inner.is_reserved and not inner.is_loopback)
    ):
        return "leads to an address that is no receiver's: correct it"
    is_private = not inner.is_global or (isinstance(inner, IPv6Address) and inner.is_site_local)
    if is_private and not allow_private:
        return f"leads to a private address: {_ALLOW}"
    if not is_private and not tls:
        return "is plain http and leads to a public address: use https"
    return None


def _inner(address: Address) -> Address:
    """Return the address that another one wraps."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address

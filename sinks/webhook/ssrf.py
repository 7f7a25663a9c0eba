"""Permitted addresses of webhooks: a name must not resolve into the internal network unless the settings allow it
(SSRF).
"""

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

from yarl import URL

Address = IPv4Address | IPv6Address

_METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # nearly all clouds
            "169.254.170.2",  # credentials of Amazon's containers
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure's host agent, a public address
            "192.0.0.192",  # Oracle
            "fd00:ec2::254",  # Amazon
            "fd00:ec2::23",
            "fd00:c1::a9fe:a9fe",  # Oracle
            "fd20:ce::254",  # Google
        ),
    )
)
"""Addresses of cloud metadata services, which hold a machine's keys; not all of them are link-local."""

_NAT64 = IPv6Network("64:ff9b::/96")
_IPV4_COMPATIBLE = IPv6Network("::/96")
_LOW_32_BITS = 0xFFFFFFFF

_NUMERIC = re.compile(r"(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+))*\.?", re.IGNORECASE)
"""Texts that the C library parses as an address although they look different: 127.1, 2130706433, 0x7f000001."""

_ALLOW = "set allow_private = true if that is meant"


def host_of(url: str) -> str:
    """Return the host of a URL as the HTTP client uses it: in IDNA, with plain digits and dots, without a final dot.

    yarl, which parses the client's URLs, turns full-width 127.0.0.1 into the plain one. It leaves percent signs,
    which are decoded here: a resolver or proxy behind it may do so. Raises ValueError for a URL without a host.
    """
    host = unicodedata.normalize("NFKC", unquote(URL(url).host or "")).lower().replace("。", ".").partition("%")[0]
    if not host.rstrip("."):
        raise ValueError("the URL has no host")
    return host.rstrip(".")


def literal(host: str) -> Address | None:
    """Return the address that a host is written as, or None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_disguised(host: str) -> bool:
    """Return whether a host is an address in a disguised form."""
    return literal(host) is None and _NUMERIC.fullmatch(host) is not None


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    address = literal(host)
    return host == "localhost" or (address is not None and _inner(address).is_loopback)


def refusal(address: Address, *, allow_private: bool, tls: bool) -> str | None:
    """Return why an address is not permitted, or None.

    Link-local addresses and cloud metadata services are never permitted: a machine's keys are there.
    """
    inner = _inner(address)
    if (
        inner in _METADATA
        or inner.is_link_local
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
    """Return the IPv4 address that an IPv6 address wraps."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):  # :: and ::1 are themselves
        return IPv4Address(int(address) & _LOW_32_BITS)
    return address.ipv4_mapped or address.sixtofour or address

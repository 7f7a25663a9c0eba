"""Resolves a webhook's host, and lets it connect only to permitted addresses (SSRF)."""

import socket
from ipaddress import ip_address

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from schemas.errors import MisconfiguredError
from sinks.webhook.ssrf import refusal


class CheckedResolver(AbstractResolver):
    """Checks each resolved address at the moment of the connection: a name may have another address tomorrow."""

    def __init__(self, setting: str, *, allow_private: bool, tls: bool) -> None:
        self._setting = setting
        self._allow_private = allow_private
        self._tls = tls
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises MisconfiguredError if one of them is not permitted."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            self._check(one["host"])
        return found

    def socket_for(self, place: AddrInfoType) -> socket.socket:
        """Return a socket for an address before the connection. Raises as `resolve` does.

        The client does not ask a resolver for a host that it parses as an address.
        """
        family, kind, protocol, _, address = place
        self._check(str(address[0]))
        return socket.socket(family, kind, protocol)

    def _check(self, address: str) -> None:
        reason = refusal(ip_address(address.partition("%")[0]), allow_private=self._allow_private, tls=self._tls)
        if reason:
            raise MisconfiguredError(f"`{self._setting}` {reason}.")

    async def close(self) -> None:
        """Close the resolver."""
        await self._inner.close()

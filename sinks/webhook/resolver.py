"""Looks up where a webhook leads, and lets it connect only where it may (SSRF)."""

import socket
from ipaddress import ip_address

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from schemas.errors import MisconfiguredError
from sinks.webhook.ssrf import refusal


class CheckedResolver(AbstractResolver):
    """Looks names up and checks each answer, in the moment of the connection: a name may lead elsewhere tomorrow."""

    def __init__(self, setting: str, *, allow_private: bool, tls: bool) -> None:
        self._setting = setting
        self._allow_private = allow_private
        self._tls = tls
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises MisconfiguredError when one of them must not be asked."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            self._check(one["host"])
        return found

    def socket_for(self, place: AddrInfoType) -> socket.socket:
        """Return a socket for an address that is about to be connected to. Raises as `resolve` does.

        The client asks no resolver about a host that it reads as an address.
        """
        family, kind, protocol, _, address = place
        self._check(str(address[0]))
        return socket.socket(family, kind, protocol)

    def _check(self, address: str) -> None:
        reason = refusal(ip_address(address.partition("%")[0]), allow_private=self._allow_private, tls=self._tls)
        if reason:
            raise MisconfiguredError(f"`{self._setting}` {reason}.")

    async def close(self) -> None:
        """Release the resolver."""
        await self._inner.close()

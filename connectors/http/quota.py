"""Shares: how much of what is scarce one address may have at once, so that it can take nothing from another."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, IPv6Network, ip_address

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors import metrics

_UNHEARD = metrics.PUSH_UNHEARD.labels("any", "share")
_REFUSED = PlainTextResponse("too many requests at once from this address", 503, {"Retry-After": "5"})


class Shares:
    """Counts what each address has at once; an address that has nothing is not remembered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    def take(self, address: str, amount: int = 1) -> bool:
        """Take an amount for an address, or return False if that is more than its share."""
        if self._taken[address] + amount > self._most:
            self._drop_if_empty(address)
            return False
        self._taken[address] += amount
        return True

    def give_back(self, address: str, amount: int = 1) -> None:
        """Give an amount back that was taken."""
        self._taken[address] -= amount
        self._drop_if_empty(address)

    def _drop_if_empty(self, address: str) -> None:
        if self._taken[address] <= 0:
            del self._taken[address]

    def __len__(self) -> int:
        return len(self._taken)


class SharedRequests:
    """Answers 503 to requests beyond one address's share; behind a trusted proxy the address is the citizen's."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._shares = Shares(most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and stop."""
        if scope["type"] != "http" or not scope.get("client"):
            await self._app(scope, receive, send)
            return
        address = subscriber(scope["client"][0])
        if not self._shares.take(address):
            _UNHEARD.inc()
            await _REFUSED(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._shares.give_back(address)


class Room:
    """Bytes of large bodies in memory at once: of all, and of one address."""

    def __init__(self, most_bytes: int, most_of_one: int) -> None:
        self._free = most_bytes
        self._shares = Shares(most_of_one)

    @contextmanager
    def hold(self, address: str) -> Iterator["Hold"]:
        """Give the room of one body, which grows with the bytes that arrive and is free again at the end."""
        hold = Hold(self, address)
        try:
            yield hold
        finally:
            hold.release()

    def take(self, address: str, amount: int) -> bool:
        """Take room, or return False if there is none."""
        if amount > self._free or not self._shares.take(address, amount):
            return False
        self._free -= amount
        return True

    def give_back(self, address: str, amount: int) -> None:
        """Give room back that was taken."""
        self._free += amount
        self._shares.give_back(address, amount)


SMALL_BYTES = 64 * 1024
"""A body that is no larger never waits for room: words come before pictures."""


class Hold:
    """Room of one body."""

    def __init__(self, room: Room, address: str) -> None:
        self._room = room
        self._address = address
        self._taken = 0

    def grow(self, size: int) -> bool:
        """Have room for `size` bytes in all, or return False if there is none."""
        if size <= max(self._taken, SMALL_BYTES):
            return True
        if not self._room.take(self._address, size - self._taken):
            return False
        self._taken = size
        return True

    def release(self) -> None:
        """Give all of it back."""
        self._room.give_back(self._address, self._taken)
        self._taken = 0


def subscriber(host: str) -> str:
    """Return what one subscriber is counted by: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or IPv6Network((address, 64), strict=False))
    return str(address)

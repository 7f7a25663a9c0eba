"""Quotas of scarce resources by address, so that one caller cannot take them from the others."""

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
    """Counts what each address has at the moment; an address without anything is not remembered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    def take(self, address: str, amount: int = 1) -> bool:
        """Take an amount for an address; return False if that exceeds its share."""
        if self._taken[address] + amount > self._most:
            self._drop_if_empty(address)
            return False
        self._taken[address] += amount
        return True

    def give_back(self, address: str, amount: int = 1) -> None:
        """Return an amount that was taken."""
        self._taken[address] -= amount
        self._drop_if_empty(address)

    def _drop_if_empty(self, address: str) -> None:
        if self._taken[address] <= 0:
            del self._taken[address]

    def __len__(self) -> int:
        return len(self._taken)


class SharedRequests:
    """Answers 503 to requests beyond an address's share; behind a trusted proxy the address is the citizen's."""

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
    """Bytes of large bodies in memory at a time: in total, and by address."""

    def __init__(self, most_bytes: int, most_of_one: int) -> None:
        self._free = most_bytes
        self._shares = Shares(most_of_one)

    @contextmanager
    def hold(self, address: str) -> Iterator["Hold"]:
        """Reserve the room of one body, which grows with the arriving bytes and is released at the end."""
        hold = Hold(self, address)
        try:
            yield hold
        finally:
            hold.release()

    def take(self, address: str, amount: int) -> bool:
        """Take room; return False if there is none."""
        if amount > self._free or not self._shares.take(address, amount):
            return False
        self._free -= amount
        return True

    def give_back(self, address: str, amount: int) -> None:
        """Release room."""
        self._free += amount
        self._shares.give_back(address, amount)


SMALL_BYTES = 64 * 1024
"""A body of at most so many bytes never waits for room: words come before pictures."""


class Hold:
    """Room of one body."""

    def __init__(self, room: Room, address: str) -> None:
        self._room = room
        self._address = address
        self._taken = 0

    def grow(self, size: int) -> bool:
        """Reserve `size` bytes in total; return False if there is no room."""
        if size <= max(self._taken, SMALL_BYTES):
            return True
        if not self._room.take(self._address, size - self._taken):
            return False
        self._taken = size
        return True

    def release(self) -> None:
        """Release everything."""
        self._room.give_back(self._address, self._taken)
        self._taken = 0


def subscriber(host: str) -> str:
    """Return the key of a subscriber's quota: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or IPv6Network((address, 64), strict=False))
    return str(address)

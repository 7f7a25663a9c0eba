"""How often one address may come, and how much may be in memory at once; both forget nothing that was accepted."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, IPv6Network, ip_address

from schemas.errors import RefusedRequest

SMALL_BYTES = 64 * 1024
"""A submission that is no larger never waits for room: words come before pictures."""

_HOUR = 3600.0


class Pace:
    """So many an hour for each name, all of them at once if need be (GCRA); the oldest names are forgotten."""

    def __init__(self, per_hour: int, most_names: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._step = _HOUR / per_hour
        self._most = most_names
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, name: str) -> float:
        """Take one turn and return 0; without a turn left take none and return the seconds until there is one."""
        now = self._clock()
        due = max(self._due.get(name, now), now)
        wait = due + self._step - now - _HOUR
        if wait > 1e-6:
            return wait
        self._due[name] = due + self._step
        self._due.move_to_end(name)
        while len(self._due) > self._most:
            self._due.popitem(last=False)
        return 0.0


class Room:
    """Bytes of large submissions in memory at once."""

    def __init__(self, most_bytes: int) -> None:
        self._free = most_bytes

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Hold room for a submission; raises RefusedRequest (503) when there is none."""
        taken = size if size > SMALL_BYTES else 0
        if taken > self._free:
            raise RefusedRequest("too much is being sent at the moment: try again soon", status=503, reason="busy")
        self._free -= taken
        try:
            yield
        finally:
            self._free += taken


def neighbour(host: str) -> str:
    """Return what one subscriber is counted by: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or IPv6Network((address, 64), strict=False))
    return str(address)

"""Tells systemd that this process gets on (`WatchdogSec`, sd_notify(3)): one that does not is started anew."""

import asyncio
import os
import socket
from contextlib import suppress

PARTS = 3
"""How often it is told within the time that systemd waits."""


def interval() -> float | None:
    """Return how often, in seconds, systemd is to be told; None when it does not wait for this process."""
    wanted = os.environ.get("WATCHDOG_USEC", "")
    waits_for = os.environ.get("WATCHDOG_PID", "")
    if not wanted.isdigit() or "NOTIFY_SOCKET" not in os.environ:
        return None
    if waits_for and waits_for != str(os.getpid()):  # for the one that started this one
        return None
    return int(wanted) / 1e6 / PARTS


def feed() -> None:
    """Tell systemd once. A socket that is away ends nothing: systemd does then."""
    path = os.environ["NOTIFY_SOCKET"]
    address = f"\0{path[1:]}" if path.startswith("@") else path
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.setblocking(False)
        told.sendto(b"WATCHDOG=1", address)


async def run() -> None:
    """Tell systemd as long as the event loop has its turns; to be cancelled."""
    if (seconds := interval()) is None:
        return
    while True:
        feed()
        await asyncio.sleep(seconds)

"""Notifies systemd of progress (`WatchdogSec`, sd_notify(3)): a process without progress is restarted."""

import asyncio
import os
import socket
from contextlib import suppress

PARTS = 3
"""Notifications within the time that systemd waits."""


def interval() -> float | None:
    """Return the interval of notifications in seconds; None if systemd does not watch this process."""
    wanted = os.environ.get("WATCHDOG_USEC", "")
    waits_for = os.environ.get("WATCHDOG_PID", "")
    if not wanted.isdigit() or "NOTIFY_SOCKET" not in os.environ:
        return None
    if waits_for and waits_for != str(os.getpid()):  # for the one that started this one
        return None
    return int(wanted) / 1e6 / PARTS


def feed() -> None:
    """Notify systemd once. A missing socket ends nothing: systemd does then."""
    path = os.environ["NOTIFY_SOCKET"]
    address = f"\0{path[1:]}" if path.startswith("@") else path
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.setblocking(False)
        told.sendto(b"WATCHDOG=1", address)


async def run() -> None:
    """Notify systemd as long as the event loop runs; until cancelled."""
    if (seconds := interval()) is None:
        return
    while True:
        feed()
        await asyncio.sleep(seconds)

"""Processes on this machine: whether those that answer on our ports are of this installation."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hotline.doctor.findings import Told
from hotline.monitor import processes
from hotline.runtime import components
from schemas.enums import counted
from schemas.errors import MisconfiguredError

if TYPE_CHECKING:
    from hotline.config.settings import Settings


def other_installations(settings: "Settings") -> Iterator[Told]:
    """Ask the ports from `telemetry.port` on, and report those on which another installation answers."""
    seen = processes.look(settings.telemetry, settings.installation, len(components.names(settings)))
    others = [one for one in seen if isinstance(one, processes.OtherInstallation)]
    for one in others:
        yield MisconfiguredError(
            f"Port {one.port} answers for another installation ({', '.join(one.components)}) or an older "
            "version: set telemetry.port so that each has its own ports, and restart the older one."
        )
    if not others:
        yield f"{counted(len(seen), 'component')} of this installation here"

"""`python -m tests.warm`: the class archives of the run's servers, which halve each of their eighty starts.

A server's first clean stop makes its archive in the background, and in a run that comes late: the session's servers
stop at its end, and most others are killed. So one stack is started and stopped before.
"""

import tempfile
import time
from pathlib import Path

from hotline.dev.stack.stack import Stack
from hotline.dev.stack.supervisor import SERVERS
from tests.light_node import light

SECONDS = 180.0
"""How long the archives are waited for; a run without them is slow, and no worse."""


def main() -> None:
    """Make what is missing of them, once for a machine."""
    with tempfile.TemporaryDirectory(prefix="hotline-warm-") as name:
        folder = Path(name)
        light(folder)
        archives = [server(folder, (0, 0)).jvm.archive for server in SERVERS.values()]
        if all(archive.exists() for archive in archives):
            return
        print(
            "Starting and stopping the servers once, so that they start in half the time (half a minute, once)",
            flush=True,
        )
        stack = Stack(folder)
        stack.up()
        stack.down()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and not all(archive.exists() for archive in archives):
            time.sleep(0.2)


if __name__ == "__main__":
    main()

"""A disk that hangs, a real one: a file system of FUSE whose server never says a word, as NFS whose server is away."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEVICE = Path("/dev/fuse")
POSSIBLE = os.geteuid() == 0 and DEVICE.exists()
"""Here, in the name space of this process; `tests/alerts/hosts.py` has one that needs no root."""


@contextmanager
def hanging(folder: Path) -> Iterator[None]:
    """Mount it over a folder while a `with` block lasts; who waits for it gets an error at the end.

    Skips the test where root may not mount, as in most containers.
    """
    server = os.open(DEVICE, os.O_RDWR)
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0"
    try:
        command = ["mount", "-i", "-t", "fuse", "-o", options, "hanging", folder]
        if subprocess.run(command, check=False, pass_fds=[server]).returncode:
            pytest.skip("this machine lets nobody mount a file system of FUSE")
        try:
            yield
        finally:
            os.close(server)
            server = -1
            subprocess.run(["umount", "-l", folder], check=True)
    finally:
        if server >= 0:
            os.close(server)

"""A disk that hangs, a real one: a file system of FUSE whose server never says a word, as NFS whose server is away."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.presence import require

DEVICE = "/dev/fuse"
_MAY_NOT = "nobody may mount a file system of FUSE here: run as root of a machine that has /dev/fuse"


@contextmanager
def hanging(folder: Path) -> Iterator[Path]:
    """Make a folder and mount it there while a `with` block lasts; who waits for it gets an error at the end."""
    require(None if os.access(DEVICE, os.R_OK | os.W_OK) else _MAY_NOT)
    folder.mkdir()
    server = os.open(DEVICE, os.O_RDWR)
    try:
        done = subprocess.run(_mount(server, folder), check=False, pass_fds=[server])
        require(_MAY_NOT if done.returncode else None)
        yield folder
    finally:
        os.close(server)
        subprocess.run(["umount", "-l", folder], check=False)


def shell(folder: Path) -> str:
    """Return what lets a shell have it in a name space of its own."""
    return f"exec 9<>{DEVICE} && {shlex.join(_mount(9, folder))}"


def _mount(server: int, folder: Path) -> list[str]:
    return [
        "mount",
        "-i",
        "-t",
        "fuse",
        "-o",
        f"fd={server},rootmode=40000,user_id=0,group_id=0",
        "hanging",
        f"{folder}",
    ]

"""Fetch one jar by its Maven coordinate, in pure Python."""

import logging
import os
from pathlib import Path

from jgo.maven import MavenContext, PythonResolver

from hotline.local.errors import StackError

MIRROR = "HOTLINE_LOCAL__MAVEN_MIRROR"
_TIMEOUT_SECONDS = 30

# jgo's own warnings name addresses; what a user must know is said here.
logging.getLogger("jgo").setLevel(logging.CRITICAL)


def download(coordinate: str, folder: Path) -> Path:
    """Fetch the jar of `group:artifact:version` into the empty `folder`."""
    group, artifact, version = coordinate.split(":")
    mirror = os.environ.get(MIRROR)
    context = MavenContext(
        resolver=PythonResolver(),
        repo_cache=folder,
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=_TIMEOUT_SECONDS,
    )
    try:
        return context.project(group, artifact).at_version(version).artifact().resolve()
    except OSError as error:
        if error.errno is not None:  # of the disk; the network's faults come without a number
            raise
        raise StackError(
            "The jar repository cannot be reached: check the network (HTTPS_PROXY names a proxy, "
            f"{MIRROR} a mirror) and run `hotline up` again; what is already here is kept."
        ) from error
    except RuntimeError as error:
        raise StackError(
            f"The jar repository does not hand out {coordinate}: try again later, or name a mirror in {MIRROR}."
        ) from error

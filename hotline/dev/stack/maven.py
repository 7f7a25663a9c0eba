"""Fetch one jar by its Maven coordinate, in pure Python."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import tenacity

from hotline.dev.stack.errors import StackError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

MIRROR = "HOTLINE_LOCAL__MAVEN_MIRROR"
_TIMEOUT_SECONDS = 30
_ATTEMPTS = 3

# jgo's own warnings name addresses; what a user must know is said here.
logging.getLogger("jgo").setLevel(logging.CRITICAL)


class _NoAnswerError(StackError):
    """The repository cannot be reached just now."""


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(_NoAnswerError),
    stop=tenacity.stop_after_attempt(_ATTEMPTS),
    wait=tenacity.wait_exponential(multiplier=0.5),
    reraise=True,
)
def download(coordinate: str, folder: Path, advance: Callable[[int], None], mirror: str | None = None) -> Path:
    """Fetch the jar of `group:artifact:version` into the empty `folder`, telling `advance` of each piece.

    Raises StackError.
    """
    group, artifact, version = coordinate.split(":")
    context = _context(folder, advance, mirror or os.environ.get(MIRROR))
    try:
        return context.project(group, artifact).at_version(version).artifact().resolve()
    except OSError as error:
        if error.errno is not None:  # of the disk; the network's faults come without a number
            raise
        raise _NoAnswerError(
            f"The jar repository cannot be reached: check the network (HTTPS_PROXY names a proxy, {MIRROR} "
            "a mirror) and run `hotline up` again; downloaded files are kept."
        ) from error
    except RuntimeError as error:
        raise StackError(
            f"The jar repository does not return {coordinate}: try again later, or name a mirror in {MIRROR}."
        ) from error


def _context(folder: Path, advance: Callable[[int], None], mirror: str | None) -> "MavenContext":
    # Here alone: its HTTP client costs 0.15 CPU-seconds, and `hotline status` downloads nothing.
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def pieces(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    return MavenContext(
        resolver=PythonResolver(progress_callback=pieces),
        repo_cache=folder,
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=_TIMEOUT_SECONDS,
    )

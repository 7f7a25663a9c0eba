"""Jars pinned by coordinate and SHA-256: fetched in parallel, verified, kept in the user's cache."""

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from hotline.local.errors import StackError
from hotline.local.maven import download as from_maven
from hotline.local.paths import HERE, cache_dir
from hotline.local.progress import SILENT, Progress

KAFKA = HERE / "kafka.lock"
ELASTICSEARCH = HERE / "elasticsearch.lock"
GREENMAIL = HERE / "greenmail.lock"

Download = Callable[[str, Path], Path]

_THREADS = 8


@dataclass(frozen=True)
class Jar:
    """One line of a lock file."""

    sha256: str
    size: int
    coordinate: str

    @property
    def path(self) -> Path:
        """Return where the cache keeps it; the digest in the path lets versions and checkouts share the cache."""
        _, artifact, version = self.coordinate.split(":")
        return cache_dir() / "jars" / self.sha256[:16] / f"{artifact}-{version}.jar"


def read_lock(lock: Path) -> list[Jar]:
    """Read a lock file: one `sha256  bytes  group:artifact:version` a line."""
    lines = (line.split() for line in lock.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [Jar(digest, int(size), coordinate) for digest, size, coordinate in lines]


def jar_paths(lock: Path) -> list[Path]:
    """Return where the jars of `lock` are kept, without looking at them."""
    return [jar.path for jar in read_lock(lock)]


def fetch_jars(*locks: Path, progress: Progress = SILENT, download: Download = from_maven) -> list[Path]:
    """Return the verified jars of `locks`, fetching those that the cache lacks."""
    jars = [jar for lock in locks for jar in read_lock(lock)]
    with ThreadPoolExecutor(_THREADS) as pool:
        intact = list(pool.map(_is_intact, jars))
    missing = [jar for jar, good in zip(jars, intact, strict=True) if not good]
    if missing:
        require_room(cache_dir(), sum(jar.size for jar in missing), "the jars")
        _fetch_all(missing, progress, download)
    return [jar.path for jar in jars]


def require_room(folder: Path, size: int, what: str) -> None:
    """Refuse to begin when the disk of `folder` cannot take `size` more bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise _no_room(folder, f"{what} need {size >> 20} MiB and {free >> 20} MiB are free")


def _fetch_all(jars: Sequence[Jar], progress: Progress, download: Download) -> None:
    total, done = sum(jar.size for jar in jars), 0
    text = f"Fetching {len(jars)} jars"
    progress.bar(text, 0, total)
    with ThreadPoolExecutor(_THREADS) as pool:
        pending = {pool.submit(_fetch, jar, download): jar for jar in jars}
        while pending:
            finished, _ = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
            done += sum(pending[future].size for future in finished)
            progress.bar(text, done, total)
            for future in finished:
                del pending[future]
                if future.exception():
                    pool.shutdown(cancel_futures=True)
                future.result()


def _fetch(jar: Jar, download: Download) -> None:
    cache = cache_dir()
    try:
        with tempfile.TemporaryDirectory(dir=cache, prefix="partial-") as folder:
            fetched = download(jar.coordinate, Path(folder))
            _verify(jar, fetched)
            jar.path.parent.mkdir(parents=True, exist_ok=True)
            # The rename is what makes it real: a break, or another checkout fetching the same, does no harm.
            fetched.replace(jar.path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(cache, "the disk is full") from error
        raise StackError(
            f"Cannot write to {cache} ({error.strerror}): make it writable or set XDG_CACHE_HOME."
        ) from error


def _verify(jar: Jar, path: Path) -> None:
    found = _digest(path)
    if found != jar.sha256:
        raise StackError(
            f"Wrong checksum for {jar.coordinate}: expected SHA-256 {jar.sha256[:12]}…, got {found[:12]}…; nothing was "
            "installed. Try again, and if it stays so do not use this network or mirror."
        )


def _is_intact(jar: Jar) -> bool:
    try:
        return _digest(jar.path) == jar.sha256
    except FileNotFoundError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_room(folder: Path, why: str) -> StackError:
    return StackError(
        f"No room in {folder}: {why}. Free some space, or move the cache with XDG_CACHE_HOME "
        "and the data with HOTLINE_LOCAL__DATA_DIR."
    )

"""Jars pinned by coordinate and SHA-256: fetched in parallel, verified, kept in the user's cache."""

import hashlib
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from hotline.dev.stack.disk import PARTIAL, require_room, set_age, writing
from hotline.dev.stack.errors import StackError
from hotline.dev.stack.maven import download as from_maven
from hotline.dev.stack.paths import HERE, cache_dir
from hotline.dev.stack.progress import SILENT, Progress

KAFKA = HERE / "kafka.lock"
ELASTICSEARCH = HERE / "elasticsearch.lock"
GREENMAIL = HERE / "greenmail.lock"
SMSGATE = HERE / "smsgate.lock"

Advance = Callable[[int], None]
Download = Callable[[str, Path, Advance], Path]

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


def _fetch_all(jars: Sequence[Jar], progress: Progress, download: Download) -> None:
    total, lock, done = sum(jar.size for jar in jars), threading.Lock(), 0

    def advance(size: int) -> None:
        nonlocal done
        with lock:
            done += size
            progress.bar(f"Fetching {len(jars)} {'jars' if len(jars) > 1 else 'jar'}", done, total)

    advance(0)
    # The big ones first, so that none of them is waited for alone at the end.
    queue = sorted(jars, key=lambda jar: jar.size, reverse=True)
    pool = ThreadPoolExecutor(_THREADS)
    try:
        for future in as_completed([pool.submit(_fetch, jar, download, advance) for jar in queue]):
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _fetch(jar: Jar, download: Download, advance: Advance) -> None:
    with writing(cache_dir()), tempfile.TemporaryDirectory(dir=cache_dir(), prefix=PARTIAL) as folder:
        fetched = download(jar.coordinate, Path(folder), advance)
        _verify(jar, fetched)
        set_age(fetched)
        jar.path.parent.mkdir(parents=True, exist_ok=True)
        # The rename is what makes it real: a break, or another checkout fetching the same, does no harm.
        fetched.replace(jar.path)


def _verify(jar: Jar, path: Path) -> None:
    found = _digest(path)
    if found != jar.sha256:
        raise StackError(
            f"Wrong checksum for {jar.coordinate}: expected SHA-256 {jar.sha256[:12]}…, got {found[:12]}…; "
            "the file was deleted. Run `hotline up` again. If the error persists, do not trust this "
            "network or mirror."
        )


def _is_intact(jar: Jar) -> bool:
    try:
        return _digest(jar.path) == jar.sha256
    except (FileNotFoundError, NotADirectoryError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

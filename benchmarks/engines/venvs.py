"""A virtual environment for each engine whose dependencies are not ours, made when it is first measured."""

import subprocess
import sys
from pathlib import Path

from hotline.dev.stack.paths import cache_dir

JOB = ("msgspec==0.22.0", "xxhash==4.1.0")
CONFLUENT = "confluent-kafka==2.16.1"


def python_of(engine: str, packages: tuple[str, ...]) -> Path:
    """Return the interpreter that has these packages; without any it is our own. Raises SystemExit without them."""
    if not packages:
        return Path(sys.executable)
    folder = cache_dir() / "engines" / engine
    python = folder / "bin" / "python"
    wanted = "\n".join((*packages, *JOB))
    done = folder / "installed"
    if not done.exists() or done.read_text() != wanted:
        print(f"Installing {', '.join(packages)} into {folder}", file=sys.stderr)
        install: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *packages,
            *JOB,
        ]
        make: list[str | Path] = [sys.executable, "-m", "venv", "--clear", folder]
        for command in (make, install):
            if subprocess.run(command, check=False).returncode:
                raise SystemExit(f"{engine} cannot be installed: see above")
        done.write_text(wanted)
    return python

"""Python tools whose own pins would hold ours back: each in an environment of its own in the user's cache.

A tool's `requirements.lock` is made of its `requirements.txt` as our own: ``uv pip compile requirements.txt --universal
--python-version 3.11 --generate-hashes --no-header -o requirements.lock``.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

from tests.peers.presence import INSTALL_SECONDS, installing, require

HERE = Path(__file__).parent


def scripts(tool: str) -> Path:
    """Return the folder of a tool's commands; skips the test when this machine cannot have it."""
    lock = HERE / tool / "requirements.lock"
    digest = hashlib.sha256(f"{sys.version}\n{lock.read_text(encoding='utf-8')}".encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hotline" / f"{tool}-{digest}"
    with installing(folder) as missing:
        if missing:
            require(_installed(folder, lock))
    return folder / "bin"


def _installed(folder: Path, lock: Path) -> str | None:
    """Install beside and rename, so that nobody finds half of it; return what went wrong."""
    uv = find_uv_bin()
    building = folder.with_name(f"{folder.name}.{os.getpid()}")
    python = building / "bin" / "python"
    steps = [
        [uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(building)],
        [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(python), "-r", str(lock)],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        if done.returncode != 0:
            shutil.rmtree(building, ignore_errors=True)
            return f"{lock} could not be installed: see that the package index can be reached"
    building.rename(folder)
    return None

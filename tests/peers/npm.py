"""The npm packages of package-lock.json, installed once into the user's cache and never into the project."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.peers.presence import INSTALL_SECONDS, installing, require

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json")


def modules(lock: Path = HERE) -> Path:
    """Return the node_modules folder, for NODE_PATH; skips the test when this machine cannot have it."""
    require(None if shutil.which("node") and shutil.which("npm") else "no node here: apt-get install nodejs npm")
    digest = hashlib.sha256(b"".join((lock / name).read_bytes() for name in FILES)).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hotline" / f"peers-{digest}"
    with installing(folder) as missing:
        if missing:
            require(_installed(folder, lock))
    return folder / "node_modules"


def _installed(folder: Path, lock: Path) -> str | None:
    """Install beside and rename, so that nobody finds half of it; return what went wrong."""
    building = folder.with_name(f"{folder.name}.{os.getpid()}")
    building.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(lock / name, building)
    command = ["npm", "ci", "--omit-lockfile-registry-resolved", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=building, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    if done.returncode == 0:
        building.rename(folder)
    shutil.rmtree(building, ignore_errors=True)
    return None if done.returncode == 0 else f"npm ci failed in {lock}: see that the npm registry can be reached"

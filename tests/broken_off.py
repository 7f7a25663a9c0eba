"""A write into a blob store that a kill breaks off: what obstore leaves of it."""

import subprocess
import sys
from pathlib import Path

_WRITE = """
import resource, signal, sys
import obstore
from obstore.store import LocalStore
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the process is killed by its first byte over the limit
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
obstore.put(LocalStore(sys.argv[1], mkdir=True), sys.argv[2], b"words" * 100_000)
"""


def break_off(folder: Path, path: str) -> Path:
    """Begin to store an object in a process that is killed meanwhile; return the file that is left."""
    done = subprocess.run([sys.executable, "-c", _WRITE, str(folder), path], capture_output=True, check=False)
    left = folder / f"{path}#1"
    assert (done.returncode < 0, left.stat().st_size) == (True, 65536), done.stderr
    return left

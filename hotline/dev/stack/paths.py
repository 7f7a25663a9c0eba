"""Where the local stack finds its templates, and the cache that all checkouts of a user share."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "config"
JAVA_SOURCES = HERE / "java"


def cache_dir() -> Path:
    """Return the folder that all checkouts of this user share."""
    root = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (root if root.is_absolute() else Path.home() / ".cache") / "hotline"

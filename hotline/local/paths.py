"""Where the local stack keeps things: jars in the user's cache, data beside the settings file."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "config"
JAVA_SOURCES = HERE / "java"


def cache_dir() -> Path:
    """Return the folder that all checkouts of this user share."""
    root = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (root if root.is_absolute() else Path.home() / ".cache") / "hotline"


def data_dir(settings_file: Path | None = None) -> Path:
    """Return this checkout's data folder: HOTLINE_LOCAL__DATA_DIR, or `.hotline` beside the settings file."""
    chosen = os.environ.get("HOTLINE_LOCAL__DATA_DIR")
    beside = settings_file.resolve().parent if settings_file else Path.cwd()
    return Path(chosen).expanduser().resolve() if chosen else beside / ".hotline"

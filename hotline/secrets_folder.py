"""The folder of secrets, one file each: what cannot be read in it is told before anything is made of it."""

from collections.abc import Iterator
from pathlib import Path


def look(folder: Path, *, named: bool) -> tuple[list[str], list[str]]:
    """Return what keeps the folder from being read, in sentences, and the names of the files in it.

    `named` says that somebody asked for this folder: then it must be there. No sentence quotes a secret.
    """
    if not folder.is_dir():
        return ([f"HOTLINE_SECRETS_DIR names {folder}, which is no folder: correct it."] if named else []), []
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        return [f"The folder of secrets {folder} cannot be read ({error.strerror}): let this user read it."], []
    return [fault for file in files for fault in _faults(file)], [file.name.upper() for file in files]


def _faults(file: Path) -> Iterator[str]:
    try:
        file.read_bytes().decode()
    except OSError as error:
        yield f"The secret {file} cannot be read ({error.strerror}): let this user read it."
    except UnicodeDecodeError:
        yield f"The secret {file} is no UTF-8 text: write it again."

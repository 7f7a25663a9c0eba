"""The folder of secrets, one file each: what cannot be read in it is told before anything is made of it."""

from pathlib import Path


def look(folder: Path, *, named: bool) -> tuple[list[str], dict[str, str]]:
    """Return what keeps the folder from being read, in sentences, and what its files say, by their variables.

    `named` says that somebody asked for this folder: then it must be there. No sentence quotes a secret.
    """
    if not folder.is_dir():
        return ([f"HOTLINE_SECRETS_DIR names {folder}, which is no folder: correct it."] if named else []), {}
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        return [f"The folder of secrets {folder} cannot be read ({error.strerror}): let this user read it."], {}
    faults, said = [], {}
    for file in files:
        try:
            said[file.name.upper()] = file.read_bytes().decode().strip()
        except OSError as error:
            faults.append(f"The secret {file} cannot be read ({error.strerror}): let this user read it.")
        except UnicodeDecodeError:
            faults.append(f"The secret {file} is no UTF-8 text: write it again.")
    return faults, said

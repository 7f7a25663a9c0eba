"""`python -m tests.mutants [WORD ...]`: do the tests of a module fail if the module is wrong?

A mutant is one change of one line that breaks a promise. Each is made in a copy of the project, where the tests named
beside it must fail. Run it before and after tests are merged or removed: whatever was caught has to be caught still.
With words, only the mutants whose file or test contains one of them. The exit code is 1 if a mutant is not caught.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
NO_PART = shutil.ignore_patterns(".git", ".venv", ".hotline", "__pycache__", ".*_cache")
FAILED = 1
"""Exit code of pytest if a test fails; any other means that none was judged."""


class Mutant(NamedTuple):
    """In `file` the text `right`, which stands there once, becomes `wrong`; tests in `caught_by` have to fail."""

    file: str
    right: str
    wrong: str
    caught_by: str


CHECKS = "tests/hotline/test_checks.py"
SETTINGS, LOAD, ERRORS, LOOKS = (
    f"hotline/{name}.py" for name in ("config/settings", "config/load", "config/errors", "doctor/checks")
)

MUTANTS = [
    Mutant(SETTINGS, "default=1, ge=1, le=9,", "default=1, ge=-9, le=9,", CHECKS),
    Mutant(SETTINGS, "Field(ge=1, le=1024)", "Field(ge=-1, le=1024)", CHECKS),
    Mutant(SETTINGS, "Field(default=15.0, ge=1,", "Field(default=15.0, ge=-1,", CHECKS),
    Mutant(SETTINGS, "Field(default=19120, ge=0,", "Field(default=19120, ge=-9,", CHECKS),
    Mutant(SETTINGS, "default=1.0, gt=0, le=1,", "default=1.0, ge=-1, le=1,", CHECKS),
    Mutant(LOOKS, "name.endswith(FOLDER_SUFFIXES)", "name.endswith(())", CHECKS),
    Mutant(LOOKS, "not value.is_file():", "value.is_dir():", CHECKS),
    Mutant(
        LOOKS, "program that writes it, or correct the name.", "program that writes it, or correct the name", CHECKS
    ),
    Mutant(LOOKS, "with suppress(AttributeError):", "with suppress(KeyError):", CHECKS),
    Mutant(LOAD, "faults += [*sentences(told, named), ", "faults += [", CHECKS),
]


def is_caught(mutant: Mutant, copy: Path) -> bool:
    """Return whether a test fails; raises ValueError if the text is not there once, or if no test was judged."""
    file = copy / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.right) != 1:
        raise ValueError(
            f"{mutant.file} contains {mutant.right!r} {text.count(mutant.right)} times: correct the mutant."
        )
    file.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:randomly", mutant.caught_by]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    finally:
        file.write_text(text, encoding="utf-8")
    if done.returncode not in {0, FAILED}:
        raise ValueError(f"{mutant.caught_by} did not run with {mutant.wrong!r}:\n{done.stdout[-2000:]}")
    return done.returncode == FAILED


def main(words: list[str]) -> int:
    """Print one line for each mutant."""
    chosen = [one for one in MUTANTS if not words or any(word in one.file + one.caught_by for word in words)]
    escaped = 0
    with tempfile.TemporaryDirectory(prefix="hotline-mutants-") as name:
        copy = Path(name) / "hotline"
        shutil.copytree(ROOT, copy, ignore=NO_PART)
        for mutant in chosen:
            caught = is_caught(mutant, copy)
            escaped += not caught
            print("caught " if caught else "ESCAPED", mutant.file, mutant.wrong, flush=True)
    print(f"{len(chosen) - escaped} of {len(chosen)} caught")
    return int(escaped > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

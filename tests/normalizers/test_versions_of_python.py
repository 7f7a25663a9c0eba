"""Messages are the same, byte for byte, under each version of Python and each seed of hashes, precompiled or not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLDEST = (3, 11)

DIGEST = """
import hashlib, json
from datetime import UTC, datetime
from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.rules import DEFAULT_RULES
from normalizers.text import classifier
from schemas.codec import encode
from schemas.records import raw_message
AT = datetime(2026, 1, 1, tzinfo=UTC)
texts = [line["text"]
    for file in ("kind_heard", "category_heard")
    for line in DEFAULT_RULES.table(file, ("value", "text"))]
letters = ["\\n".join(texts[at::len(texts) // 4][:at % 4 + 1]) for at in range(600)]
whole = hashlib.sha256()
judged = classifier.judged
def written(*values):
    found = judged(*values)
    whole.update(repr(found).encode())
    return found
classifier.judged = written
for number, text in enumerate(letters):
    raw = raw_message(
        channel="record", channel_kind="letter", account="example", jurisdiction="210100", identifier=str(number),
        value=json.dumps({"id": str(number), "text": text, "sender": "13800000000"}).encode(),
        content_type="application/json", time=AT, recorded=AT, sender="example",
    )
    whole.update(encode(normalize(raw, Policy()).message))
print(whole.hexdigest())
"""
"""Normalizes made-up letters, of one to four sentences of the rules' own, and prints a digest of all messages.

A message has three digits of a score: all digits of it are in the digest as well.
"""


def interpreters(folder: Path) -> dict[str, Path]:
    """Return an interpreter for each version of Python on this machine, with all that the project requires.

    A version whose packages cannot be had (no network, no wheel) is left out.
    """
    uv, home = Path(sys.executable).with_name("uv"), Path.home()
    folders = [Path(one) for one in os.environ["PATH"].split(os.pathsep)]
    folders += [*home.glob(".pyenv/versions/3.*/bin"), *home.glob(".local/share/uv/python/cpython-3.*/bin")]
    found = {f"python3.{sys.version_info.minor}": Path(sys.executable)}
    for one in sorted(path for bin_folder in folders for path in bin_folder.glob("python3.1[0-9]")):
        python = folder / one.name / "bin" / "python"
        steps = (
            [one, "-c", f"import sys; sys.exit(sys.version_info < {OLDEST})"],
            [uv, "venv", "--quiet", "--clear", "--python", one, python.parents[1]],
            [uv, "pip", "install", "--quiet", "--no-deps", "--python", python, "-r", ROOT / "requirements.lock"],
        )
        if one.name not in found and all(subprocess.run(step, check=False).returncode == 0 for step in steps):
            found[one.name] = python
    return found


@pytest.mark.long
@pytest.mark.timeout(1_200)  # it installs the packages for each version
def test_messages_are_the_same_under_each_version_and_hash_seed(tmp_path: Path) -> None:
    pythons = interpreters(tmp_path)
    for version, python in pythons.items():
        subprocess.run(
            [python, "-m", "normalizers.precompile"],
            cwd=ROOT,
            env={"PYTHONPYCACHEPREFIX": str(tmp_path / version / "2")},
            check=True,
        )
    found = {
        (version, seed): subprocess.run(
            [python, "-c", DIGEST],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPYCACHEPREFIX": str(tmp_path / version / seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for version, python in pythons.items()
        for seed in ("1", "2")
    }
    assert len(set(found.values())) == 1, found

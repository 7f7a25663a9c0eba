"""The bill of materials that `make sbom` writes is checked by CycloneDX's schemas."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT

PACKAGE: dict[str, Any] = {"type": "library", "name": "hotline", "licenses": [{"license": {"id": "Apache-2.0"}}]}


def checked(package: dict[str, Any], folder: Path) -> "subprocess.CompletedProcess[str]":
    written = folder / "sbom.json"
    written.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [package]}), "utf-8")
    command = [sys.executable, ROOT / ".ci" / "check_sbom.py", written]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_sound_one_passes(tmp_path: Path) -> None:
    done = checked(PACKAGE, tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/sbom.json lists 1 packages\n")


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "thing"},
        {"licenses": [{"license": {"id": "none of SPDX's"}}]},
        {"externalReferences": [{"type": "website", "url": "not an address"}]},
        {"mood": "good"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_one_does_not(wrong: dict[str, Any], tmp_path: Path) -> None:
    done = checked(PACKAGE | wrong, tmp_path)
    assert done.returncode == 1
    assert "ValidationError" in done.stderr

"""What `make` does for all that it starts."""

import subprocess

import pytest

from tests.docs.pages import ROOT


def test_what_python_compiles_is_kept_whatever_the_machine_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    command = ["make", "--silent", "--eval=told:; @env", "told"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "PATH=" in told.stdout
    assert "PYTHONDONTWRITEBYTECODE" not in told.stdout

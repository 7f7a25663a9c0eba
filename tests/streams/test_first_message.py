"""The first message after a start waits for nothing that could be read before it: it may be an emergency."""

import json
import subprocess
import sys

import pytest

from normalizers.base import Policy
from normalizers.registry import NORMALIZERS
from normalizers.warmup import EXAMPLE
from streams import screen


@pytest.mark.parametrize("stage", ["screen", "normalize"])
def test_whatever_channel_it_comes_by_it_reads_no_file_and_compiles_no_pattern(stage: str) -> None:
    command = [sys.executable, "-m", "tests.streams.first_message", stage]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == {f"{channel}{kind}": [] for channel in NORMALIZERS for kind in ("", ", urgent")}


def test_the_example_is_an_emergency() -> None:
    handed = screen.screen(EXAMPLE, Policy())
    assert handed is not None
    assert b"12" in handed.outbound.value

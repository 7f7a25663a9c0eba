"""Golden cases: a folder is a test, `cases/<channel>/<case>/raw.*` in, `expected.json` out.

`HOTLINE_WRITE_CASES=1 pytest tests/normalizers/test_cases.py` writes the expected messages anew: read the difference.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.registry import NORMALIZERS
from schemas.codec import encode
from schemas.records import RawMessage

FOLDER = Path(__file__).parent / "cases"
OF_THEIR_OWN = {"mailbox", "sms", "phone"}
"""Channels whose cases need more than one file of bytes: tests beside this one read them."""

CHANNELS = {folder.name for folder in FOLDER.iterdir()} - OF_THEIR_OWN
CASES = sorted(case for channel in CHANNELS for case in (FOLDER / channel).iterdir() if case.is_dir())


def understood(raw: RawMessage) -> dict[str, Any]:
    """Return the message without the grams, which are tested against plain arithmetic elsewhere."""
    message: dict[str, Any] = json.loads(encode(normalize(raw, Policy()).message))
    del message["features"]["grams"]
    return message


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_case_gives_its_message(case: Path, raw: Callable[..., RawMessage]) -> None:
    (source,) = case.glob("raw.*")
    value = source.read_bytes()
    # As the raw side names a record that has no id of its own.
    identifier = hashlib.sha256(value).hexdigest() if case.name == "without_id" else "1"
    made = understood(raw(value, case.parent.name, identifier=identifier))
    expected = case / "expected.json"
    if os.environ.get("HOTLINE_WRITE_CASES"):
        expected.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert made == json.loads(expected.read_text("utf-8"))


def test_every_channel_has_cases() -> None:
    assert {case.parent.name for case in FOLDER.glob("*/*")} == set(NORMALIZERS)

"""Golden cases: a folder is a test, `cases/phone/<case>/raw.*` in, `expected.json` out; the suffix says what it is.

`HOTLINE_WRITE_CASES=1 pytest tests/normalizers/phone/test_cases.py` writes the expected messages anew.
"""

import json
import os
from pathlib import Path
from typing import Any

from schemas.codec import encode
from tests.normalizers.phone.raws import AMI, JSON, MASTER, SHEET, understood
from tests.rows import each_row

CASES = sorted(path for path in (Path(__file__).parents[1] / "cases" / "phone").iterdir() if path.is_dir())
KAMAILIO = "application/json; shape=kamailio; platform=sip"
TYPES = {".json": JSON, ".kamailio": KAMAILIO, ".ami": AMI, ".master": MASTER, ".csv": SHEET}


@each_row("case", CASES, ids=lambda case: case.name)
def test_a_case_gives_its_message(case: Path) -> None:
    (source,) = case.glob("raw.*")
    made: dict[str, Any] = json.loads(encode(understood(source.read_bytes(), TYPES[source.suffix])))
    del made["features"]["grams"], made["normalizer_version"]  # another test's matter
    expected = case / "expected.json"
    if os.environ.get("HOTLINE_WRITE_CASES"):
        expected.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert made == json.loads(expected.read_text("utf-8"))


def test_there_are_cases() -> None:
    assert len(CASES) >= 11

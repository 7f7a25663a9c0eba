"""Golden cases of SMS: `cases/sms/<case>/raw.hex` and `content-type` in, `expected.json` out: a message, or why none.

`HOTLINE_WRITE_CASES=1 pytest tests/normalizers/sms/test_cases.py` writes the expected ones anew: read the difference.
"""

import json
import os
from pathlib import Path
from typing import Any

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.codec import encode
from schemas.errors import RecordError
from tests.normalizers.sms.raws import raw_of
from tests.rows import each_row

FOLDER = Path(__file__).parents[1] / "cases" / "sms"
CASES = sorted(case for case in FOLDER.iterdir() if case.is_dir())


def made(case: Path) -> dict[str, Any]:
    value = bytes.fromhex((case / "raw.hex").read_text("ascii"))
    try:
        raw = raw_of(value, (case / "content-type").read_text("utf-8").strip())
        message: dict[str, Any] = json.loads(encode(normalize(raw, Policy()).message))
    except RecordError as error:
        return {"dead": error.code, "reason": str(error)}
    del message["features"]["grams"]  # tested against plain arithmetic elsewhere
    return message


@each_row("case", CASES, ids=lambda case: case.name)
def test_a_case_gives_its_message(case: Path) -> None:
    expected = case / "expected.json"
    if os.environ.get("HOTLINE_WRITE_CASES"):
        expected.write_text(json.dumps(made(case), ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert made(case) == json.loads(expected.read_text("utf-8"))

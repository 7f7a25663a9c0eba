"""A folder under cases/mailbox is a test, named after the bug: raw.eml and the Draft that it must give."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from normalizers.base import Draft, File
from tests.rows import each_row

CASES = sorted(path for path in (Path(__file__).parents[1] / "cases" / "mailbox").iterdir() if path.is_dir())


def as_json(draft: Draft) -> dict[str, Any]:
    fields = {name: getattr(draft, name) for name in draft.__struct_fields__ if name != "files"}
    out = {name: json.loads(msgspec.json.encode(value)) for name, value in fields.items()}
    out = {name: value for name, value in out.items() if value}
    return out | {"files": [_file(file) for file in draft.files]}


def _file(file: File) -> dict[str, Any]:
    data = file.data or b""
    return {
        "name": file.name,
        "media_type": file.media_type,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


@each_row("folder", CASES, ids=lambda folder: folder.name)
def test_case(folder: Path, draft: Callable[[bytes], Draft]) -> None:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    assert as_json(draft((folder / "raw.eml").read_bytes())) == expected


def test_there_are_cases() -> None:
    assert len(CASES) >= 25

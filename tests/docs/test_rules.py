"""The page on rules tells of every file that a city may put its own in the place of."""

import re

from tests.docs.pages import ROOT
from tests.rows import each_row

TOLD = re.findall(r"^\| `([\w/.*]+)` \|", (ROOT / "docs" / "how-to" / "rules.md").read_text(encoding="utf-8"), re.M)
FILES = [
    str(file.relative_to(ROOT))
    for folder in ("normalizers/rules", "tickets/policies")
    for file in sorted((ROOT / folder).rglob("*"))
    if file.suffix in (".toml", ".tsv")
]


@each_row("file", FILES)
def test_every_file_of_rules_is_told(file: str) -> None:
    assert any(ROOT / file in ROOT.glob(pattern) for pattern in TOLD)


@each_row("pattern", TOLD)
def test_nothing_else_is_told(pattern: str) -> None:
    assert list(ROOT.glob(pattern))

"""The page of hostile input names tests and targets that there are, and all of them."""

import re

from benchmarks.fuzz.table import TARGETS
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "reference" / "security.md").read_text(encoding="utf-8")
ASVS = "tests/connectors/test_asvs.py"


def proofs_in(path: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_test_that_it_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE) + [
        (ASVS, name) for name in re.findall(r"`(test_\w+)`", PAGE)
    ]
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in named if name not in proofs_in(path)] == []


def test_every_proof_of_a_point_is_named() -> None:
    assert {name for name in proofs_in(ASVS) if name not in PAGE} == set()


def test_every_target_has_its_figures() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| [\d,]+ \|", PAGE, re.MULTILINE)) == TARGETS.keys()

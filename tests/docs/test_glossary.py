"""Module names come from `docs/glossary.md`."""

import re

from tests.docs.pages import ROOT

PACKAGES = (
    "broker", "storage", "schemas", "normalizers", "connectors", "console", "streams", "sinks", "tickets", "hotline",
)  # fmt: skip

FROZEN = {"golden", "generated", "policies", "records", "releases"}
"""Data, and records, whose names the contract fixes."""


def named() -> set[str]:
    rows = re.findall(r"^\| [^|]+ \| (`[^|]+`) \|", (ROOT / "docs" / "glossary.md").read_text("utf-8"), re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`(\w+)`", row)}


def modules() -> set[str]:
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {path.stem for path in files if not path.stem.startswith("__") and not FROZEN & set(path.parts)}


def test_each_module_is_named_by_a_term() -> None:
    assert modules() <= named()


def test_the_glossary_names_no_module_that_is_gone() -> None:
    assert named() <= modules()


def test_no_module_has_more_than_500_lines() -> None:
    """A longer one holds two subjects; no limit below that, so that nothing is cut where there is no seam."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert {path.name for path in files if path.read_text("utf-8").count("\n") > 500} == set()

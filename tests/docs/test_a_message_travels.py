"""The walk through the code names files and functions that exist."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "explanation" / "a-message-travels.md"
TEXT = PAGE.read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py):([\w.]+)`", TEXT)))
FILES = sorted(
    set(re.findall(r"`((?:connectors|hotline|normalizers|schemas|sinks|streams|tests|tickets)/[\w/.]*)`", TEXT))
)


def names(file: Path) -> set[str]:
    """Everything that a file defines at its top, and the methods of its classes as `Class.method`."""
    found = set[str]()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}.{method.name}" for method in methods}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize(("file", "name"), NAMED, ids=str)
def test_every_function_is_where_the_page_says(file: str, name: str) -> None:
    assert name in names(ROOT / file)


@pytest.mark.parametrize("path", FILES)
def test_every_file_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_page_leads_through_every_room() -> None:
    rooms = {file.split("/")[0] for file, _ in NAMED}
    assert rooms >= {"connectors", "normalizers", "tickets", "streams", "sinks", "schemas", "hotline"}
    assert len(NAMED) > 30

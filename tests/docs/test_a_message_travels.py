"""The walk through the code names files and functions that exist."""

import ast
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hotline.cli import archive_view
from hotline.demo import samples
from hotline.explain import Explanation, Filed, Raw
from hotline.imports.mails import identifier_of
from schemas.ids import message_id
from schemas.records import Link
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


def filed(letter: bytes, at: str, place: str, **link: Any) -> Filed:
    """One of the demo's two mails about the lamp."""
    number = message_id("/hotline/mailbox/demo_mailbox", identifier_of(letter))
    made = Link(
        message_id=number, jurisdiction="210100", score=1.0, decided_at=datetime(2026, 11, 25, tzinfo=UTC),
        policy_version="2026.1", **link,
    )  # fmt: skip
    found = Raw(place=f"hotline.raw.mailbox.v1:{place}", found=True, bytes=len(letter), intact=True)
    rules = {"request_kind": "rule 2026.3", "category": "rule 2026.1"}
    rules |= dict.fromkeys(("place", "place_road", "place_road_number"), "rule 2026.2")
    received_at = datetime.fromisoformat(f"2026-11-25T{at}Z")
    return Filed(link=made, channel="mailbox", received_at=received_at, normalizer_version=7, rules=rules, raw=found)


def test_explain_prints_what_the_page_shows() -> None:
    ticket = "210100-glnbpglsk57fqpllp7vi"
    lamp, again = (one.raw for one in samples.mails() if b"lamp-1@" in one.raw)
    told = Explanation(
        ticket_id=ticket, ticket_no="210100-20261125-000001-9", version=2, status="received", cluster_id=ticket,
        policy_version="2026.1",
        messages=[
            filed(lamp, "09:38:56", "0:0", relation="new", method="no_relation_found"),
            filed(
                again, "09:39:07", "0:4", relation="follow_up",
                method="references_same_person", evidence=("demo:y63433g43nvh3ccu",),
            ),
        ],
    )  # fmt: skip
    out = io.StringIO()
    archive_view.explanation(told, Console(file=out, width=130, highlight=False))
    assert "\n".join(line.rstrip() for line in out.getvalue().splitlines()) in TEXT

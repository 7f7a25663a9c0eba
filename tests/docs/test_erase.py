"""docs/how-to/erase.md: the report that it shows is the one that is printed, its limits are the topics' own."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from hotline.admin.erasure_report import Place, Report, bound, expiries
from hotline.cli import erasure_view
from schemas import topics
from schemas.ids import SHANGHAI
from tests.docs.pages import ROOT
from tests.rows import each_row

PAGE = (Path(ROOT) / "docs" / "how-to" / "erase.md").read_text(encoding="utf-8")
AT = datetime(2026, 11, 25, 10, 12, tzinfo=SHANGHAI)


def test_the_report_is_printed_as_the_page_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    block = next(one.lstrip("\n") for one in PAGE.split("```") if one.startswith("\nDone: "))
    done, shown = block.split("\n", 1)
    gone = re.findall(r"^  ((?:the|its|older) .*)$", shown, re.MULTILINE)
    places = (*(Place(place=name, state="gone") for name in gone), *expiries(AT))
    report = Report(ticket_id="t", action="erased", command_id="c", author="a", at=AT, messages=1, places=places)
    erasure_view.show(report)
    assert capsys.readouterr().out == shown
    assert done.startswith("Done: 210100-")


@each_row("name", [topics.raw("sms"), topics.MESSAGE, topics.DEAD, topics.COMMAND, topics.HANDOVER])
def test_the_table_has_the_retention_of_the_topic(name: str) -> None:
    shown = "hotline.raw.*" if name.startswith("hotline.raw.") else name
    row = next(line for line in PAGE.splitlines() if line.startswith("|") and f"`{shown}`" in line)
    days = bound(topics.TOPICS[name]).days - 1
    assert row.endswith(f"| {days} days |")


@pytest.mark.parametrize(
    ("name", "words"), [(topics.raw("sms"), "至迟 {} 日内自动清除,紧急"), (topics.HANDOVER, "记录至迟 {} 日内")]
)
def test_citizens_are_told_the_bound(name: str, words: str) -> None:
    assert words.format(bound(topics.TOPICS[name]).days) in PAGE

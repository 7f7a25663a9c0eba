"""The generated pages are current, and hold all that the code has."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from prometheus_client import generate_latest
from pydantic import BaseModel

from hotline.cli.app import app
from hotline.config.errors import variable_of
from hotline.config.paths import is_secret, kind_at
from hotline.config.settings import Settings
from hotline.dev.reference import commands, metrics, pages, settings
from hotline.dev.reference.markdown import prose, table
from schemas.errors import MisconfiguredError
from schemas.fields import walk
from schemas.records import RECORDS
from schemas.topics import TOPICS
from tests.docs.pages import ROOT
from tests.rows import each_row

ROOT_COMMAND = typer.main.get_command(app)
ROW = re.compile(r"^\| `([^`]+)` \|(.*)\|$", re.MULTILINE)


@cache
def rows(name: str) -> dict[str, str]:
    """What the tables of a page say, by the first cell."""
    return dict(ROW.findall(pages.files(ROOT_COMMAND)[name].decode()))


def test_the_checked_in_pages_are_current() -> None:
    assert pages.check(ROOT_COMMAND) == [], "run `hotline schema export` and commit what changed"


def test_check_names_what_is_stale_missing_or_left_over_and_leaves_other_pages_alone(tmp_path: Path) -> None:
    assert pages.export(ROOT_COMMAND, tmp_path) == sorted(pages.files(ROOT_COMMAND))
    assert pages.check(ROOT_COMMAND, tmp_path) == []
    (tmp_path / "by_hand.md").write_text("# By hand\n")
    (tmp_path / "topics.md").write_text("old")
    (tmp_path / "metrics.md").rename(tmp_path / "measures.md")
    assert pages.check(ROOT_COMMAND, tmp_path) == ["measures.md", "metrics.md", "topics.md"]
    pages.export(ROOT_COMMAND, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["by_hand.md", *pages.files(ROOT_COMMAND)])


def test_an_installed_hotline_without_documentation_has_nothing_stale(tmp_path: Path) -> None:
    assert pages.check(ROOT_COMMAND, tmp_path / "nowhere") == []


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every setting, as pydantic has its fields."""
    for name in model.model_fields:
        kind: Any = kind_at(model, (name,))
        step: tuple[str, ...] = (name,)
        if (each := kind_at(model, (name, "<id>"))) is not None and not hasattr(kind, "model_fields"):
            kind, step = each, (name, "<id>")
        if hasattr(kind, "model_fields"):
            yield from leaves(kind, (*path, *step))
        else:
            yield (*path, *step)


def test_every_setting_is_told_with_its_variable_and_whether_it_is_a_secret() -> None:
    told, every = rows("settings.md"), set(leaves(Settings))
    assert len(every) > 60
    for path in every:
        row = told[".".join(path)]
        assert f"`{variable_of(path)}`" in row
        assert is_secret(kind_at(Settings, path)) == ("**secret**" in row), path


def test_a_setting_without_a_description_is_named() -> None:
    with pytest.raises(MisconfiguredError, match=r"connectors\.kiosk\.<id>\.token has no description"):
        settings._row(("connectors", "kiosk", "<id>", "token"), {"type": "string"}, True)


def test_a_setting_says_type_default_and_meaning() -> None:
    told = rows("settings.md")
    assert "integer from 1 to 1000 | `8` | Partitions" in told["kafka.partitions"]
    assert "list of text | `INBOX` |" in told["connectors.mailbox.<id>.folders"]
    assert "| text | **needed** | IMAP server" in told["connectors.mailbox.<id>.host"]
    assert "| path | none |" in told["kafka.ssl_cafile"]
    assert "| boolean | `true` |" in told["connectors.mailbox.<id>.idle"]


def test_every_instrument_is_told_by_the_name_that_prometheus_sees() -> None:
    seen = set(re.findall(r"^# HELP (hotline_\w+)", generate_latest().decode(), re.MULTILINE))
    seen = {name for name in seen if not name.endswith("_created")}
    assert seen
    assert seen == set(rows("metrics.md"))


def test_instruments_are_declared_in_the_rooms_metrics_alone() -> None:
    declares = re.compile(
        r"^from prometheus_client(\.\w+)? import .*\b(Counter|Gauge|Histogram|Summary|Info|Enum)\b", re.M
    )
    rooms = ("connectors", "console", "streams", "sinks", "normalizers", "tickets", "hotline", "schemas")
    found = {file for room in rooms
             for file in (ROOT / room).rglob("*.py") if declares.search(file.read_text(encoding="utf-8"))}  # fmt: skip
    assert found == {Path(str(room.__file__)) for room in metrics.ROOMS}


def test_labels_are_told() -> None:
    assert "counter | `channel`, `code` |" in rows("metrics.md")["hotline_connectors_dead_letters_total"]


def verbs(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
    for name, one in (below or {}).items():
        yield from verbs(one, f"{path} {name}")


def test_every_verb_is_told_with_its_options_and_help() -> None:
    text = pages.files(ROOT_COMMAND)["commands.md"].decode()
    sections = dict(re.findall(r"^## `([^`]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    every = dict(verbs(typer.main.get_command(app), "hotline"))
    assert {"hotline run", "hotline dead list", "hotline schema check"} <= every.keys()
    for path, command in every.items():
        assert command.help.split("\n")[0][:40] in sections[path]
        options = [name for param in command.params for name in param.opts if name.startswith("--")]
        assert all(name in sections[path] for name in options), path


def test_an_argument_has_one_name_in_the_usage_and_in_the_table() -> None:
    every = dict(verbs(typer.main.get_command(app), "hotline"))
    arguments = {
        f"{path} {one.name}": one.metavar
        for path, command in every.items()
        for one in command.params
        if one.param_type_name == "argument"
    }
    assert len(arguments) > 10
    assert [name for name, shown in arguments.items() if shown is None or not re.fullmatch("[A-Z=]+", shown)] == []
    usages = re.findall(r"^hotline .*$", pages.files(ROOT_COMMAND)["commands.md"].decode(), re.MULTILINE)
    assert {"hotline import [OPTIONS] PATH...", "hotline index rebuild [OPTIONS] [NAME]..."} <= set(usages)


def test_every_topic_and_every_field_is_told() -> None:
    assert rows("topics.md").keys() == TOPICS.keys()
    text = pages.files(ROOT_COMMAND)["records.md"].decode()
    for record in RECORDS.values():
        (section,) = re.findall(rf"^## {record.__name__}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert [name for name, _ in ROW.findall(section)] == [field.path for field in walk(record)]


@each_row(
    ("page", "row", "says"),
    [
        ("topics.md", "hotline.event.v1", "| ticket_id | city | 3653 days |"),
        ("topics.md", "hotline.cursor.v1", "| by key | the newest of each key"),
        ("topics.md", "hotline.ticket.v1", "`delete.retention.ms=604800000`"),
        ("records.md", "requester.phone", " 联系电话 | Phone number | text or null | 1 | keyword "),
        ("records.md", "minor_protection", "| MinorProtection or absent |"),
        ("records.md", "part.total", "| integer |  | none "),
        ("records.md", "changes", "| list of change |"),
        ("records.md", "ce_sequence", " 版本 | Version of the record, ten digits: the greater one is the newer one "),
        ("records.md", "ce_id", " 事件标识 | Names the record within its source"),
        ("records.md", "hotline.error.code", " 错误代码 | Why, as a code |"),
        ("records.md", "edge_added", " 并单 | An edge to another ticket"),
        ("records.md", "edge_added.score", " 置信度 | How sure, 0 to 1 | number "),
        ("records.md", "urgency", " 紧急程度 | How urgent: `normal` 一般, `urgent` 紧急, `critical` 特急 | text "),
    ],
)
def test_a_row_says_what_a_reader_needs(page: str, row: str, says: str) -> None:
    assert says in f" {rows(page)[row]} "


def test_no_description_breaks_its_table() -> None:
    assert table(["a"], [["x|y"]]).splitlines()[-1] == "| x\\|y |"
    assert prose("a <b>\n c `<d>`") == "a &lt;b> c `<d>`"


def test_the_page_of_commands_has_no_types_of_python_and_no_cell_of_many_lines() -> None:
    rows = [line for line in commands.render(ROOT_COMMAND).splitlines() if line.startswith("| `")]
    assert not [row for row in rows if re.search(r"<(str|list|path|Path|dir|int|float)\b", row)]
    assert max(map(len, rows)) < 240

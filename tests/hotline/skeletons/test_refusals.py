"""`hotline new connector` refuses a name that means something already, and then writes nothing."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotline.cli.app import app
from hotline.dev.scaffold import Kind, plan
from hotline.dev.scaffold.channel import LONGEST_NAME, asked
from schemas.errors import MisconfiguredError
from tests.docs.pages import ROOT
from tests.rows import each_row

NO_NAMES = [
    "Kiosk",
    "kiosk-2",
    "2kiosk",
    "_kiosk",
    "kiosk__2",
    "自助终端",
    "",
    "class",
    "list",
    "k" * (LONGEST_NAME + 1),
]


@each_row("name", NO_NAMES)
def test_what_is_no_name_for_a_file_a_setting_and_a_topic(name: str) -> None:
    with pytest.raises(MisconfiguredError, match="lower_snake_case"):
        asked(name, "push", "自助终端", None)


@each_row("chinese", ["", "自助|终端", "自助\n终端", '自助"终端', "自" * 13])
def test_what_would_break_a_table(chinese: str) -> None:
    with pytest.raises(MisconfiguredError, match="is not a Chinese name"):
        asked("kiosk", "push", chinese, None)


@each_row(
    ("name", "why"),
    [
        ("sms_cmpp", "There is a connector or a channel sms_cmpp"),
        ("record", "There is a connector or a channel record"),
        ("backfill", "hotline.raw.backfill.v1 is the name of another topic"),
        ("flood", "hotline.raw.flood.v1 is the name of another topic"),
    ],
)
def test_what_there_is(name: str, why: str) -> None:
    with pytest.raises(MisconfiguredError, match=why):
        asked(name, "push", "自助终端", None)


def test_one_chinese_word_is_one_channel() -> None:
    with pytest.raises(MisconfiguredError, match="There is a channel 短信: name it with --channel"):
        asked("texts", "push", "短信", None)
    assert asked("texts", "push", "短信", "sms").channel == "sms"


@each_row(
    ("name", "kind", "where"),
    [
        ("registry", "pull", "connectors/registry.py"),
        ("cmpp", "session", "connectors/registry.py"),
        ("request", "push", "connectors/request.py"),
        ("platform", "push", "tests/contract/test_push_connectors.py"),
    ],
)
def test_what_a_file_calls_something_else(name: str, kind: Kind, where: str) -> None:
    with pytest.raises(MisconfiguredError, match=rf"{name} has another meaning in .*{where}"):
        plan.plan(ROOT, asked(name, kind, "自助终端", None))


def test_a_table_that_is_not_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "registry.py").write_text("from connectors import phone\n")
    with pytest.raises(MisconfiguredError, match=r"connectors/registry\.py has no place for a new line"):
        plan.plan(tmp_path, asked("kiosk", "push", "自助终端", None))


def test_the_verb_says_so_and_writes_nothing() -> None:
    def files() -> set[Path]:
        return {path for room in ("connectors", "normalizers", "tests") for path in (ROOT / room).rglob("registry*")}

    before = files()
    refused = CliRunner().invoke(app, ["new", "connector", "registry", "--kind", "pull", "--chinese", "自助终端"])
    assert refused.exit_code == 2
    assert "registry has another meaning in connectors/registry.py" in refused.stderr
    assert files() == before


def test_where_the_tools_of_developers_are_missing_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    refused = CliRunner().invoke(app, ["new", "connector", "kiosk", "--kind", "push", "--chinese", "自助终端"])
    assert refused.exit_code == 2
    assert "New code needs a checkout and its tools" in refused.stderr
    assert not (ROOT / "connectors" / "kiosk.py").exists()

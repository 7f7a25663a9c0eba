"""Chinese and English: who chooses, and that nothing a person reads in help lacks its Chinese."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from hotline import translation
from hotline.cli.app import app
from hotline.cli.language import OF_TYPER, paragraphs
from hotline.cli.verbs import VERBS

CATALOGUE = dict(translation.entries())


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    translation.choose(None)


def helps(command: Any) -> Iterator[str]:
    yield from paragraphs(command.help or "")
    for param in command.params:
        yield from paragraphs(getattr(param, "help", None) or "")
    for below in getattr(command, "commands", {}).values():
        yield from helps(below)


def test_every_help_text_has_its_chinese() -> None:
    wanted = {*helps(typer.main.get_command(app)), *(verb.panel for verb in VERBS.values()), *OF_TYPER} - {""}
    assert {text for text in wanted if not CATALOGUE.get(text)} == set()


@pytest.mark.parametrize(
    ("said", "variables", "chinese"),
    [
        (["--lang", "zh"], {"LC_ALL": "C"}, True),
        (["--lang=en"], {"HOTLINE_LANG": "zh"}, False),
        ([], {"HOTLINE_LANG": "zh", "LC_ALL": "C"}, True),
        ([], {"HOTLINE_LANG": "en", "LANG": "zh_CN.UTF-8"}, False),
        ([], {"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ([], {"LANG": "zh_CN.GB18030"}, True),
        ([], {}, False),
    ],
)
def test_the_first_that_names_a_language_decides(
    said: list[str], variables: Mapping[str, str], chinese: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in translation.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(app, [*said, "dead", "list", "--help"]).output
    assert ("列出死信" in shown, "选项" in shown, "显示本帮助" in shown) == (chinese,) * 3
    assert ("List dead letters" in shown, "Usage" in shown) == (not chinese,) * 2


def test_a_refusal_of_the_command_line_is_chinese_and_so_is_its_reason() -> None:
    told = CliRunner().invoke(app, ["--lang", "zh", "dead", "list", "--since", "gestern"])
    assert told.exit_code == 2
    assert "'--since' 的值无效：请填写日期或时间" in told.output.replace("\n", "")


def test_long_chinese_is_folded_and_nothing_cut_off() -> None:
    shown = CliRunner().invoke(app, ["--lang", "zh", "--help"], terminal_width=60).output
    assert "…" not in shown


def test_a_value_that_is_a_sentence_is_translated_and_a_name_is_not() -> None:
    with translation.in_language("zh"):
        assert translation.t("Invalid value for --x: Missing command.") == "--x 的值无效：缺少子命令。"
        assert translation.t("Invalid value for --x: Options") == "--x 的值无效：Options"
        assert translation.t("What no catalogue has.") == "What no catalogue has."

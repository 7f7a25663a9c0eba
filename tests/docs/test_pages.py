"""What the documents show works: commands, links, variables and targets exist."""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from typer.exceptions import TyperException

from hotline.cli.app import app
from hotline.config.paths import kind_at
from hotline.config.settings import Settings
from hotline.dev.reference.settings import OTHER_VARIABLES
from tests.docs import pages
from tests.rows import each_row

FILES = pages.files()
HOTLINE: Any = typer.main.get_command(app)


def _name(file: Path) -> str:
    return str(file.relative_to(pages.ROOT))


each_file = each_row("file", FILES, ids=_name)


def fault(words: list[str]) -> str | None:
    """What is wrong with a command line, by the parser of `hotline` itself."""
    command = HOTLINE
    context = command.context_class(command, info_name="hotline")
    while True:
        try:
            values, rest, _ = command.make_parser(context).parse_args(list(words))
        except TyperException as error:
            return f"{context.command_path}: {error}"
        if not hasattr(command, "commands"):
            rest = [] if context.allow_extra_args else rest
            return _wrong_choice(command, values) or (f"{context.command_path} takes no {rest}" if rest else None)
        if not rest:
            return None
        if rest[0] not in command.commands:
            return f"{context.command_path} has no verb {rest[0]}"
        command, words = command.commands[rest[0]], rest[1:]
        context = command.context_class(
            command, info_name=rest[0], parent=context, **(getattr(command, "context_settings", None) or {})
        )


def _wrong_choice(command: Any, values: dict[str, Any]) -> str | None:
    for param in command.params:
        kind, value = param.type_descriptor.annotation, values.get(param.name)
        if get_origin(kind) is Literal and value is not None and value not in get_args(kind):
            return f"{value} is none of {get_args(kind)}"
    return None


@each_row("file", [file for file in FILES if not pages.is_generated(file)], ids=_name)
def test_every_command_that_is_shown_parses(file: Path) -> None:
    assert [found for words in pages.commands(file) if (found := fault(words))] == []


def test_the_readme_shows_commands() -> None:
    shown = list(pages.commands(pages.ROOT / "README.md"))
    assert ["down"] in shown, "without its comment"
    assert ["index", "create"] in shown, "the second command of a line"


@each_row(
    "line", ["serch 路灯", "down --wype", "topics", "dead lst", "try a.eml --stage tickets", "check everything", "run"]
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    assert bool(fault(line.split())) == (line not in ("topics", "run"))


SOURCES = pages.sources()


def test_every_command_that_a_source_names_parses() -> None:
    wrong = {
        _name(file): found
        for file in SOURCES
        if (found := list(filter(None, map(fault, pages.commands_in_source(file)))))
    }
    assert wrong == {}


def test_every_page_that_a_source_names_exists() -> None:
    named = {(_name(file), page) for file in SOURCES for page in pages.pages_in_source(file)}
    assert sorted((file, page) for file, page in named if not (pages.ROOT / page).exists()) == []


def test_no_source_speaks_of_a_page_that_does_not_ship() -> None:
    ship = {file.name for file in FILES}
    written = [file for file in SOURCES if pages.ROOT / "schemas" / "releases" not in file.parents]  # those are frozen
    strange = {_name(file): found for file in written if (found := pages.names_of_pages_in_source(file) - ship)}
    assert strange == {}


def test_sources_name_commands_and_pages() -> None:
    assert ["topics", "create"] in list(pages.commands_in_source(pages.ROOT / "broker" / "sync_client.py"))
    assert "docs/how-to/consume-tickets.md" in pages.pages_in_source(
        pages.ROOT / "schemas" / "contract" / "asyncapi.py"
    )


@each_file
def test_every_relative_link_resolves(file: Path) -> None:
    broken = []
    for link in pages.links(file):
        path, _, fragment = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        if not target.exists() or (fragment and fragment not in pages.anchors(target)):
            broken.append(link)
    assert broken == []


@each_file
def test_every_function_is_where_the_page_says(file: Path) -> None:
    known = {
        path: pages.defined(pages.ROOT / path) for path, _ in pages.functions(file) if (pages.ROOT / path).exists()
    }
    assert [f"{path}:{name}" for path, name in pages.functions(file) if name not in known.get(path, ())] == []


@each_file
def test_every_file_of_the_project_exists(file: Path) -> None:
    assert [place for place in pages.places(file) if not any(pages.ROOT.glob(place))] == []


def test_kafka_s_own_tools_are_told_where_kafka_is() -> None:
    for file in pages.files():
        text = file.read_text(encoding="utf-8").replace("\\\n", "")
        for command in re.findall(r"\bkafka-[a-z-]+\.sh +--[^`\n]*", text):
            assert "--bootstrap-server" in command, f"{file.name}: {command}"


def test_the_indices_name_every_page() -> None:
    index = pages.ROOT / "docs" / "README.md"
    indices = (index, index.parent / "adr" / "README.md")
    named = {(one.parent / link.partition("#")[0]).resolve() for one in indices for link in pages.links(one)}
    assert [_name(file) for file in FILES if file != index and file.resolve() not in named] == []


@each_file
def test_every_variable_is_a_setting(file: Path) -> None:
    named = pages.variables(file) - OTHER_VARIABLES.keys()
    unknown = [name for name in named if kind_at(Settings, name.lower().removeprefix("hotline_").split("__")) is None]
    assert unknown == []


def test_the_readme_names_variables() -> None:
    assert "HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD" in pages.variables(pages.ROOT / "README.md")


@each_row("name", OTHER_VARIABLES)
def test_every_other_variable_is_read_somewhere(name: str) -> None:
    page = pages.ROOT / "hotline" / "dev" / "reference" / "settings.py"
    sources = [file for room in ("hotline", "tests") for file in (pages.ROOT / room).rglob("*.py") if file != page]
    assert any(f'"{name}"' in file.read_text(encoding="utf-8") for file in sources)


@each_file
def test_every_target_of_make_exists(file: Path) -> None:
    known = set(re.findall(r"^(\w+):", (pages.ROOT / "Makefile").read_text(), re.MULTILINE))
    assert pages.targets(file) <= known

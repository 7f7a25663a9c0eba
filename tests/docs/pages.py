"""What the Markdown files of the project hold: links, commands, names of variables, of files and what is in them."""

import ast
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from hotline.dev.reference.markdown import MARK

ROOT = Path(__file__).parents[2]

ROOMS = (
    "broker",
    "connectors",
    "console",
    "hotline",
    "normalizers",
    "schemas",
    "sinks",
    "storage",
    "streams",
    "tickets",
)

_VARIABLE = re.compile(r"\bHOTLINE_[A-Z0-9_]*[A-Z0-9]\b(?!_)")
_PROGRAM = re.compile(r"^(\.venv/bin/)?hotline$")
_QUOTED_COMMAND = re.compile(r"`(hotline [a-z][^`]*)`")
_PAGE = re.compile(r"\bdocs/[\w/.-]+\.md\b")
_ANY_PAGE = re.compile(r"\b[\w.-]+\.md\b")
_FUNCTION = re.compile(r"`([\w/]+\.py):([\w.]+)`")
_FILE = re.compile(rf"`((?:{'|'.join([*ROOMS, 'benchmarks', 'deploy', 'tests'])})/[\w/.*-]*(?:\.\w+|/))`")


def files() -> list[Path]:
    """Every Markdown file that ships."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])


def is_generated(file: Path) -> bool:
    """Whether the page is made from the code, its commands from the commands themselves."""
    return file.read_text(encoding="utf-8").startswith(MARK)


def links(file: Path) -> Iterator[str]:
    """Targets of links and images, without those that lead elsewhere."""
    for token in _tokens(file):
        target = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if target and not re.match(r"[a-z]+:", target):
            yield target


def anchors(file: Path) -> set[str]:
    """The headings of a file, as a link's fragment names them."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def commands(file: Path) -> Iterator[list[str]]:
    """The arguments of each `hotline …` that a block or a `span` shows."""
    for token in _tokens(file):
        if token.type in ("code_inline", "fence"):
            for line in token.content.splitlines():
                yield from _calls(line)


def sources() -> list[Path]:
    """Every file beside the pages that names commands or pages to a person."""
    kinds = {".py", ".json", ".toml", ".java", ".service"}
    found = [path for room in (*ROOMS, "deploy") for path in (ROOT / room).rglob("*") if path.suffix in kinds]
    return sorted([ROOT / "Makefile", *found])


def commands_in_source(file: Path) -> Iterator[list[str]]:
    """The arguments of each `hotline …` between backticks: in a comment, a docstring, a sentence to the operator."""
    for line in _QUOTED_COMMAND.findall(file.read_text(encoding="utf-8")):
        yield from _calls(line)


def pages_in_source(file: Path) -> set[str]:
    """The pages of docs/ that a source names."""
    return set(_PAGE.findall(file.read_text(encoding="utf-8")))


def names_of_pages_in_source(file: Path) -> set[str]:
    """The names, without folders, of all pages that a source speaks of."""
    return set(_ANY_PAGE.findall(file.read_text(encoding="utf-8")))


def functions(file: Path) -> list[tuple[str, str]]:
    """Each `file.py:name` that a page speaks of."""
    return sorted(set(_FUNCTION.findall(file.read_text(encoding="utf-8"))))


def places(file: Path) -> list[str]:
    """Each file and folder of the project that a page speaks of, as it stands there: with its stars."""
    return sorted(set(_FILE.findall(file.read_text(encoding="utf-8"))))


def defined(source: Path) -> set[str]:
    """Everything that a file defines at its top, and the methods of its classes as `Class.method`."""
    found = set[str]()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}.{method.name}" for method in methods}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def targets(file: Path) -> set[str]:
    """The targets of each `make …` that a block or a `span` shows."""
    shown = [token.content for token in _tokens(file) if token.type in ("code_inline", "fence")]
    return set(re.findall(r"^make (\w+)", "\n".join(shown), re.MULTILINE))


def variables(file: Path) -> set[str]:
    """The variables with our prefix."""
    return set(_VARIABLE.findall(file.read_text(encoding="utf-8").replace("<ID>", "ID")))


def _tokens(file: Path) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable("table").parse(file.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def _calls(line: str) -> Iterator[list[str]]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # no command: prose with an apostrophe
        return
    for part in re.split(r"\n(?:&&|\|\||\||;)\n", "\n".join(words)):
        found = list(itertools.dropwhile(_before_the_program, part.split("\n")))
        if found and _PROGRAM.match(found[0]):
            yield found[1:]


def _before_the_program(word: str) -> bool:
    return word in ("$", "sudo") or "=" in word

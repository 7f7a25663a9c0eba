"""Every sentence that a person may read has its Chinese: found in the syntax trees of the product."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

import typer

from hotline import translation
from hotline.cli.app import app
from hotline.cli.language import OF_TYPER
from hotline.cli.verbs import VERBS
from schemas import errors
from tests.docs.pages import ROOT
from tests.hotline.cli.test_language import helps

PACKAGES = (
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

SHOWN = tuple(
    f"hotline/{name}/"
    for name in (
        *("admin", "cli", "config", "dev/stack", "doctor", "importer", "quality/learn", "quality/replay", "runtime"),
        "trial",
    )
)
"""Each sentence here is for a person; elsewhere those are that an error carries."""

ERRORS = {name for name, one in vars(errors).items() if isinstance(one, type)} | {"BadParameter", "StackError"}

NOT_SHOWN = {
    "Counter",
    "Gauge",
    "Histogram",
    "Field",
    "compile",
    "debug",
    "info",
    "warning",
    "error",
    "exception",
    "cast",
}
"""Calls whose texts are metrics, descriptions of settings, patterns and events of the log, which stay English."""

OF_HELP = {"Option", "Argument", "Typer"}

PROSE = re.compile(r"[A-Za-z]{2,}[,:;]? .*[a-z]{2}|[A-Za-z`]+ \{\d|\d\} [a-z]{2,}")
"""Two words or more; a name, a code and the style of a terminal are none."""

NO_SENTENCES = re.compile(
    r"bold \w+|(PRAGMA|CREATE|DELETE|SELECT|INSERT) .*|\d{3} [A-Z].*|apiVersion: .*|application/json; .*|Value error, "
    r"|Input should|line too long|field larger|expected after|no space left|quota exceeded|os error \d+"
    r"|permission denied|hotline \{0\}|transactional id|\w+ of the account|disk \{0\}|  \{0\} down|it must|.* · .*"
    r"|Kafka version: .*"
    r"|ApiKey \{0\}|(scikit-learn|python-crfsuite) \{0\}|the servers to keep|their data folder|stop when .* ends",
    re.DOTALL,
)
"""Styles, SQL, HTTP, names of tasks, what libraries and systems say and is recognised here; and both languages."""

LOGS = ("hotline/runtime/logging.py", "hotline/runtime/tracing.py")
"""Logs and spans, which stay English."""


def numbered(line: str) -> str:
    """Return a line of a template with its own numbers: a text is looked up line by line."""
    places = count()
    return re.sub(r"\{\d+\}", lambda _: f"{{{next(places)}}}", line)


def template(node: ast.JoinedStr) -> str:
    places = count()
    return "".join(str(part.value) if isinstance(part, ast.Constant) else f"{{{next(places)}}}" for part in node.values)


class Sentences(ast.NodeVisitor):
    """Collects the sentences of a module."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self.found: set[str] = set()

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for one in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
            self.visit(one)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name that ast looks for

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in NOT_SHOWN:
            return
        if name in OF_HELP:
            for one in (*node.args, *(each.value for each in node.keywords if each.arg not in ("help", "metavar"))):
                self.visit(one)
            return
        before, self._shown = self._shown, self._shown or name in ERRORS
        self.generic_visit(node)
        self._shown = before

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._keep(template(node))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._keep(node.value)

    def _keep(self, text: str) -> None:
        if self._shown and PROSE.search(text) and not NO_SENTENCES.fullmatch(text):
            found = {line for line in map(numbered, text.split("\n")) if PROSE.search(line)}
            self.found |= {line for line in found if not NO_SENTENCES.fullmatch(line)}


@cache
def sentences() -> dict[str, str]:
    """Return each sentence and the file that has it."""
    found: dict[str, str] = {}
    for file in sorted(file for name in PACKAGES for file in (ROOT / name).rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        if path in LOGS:
            continue
        collector = Sentences(path.startswith(SHOWN))
        collector.visit(ast.parse(file.read_text(encoding="utf-8")))
        found |= dict.fromkeys(collector.found, path)
    return found


def lines() -> Iterator[tuple[Path, str, str]]:
    for file in sorted((ROOT / "hotline" / "chinese").glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            english, tab, chinese = line.partition("\t")
            if tab:
                yield file, english.replace("\\n", "\n"), chinese


def test_every_sentence_has_its_chinese() -> None:
    known = {english.removeprefix("# ") for _, english, _ in lines()}
    lacking = {text: path for text, path in sentences().items() if text not in known}
    assert lacking == {}


def test_every_line_of_the_catalogue_is_used_once_and_has_the_values_of_its_sentence() -> None:
    english = [text for _, text, _ in lines()]
    assert sorted({text for text in english if english.count(text) > 1}) == []
    places = re.compile(r"\{\d+\}")
    wrong = [text for _, text, chinese in lines() if {*places.findall(text)} != {*places.findall(chinese)}]
    assert wrong == []
    root = typer.main.get_command(app)
    used = {*sentences(), *helps(root), *(verb.panel for verb in VERBS.values()), *OF_TYPER}
    left = {text for file, text, _ in lines() if text not in used and file.name not in ("typer.tsv", "words.tsv")}
    assert left == set()


def test_what_an_error_says_is_found_again_by_its_template() -> None:
    with translation.in_language("zh"):
        known = dict(translation.entries())
        for text in known:
            given = re.sub(r"\{(\d+)\}", r"v\1", text)
            if "{0}" in text:
                assert translation.t(given) == re.sub(r"\{(\d+)\}", r"v\1", known[text]), text

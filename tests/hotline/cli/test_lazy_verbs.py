"""A verb is imported when it is called: `hotline --help` and the help of one verb stay quick."""

import subprocess
import sys
from typing import Any

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

"""`hotline new`: skeletons, for developers in a checkout."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from hotline.cli.common import known_channel, say
from hotline.dev.scaffold import MARK, Kind
from schemas.errors import MisconfiguredError

new = typer.Typer(no_args_is_help=True, help="Write the skeleton of an extension into a checkout.")


@new.command()
def connector(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its section of the settings, such as kiosk.")],
    kind: Annotated[
        Kind, typer.Option(help="The connector asks (pull), is called (push), or holds a connection (session).")
    ],
    chinese: Annotated[str, typer.Option(metavar="TEXT", help="Name that people use, such as 自助终端.")],
    channel: Annotated[
        str | None,
        typer.Option(callback=known_channel, help="It is another source of this channel and needs no normalizer."),
    ] = None,
) -> None:
    """Write the skeleton of a connector, its normalizer, tests and page, and its line in each table.

    Unwritten parts raise an error that names the task; existing files are not overwritten.
    """
    from hotline.dev.scaffold import channel as names
    from hotline.dev.scaffold import plan

    root = Path(__file__).parents[2]
    if not (root / "pyproject.toml").exists() or importlib.util.find_spec("ruff") is None:
        raise MisconfiguredError(
            "New code needs a checkout and its tools: clone the project, run `make setup`, then repeat this."
        )
    made = plan.plan(root, names.asked(name, kind, chinese, channel))
    plan.write(root, made)
    written = [path for path in (*made.new, *made.changed) if path.endswith(".py")]
    _run(root, "ruff", "check", "--quiet", "--select", "I", "--fix", *written)
    _run(root, "ruff", "format", "--quiet", *written)
    _run(root, "hotline", "schema", "export")
    for path in made.new:
        say(f"new      {path}")
    for path in made.changed:
        say(f"changed  {path}")
    say(
        f"Now write the missing parts of {MARK}: pytest tests/contract/test_channels.py lists them, and "
        "docs/how-to/add-a-channel.md describes the steps."
    )


def _run(root: Path, *module: str) -> None:
    """Run a tool of the checkout: what is changed is read anew by a process of its own."""
    subprocess.run([sys.executable, "-m", *module], cwd=root, check=True)  # noqa: S603 - our own tools and files

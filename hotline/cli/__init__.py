"""The command line: one file for each group of verbs; heavy imports wait inside the commands."""

import sys
from io import TextIOWrapper

from hotline.cli.app import app


def main() -> None:
    """Run `hotline`."""
    _show_what_the_terminal_can()
    app()


def _show_what_the_terminal_can() -> None:
    """Let a question mark stand for what a terminal of GBK cannot show, such as a citizen's emoji."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")

"""The command line: one file for each group of verbs; heavy imports wait inside the commands."""

from hotline.cli.app import app


def main() -> None:
    """Run `hotline`."""
    app()

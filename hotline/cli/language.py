"""The help and the refusals of Typer in the language of the reader."""

import inspect
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from typer.exceptions import TyperException

from hotline.translation import LANGUAGES, t

_TITLES = {
    "ARGUMENTS_PANEL_TITLE": "Arguments",
    "OPTIONS_PANEL_TITLE": "Options",
    "COMMANDS_PANEL_TITLE": "Commands",
    "ERRORS_PANEL_TITLE": "Error",
    "ABORTED_TEXT": "Aborted.",
    "DEFAULT_STRING": "[default: {}]",
    "ENVVAR_STRING": "[env var: {}]",
    "REQUIRED_LONG_STRING": "[required]",
    "RICH_HELP": "Try [blue]'{command_path} {help_option}'[/] for help.",
}
"""Constants of `typer.rich_utils`: it looks them up in gettext's catalogue, of which Typer brings none."""

_HAN = "\u2e80-\u2fff\u3005-\u9fff\uf900-\ufaff\uff01-\uff60"
_CLOSING = "\u3001\u3002\u3009\u300b\u300d\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u2026"
_WORD = re.compile(f"\\s*(?:[{_HAN}][{_CLOSING}]*|[^\\s{_HAN}]+[{_CLOSING}]*)\\s*")
"""A word for rich, which breaks lines at spaces alone and cuts off the rest of a longer one: Chinese has no spaces."""

OF_TYPER = (*_TITLES.values(), "Usage: ", "Show this message and exit.", "[OPTIONS]", "COMMAND [ARGS]...")


def said_before(verbs: Collection[str], args: Sequence[str]) -> str | None:
    """Return the language that `--lang` names before the verb, None if it names none that we know."""
    for place, argument in enumerate(args):
        if argument in verbs:
            break
        name, _, value = argument.partition("=")
        if name == "--lang":
            chosen = value or "".join(args[place + 1 : place + 2])
            return chosen if chosen in LANGUAGES else None
    return None


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a help text, each on one line: these are what the catalogue has."""
    return [" ".join(one.split("\n")) for one in inspect.cleandoc(text).split("\n\n")]


def _help(text: str | None) -> str | None:
    return text and "\n\n".join(map(t, paragraphs(text)))


def help_in_language(command: Any) -> Any:
    """Return a command, translated with all below it."""
    command.help = _help(command.help)
    command.options_metavar = t(command.options_metavar or "")
    if hasattr(command, "subcommand_metavar"):
        command.subcommand_metavar = t(command.subcommand_metavar)
    for param in command.params:
        if getattr(param, "help", None):
            param.help = _help(param.help)
    if not hasattr(command.format_help, "__wrapped__"):
        command.format_help = _with_words_of_typer(command.format_help)
    below = getattr(command, "commands", {})
    for one in below.values() if isinstance(below, dict) else ():  # the front door makes its verbs when they are called
        help_in_language(one)
    return command


def _with_words_of_typer(format_help: Any) -> Any:
    @wraps(format_help)
    def formatted(ctx: Any, formatter: Any) -> None:
        _translate_typer(ctx)
        format_help(ctx, formatter)

    return formatted


def _translate_typer(ctx: Any) -> None:
    from rich import _wrap
    from typer import rich_utils

    _wrap.re_word = _WORD

    for name, text in _TITLES.items():
        setattr(rich_utils, name, t(text))
    if ctx is None:
        return
    option = ctx.command.get_help_option(ctx)
    if option is not None:
        option.help = t(option.help)
    type(ctx).formatter_class = _formatter(type(ctx).formatter_class)


def _formatter(known: Any) -> Any:
    """Return the class that writes `Usage: `, which Typer does not look up."""
    if hasattr(known, "in_language"):
        return known

    class Formatter(known):  # type: ignore[misc] # the class is chosen at run time
        in_language = True

        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix or t("Usage: "))

    return Formatter


@contextmanager
def refusal_in_language() -> Iterator[None]:
    """Let an error of Typer about the command line say what is wrong in the language of the reader."""
    try:
        yield
    except TyperException as error:
        said = error.format_message()
        error.format_message = lambda: t(said)  # type: ignore[method-assign]
        _translate_typer(getattr(error, "ctx", None))
        raise

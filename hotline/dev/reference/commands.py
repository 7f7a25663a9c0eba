"""The page of commands: each verb with its arguments, options and help, as Typer has them."""

import re
from collections.abc import Iterator
from typing import Any

from hotline.dev.reference.markdown import code, page, prose, table

_INTRO = """\
Before the verb stand the global options. A fault is one sentence on standard error with the next action; of an option
or an argument that cannot be so it stands in a box below the usage. Exit code 0 is success; 2 means that a person must
act, 1 that trying again may help, unless the verb says otherwise."""

_TYPE = re.compile(r" <(?:list\[\w+\]|str|path|Path|dir|int range|float range)>")
"""What Typer says of a type in the words of Python: the meaning says what is to be written."""

_HEADER = ("Argument or option", "Meaning")


def render(root: Any) -> str:
    """Return the page of a whole command line, as `typer.main.get_command` returns it."""
    blocks = [_block(command, context) for command, context in commands(root, _context(root, "hotline", None))]
    return page("Commands", _INTRO, *blocks)


def commands(command: Any, context: Any) -> Iterator[tuple[Any, Any]]:
    """Yield a command and all below it, in the order of `--help`; a group without options of its own is none."""
    below = getattr(command, "commands", {})
    if command.params or not below:
        yield command, context
    for name, one in below.items():
        yield from commands(one, _context(one, name, context))


def _context(command: Any, name: str, parent: Any) -> Any:
    return command.context_class(command, info_name=name, parent=parent)


def _block(command: Any, context: Any) -> str:
    help_ = [prose(paragraph) for paragraph in (command.help or "").split("\n\n")]
    told = [record for param in command.params if (record := param.get_help_record(context))]
    rows = [(code(_TYPE.sub("", name)), prose(text)) for name, text in told]
    usage = f"```\n{_usage(command, context)}\n```"
    return "\n\n".join([f"## {code(context.command_path)}", *help_, usage, *([table(_HEADER, rows)] if rows else [])])


def _usage(command: Any, context: Any) -> str:
    arguments = [_argument(param) for param in command.params if param.param_type_name == "argument"]
    options = ["[OPTIONS]"] if len(arguments) < len(command.params) else []
    below = ["COMMAND"] if hasattr(command, "commands") else []
    return " ".join([context.command_path, *options, *arguments, *below])


def _argument(param: Any) -> str:
    name = param.metavar if param.required else f"[{param.metavar}]"
    return f"{name}..." if param.nargs < 0 else str(name)

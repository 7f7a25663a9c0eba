"""The verbs of `hotline` and their modules. A module is imported if its verb is called or its own help is asked."""

import importlib
from collections.abc import Iterator, MutableMapping
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand

from hotline.cli.language import help_in_language
from hotline.translation import t


class Verb(NamedTuple):
    """`where` is `module:name` below `hotline.cli`; `help` is the first paragraph of its own help."""

    where: str
    panel: str
    help: str
    passes_on: bool = False
    """Options that the verb does not know go to the program that it starts."""


SET_UP = "Set up"
OPERATE = "Operate"
ARCHIVE = "Archive"
HANDLE = "Handle tickets"
DEVELOP = "Rules and development"

VERBS = {
    "up": Verb("stack:up", SET_UP, "Start the local Kafka and Elasticsearch if they are not running."),
    "down": Verb(
        "stack:down",
        SET_UP,
        "Stop the local Kafka and Elasticsearch and keep their data. Works even if the settings are invalid.",
    ),
    "demo": Verb(
        "demo:demo",
        SET_UP,
        "Send sample messages through the real connectors and servers; exit 0 if all are accounted for.",
    ),
    "check": Verb(
        "check:check",
        SET_UP,
        "Check the settings without connecting; exit 2 if there are faults, else list the components.",
    ),
    "doctor": Verb(
        "check:doctor",
        SET_UP,
        "Connect to every service and report failures; exit 1 if they may be temporary, 2 if you must act.",
    ),
    "topics": Verb("topics:topics", SET_UP, "Create, describe and list the Kafka topics."),
    "index": Verb("index:index", SET_UP, "Create, describe and rebuild the indices of the archive."),
    "manifest": Verb(
        "manifest:manifest",
        SET_UP,
        "Print users, topics, roles and alarms for the tools that apply them, without connecting.",
    ),
    "status": Verb(
        "status:status",
        OPERATE,
        "Show servers, stages, channels (silent ones in red) and backlogs; exit 1 unless every server answers.",
    ),
    "run": Verb("run:run", OPERATE, "Run components until SIGTERM or Ctrl-C; they finish their work first."),
    "pipe": Verb(
        "pipe:pipe",
        OPERATE,
        "Pass the mail on standard input to `hotline run lmtp`, for mail servers that start a program per mail.",
    ),
    "import": Verb(
        "import_:import_",
        OPERATE,
        "Import messages through the back-fill topic; live messages go first.",
    ),
    "replay": Verb(
        "replay:replay",
        OPERATE,
        "Decide recorded inputs again in their order and compare the results; writes nothing. Exit code 1: "
        "something would differ.",
    ),
    "dead": Verb("dead:dead", OPERATE, "List, show and replay dead letters (死信)."),
    "journal": Verb("journal:journal", OPERATE, "Show and drain the journal of a process that no longer runs."),
    "console": Verb("console:console", OPERATE, "The console (控制台): its local users."),
    "audit": Verb("audit:audit", OPERATE, "Check the audit log (审计日志)."),
    "search": Verb(
        "archive:search",
        ARCHIVE,
        "Find tickets: by every word or a synonym; if they are few, also by sound, and by most of a sentence.",
    ),
    "show": Verb("archive:show", ARCHIVE, "Show a ticket or a message."),
    "explain": Verb(
        "archive:explain",
        ARCHIVE,
        "Walk from a ticket to its links, messages, raw records and bytes, with the versions of the rules.",
    ),
    "export": Verb(
        "export:export",
        ARCHIVE,
        "Write tickets of the archive to a file, masked unless --clear or --restricted.",
    ),
    "rates": Verb(
        "rates:rates",
        ARCHIVE,
        "Print 响应率, 解决率 and 满意率 from the last 回访 of each ticket in the archive.",
    ),
    "command": Verb(
        "command:command",
        HANDLE,
        "Give a command (set_status, merge, dispatch ...) and print the outcome; exit 2 if it is refused.",
    ),
    "approve": Verb(
        "approve:approve",
        HANDLE,
        "Confirm a forget, a lowered level or a clear export that another person requested; it is then carried out.",
    ),
    "deadlines": Verb("deadlines:deadlines", HANDLE, "Time limits (办理时限) of the tickets that are open."),
    "webhook": Verb("webhook:webhook", HANDLE, "Subscribers of webhooks and their deliveries."),
    "answers": Verb("answers:answers", HANDLE, "Receipts (回执) to citizens."),
    "try": Verb(
        "trial:try_",
        DEVELOP,
        "Show what the pipeline would make of PATH, with the same functions and without a server.",
    ),
    "evaluate": Verb(
        "evaluate:evaluate",
        DEVELOP,
        "Run the pipeline's functions on the labelled files PATH, without a server, and report their accuracy.",
    ),
    "bench": Verb(
        "bench:bench",
        DEVELOP,
        "Run a benchmark with servers of its own; arguments after NAME are passed to it.",
        passes_on=True,
    ),
    "schema": Verb("schema:schema", DEVELOP, "Check, export and release the schemas and reference pages."),
    "learn": Verb("learn:learn", DEVELOP, "Make models from the city's own labelled messages."),
    "new": Verb("new:new", DEVELOP, "Write the skeleton of an extension into a checkout."),
}
"""In the order of `hotline --help`."""


class Commands(MutableMapping[str, Any]):
    """The commands of the front door by verb; each is made when it is looked up."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, verb: str) -> Any:
        if verb not in self._made:
            self._made[verb] = help_in_language(_made(verb, VERBS[verb]))
        return self._made[verb]

    def __setitem__(self, verb: str, command: Any) -> None:
        self._made[verb] = command

    def __delitem__(self, verb: str) -> None:
        del self._made[verb]

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


def shown(verb: str) -> Any:
    """Return what a list of verbs shows of one, without an import of its module."""
    return TyperCommand(verb, help=t(VERBS[verb].help), rich_help_panel=t(VERBS[verb].panel))


def _made(name: str, verb: Verb) -> Any:
    module, attribute = verb.where.split(":")
    found = getattr(importlib.import_module(f"hotline.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        group = typer.main.get_group(found)
        group.name = name
        return group
    settings = {"allow_extra_args": True, "ignore_unknown_options": True} if verb.passes_on else None
    alone = typer.Typer(add_completion=False)
    alone.command(name, context_settings=settings)(found)
    return typer.main.get_command(alone)

"""What the verbs share: the global options, the settings they lead to, and how a fault is shown."""

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from hotline.output import json_line, readable
from hotline.translation import t
from schemas.enums import CHANNELS, Words
from schemas.errors import PipelineError

if TYPE_CHECKING:
    from hotline.config.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
Clear = Annotated[bool, typer.Option("--clear", help="Also show personal data; needs the right to see it.")]
Restricted = Annotated[
    bool,
    typer.Option("--restricted", help="Only restricted tickets (严格保密), in clear; needs a role of its own."),
]
Reason = Annotated[str | None, typer.Option(help="Reason; it is recorded, so do not name a citizen.")]

_TICKET_NO = re.compile(r"[1-9]\d{5}-\d{8}-\d{6,}-\d", re.ASCII)
"""What looks like a ticket number (工单编号)."""


class Globals(Struct, frozen=True, kw_only=True):
    """The options before the verb."""

    settings_file: Path | None = None


def refuse_unreasoned(clear: bool, reason: str | None) -> None:
    """Raise MisconfiguredError where somebody would read in clear and does not say why."""
    from schemas.errors import MisconfiguredError

    if clear and not (reason or "").strip():
        raise MisconfiguredError("Reading in clear is recorded: give the reason with --reason.")


def settings_of(ctx: typer.Context, *, accounts: bool = True) -> "Settings":
    """Return the settings that this command line names; without `accounts` the secrets of those may be missing."""
    from hotline.config.load import load

    name = f"hotline.config.settings.{accounts}"
    if name not in ctx.meta:
        ctx.meta[name] = load(ctx.ensure_object(Globals).settings_file, accounts=accounts)
    settings: Settings = ctx.meta[name]
    return settings


def complain(error: PipelineError) -> None:
    """Say what is wrong, and nothing more, on standard error."""
    for sentence in str(error).splitlines():
        write(f"hotline: {t(sentence)}", err=True)


def give_up_output() -> None:
    """Let nothing more be written to a standard output that takes nothing: Python's own last flush would fail."""
    with suppress(OSError, ValueError):  # it is none of the system's
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(record: object) -> None:
    """Write one JSON object and a line end as UTF-8, whatever the terminal speaks."""
    typer.echo(json_line(record))


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write a sentence, and a line end, in the language of the reader."""
    write(t(text), err=err, nl=nl)


def write(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write text as it is, and a line end: records and citizens' words. Control characters cannot move the cursor."""
    typer.echo(readable(text), err=err, nl=nl)


def one_of(known: Words) -> Callable[[str | None], str | None]:
    """Return what makes a word of these of what a person typed, in English or Chinese; raises BadParameter."""

    def checked(said: str | None) -> str | None:
        if said is None or said in known:
            return said
        for word, name in known.items():
            if said == name:
                return word
        raise typer.BadParameter(f"choose one of {', '.join(f'{word} ({name})' for word, name in known.items())}")

    return checked


known_channel = one_of(CHANNELS)


def moment(text: str) -> datetime:
    """Return a day or a time that a person typed; raises BadParameter. Digits alone are a day, no count of seconds."""
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter("write a day or a time, such as 2026-11-28 or '2026-11-28 09:30'") from error


def chinese(time: datetime | None) -> datetime | None:
    """Return a time that a person typed: without an offset it is Chinese time."""
    from schemas.ids import SHANGHAI

    return time.replace(tzinfo=SHANGHAI) if time and time.tzinfo is None else time


def there(time: datetime) -> str:
    """Return a time as `--since` and `--until` take it: Chinese time, with its offset."""
    from schemas.ids import SHANGHAI

    return time.astimezone(SHANGHAI).isoformat(timespec="seconds")


def refuse_misread(name: str) -> None:
    """Raise MisconfiguredError for a ticket number (工单编号) in which a digit is wrong: its check digit tells."""
    from schemas.errors import MisconfiguredError
    from schemas.ids import valid_ticket_no

    if _TICKET_NO.fullmatch(name.strip()) and not valid_ticket_no(name.strip()):
        raise MisconfiguredError(
            f"{name.strip()} is not a valid ticket number: its check digit (the last digit) is wrong."
        )


def span(since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    """Return two times that a person typed, in Chinese time; raises BadParameter when nothing lies between them."""
    first, end = chinese(since), chinese(until)
    if first and end and first >= end:
        raise typer.BadParameter(
            f"no time lies between: --until must be later than --since, which is {first:%Y-%m-%d %H:%M}",
            param_hint="--until",
        )
    return first, end


def shown(text: str) -> str:
    """Return text for rich: readable, and its brackets are no markup."""
    from rich.markup import escape

    return escape(readable(text))

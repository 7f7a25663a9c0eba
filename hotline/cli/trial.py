"""`hotline try`: what the pipeline would make of some inputs; no server, nothing kept."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotline.cli.common import AsJson, known_channel, say, settings_of
from hotline.cli.output import print_records
from hotline.translation import t
from schemas.ids import is_adcode
from schemas.topics import CHANNELS

if TYPE_CHECKING:
    from hotline.config.settings import Settings

NOTHING = "No message was found."


def _adcode(jurisdiction: str | None) -> str | None:
    if jurisdiction is not None and not is_adcode(jurisdiction):
        raise typer.BadParameter("six digits, such as 210100")
    return jurisdiction


def _city(settings: "Settings") -> str:
    """Return the city of the settings. If they name none, ask on a terminal."""
    if "jurisdiction" in settings.model_fields_set or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return settings.jurisdiction
    asked = t("行政区划代码 of the city (jurisdiction)")
    return str(typer.prompt(asked, default=settings.jurisdiction, value_proc=_adcode))


def try_(
    ctx: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Files, or folders to search.", show_default=False)
    ],
    channel: Annotated[
        str | None,
        typer.Option(
            callback=known_channel,
            metavar="|".join(CHANNELS),
            help="Channel of the files; .eml is mailbox, .xml is wechat, and .jsonl always holds neutral records.",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Profile that reads the requests in .http files: qiniu_sms, cti or your own."
        ),
    ] = None,
    stage: Annotated[Literal["message", "ticket"], typer.Option(help="Last stage: messages or tickets.")] = "ticket",
    jurisdiction: Annotated[
        str | None,
        typer.Option(
            callback=_adcode,
            help="行政区划代码 of the city, unless a record names its own; by default that of the settings.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the pipeline would make of PATH, with the same functions and without a server.

    A message without a time gets the present time. If neither the settings nor --jurisdiction name a city, it asks on a
    terminal. Prints JSON, one object per input and line, with --json or if the output is not a terminal.
    """
    from hotline.config import clients
    from hotline.quality.replay import rules
    from hotline.trial import inputs, requests, run

    settings = settings_of(ctx)
    city_rules = rules.to_try(settings)
    tried = run.run(
        requests.expanded(inputs.read(paths, channel), profile, city_rules),
        stage=stage,
        jurisdiction=jurisdiction or _city(settings),
        rules=city_rules,
        category_model=clients.category_model(settings),
        place_model=clients.place_model(settings),
        now=datetime.now(UTC),
    )
    if as_json or not sys.stdout.isatty():
        print_records(tried, (), "jsonl", nothing=NOTHING)
    else:
        from hotline.cli.trial_view import show

        if not show(tried):
            say(NOTHING, err=True)

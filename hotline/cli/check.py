"""`hotline check` and `hotline doctor`: settings without and with connecting."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.common import AsJson, print_json, say, settings_of, shown
from hotline.translation import t

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from hotline.doctor.findings import Finding


def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Check the settings without connecting; exit 2 if there are faults, else list the components."""
    from hotline.config.clients import rules_of
    from hotline.config.load import FaultySettingsError
    from hotline.doctor.checks import faults, faults_of_the_rest
    from tickets.policy import version_of

    try:
        settings = settings_of(ctx)
        found = faults(settings)
    except FaultySettingsError as error:
        settings, found = None, [*error.faults, *(faults_of_the_rest(error.rest) if error.rest else [])]
    if as_json:
        version = {} if found or settings is None else {"policy_version": version_of(rules_of(settings))}
        print_json({"ok": not found, "faults": found, **version})
    elif found or settings is None:
        say("\n".join(found))
    else:
        policy = shown(version_of(rules_of(settings)))
        starts = "`hotline run all` starts these, each with its health and metrics on a port:"
        say(f"{_read(settings)} The policy of decisions is {policy}. {starts}")
        for name, port in _components(settings):
            say(f"{port or 'none':>5}  {name}")
    raise typer.Exit(2 if found else 0)


def _read(settings: "Settings") -> str:
    if settings.file is None:
        return "There is no hotline.toml in this folder: the defaults and the environment are in order."
    return f"The settings of {settings.file.resolve()} and of the environment are in order."


def _components(settings: "Settings") -> Iterator[tuple[str, int]]:
    """Yield what `hotline run all` starts, itself first, with the port of each; 0 where there is none."""
    from hotline.runtime.components import names

    for number, name in enumerate(["all", *names(settings)]):
        yield name, settings.telemetry.port_of(number)


def doctor(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Check only the services that these use. Names as for `hotline run`; or `desk`: staff that "
            "explain tickets, read dead letters and give commands; or `operator`: staff that replay dead "
            "letters and inputs, and import.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Connect to every service and report failures; exit 1 if they may be temporary, 2 if you must act."""
    from hotline.doctor.examine import examine

    found = []
    with _libraries_silenced():
        for finding in examine(settings_of(ctx), names or ()):
            found.append(finding)
            _show(finding, as_json)
    outcomes = {finding.outcome for finding in found}
    raise typer.Exit(2 if "mend" in outcomes else 1 if "wait" in outcomes else 0)


@contextmanager
def _libraries_silenced() -> Iterator[None]:
    """What they log is told here in a sentence."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _show(finding: "Finding", as_json: bool) -> None:
    from hotline.terminal import Console

    if as_json:
        print_json(finding)
        return
    mark = {"ok": "[green]✓[/]", "wait": "[yellow]…[/]", "mend": "[red]✗[/]"}[finding.outcome]
    Console(highlight=False).print(
        f"{mark} [bold]{shown(t(finding.name))}[/]  {shown(t(finding.detail))}", soft_wrap=True
    )

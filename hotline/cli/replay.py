"""`hotline replay`: the input log under other rules or code, in memory; which tickets would differ."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hotline.cli.common import AsJson, print_json, say, settings_of, write
from hotline.output import readable
from hotline.translation import t
from schemas.enums import counted

if TYPE_CHECKING:
    from hotline.dev.stack.progress import Shown
    from hotline.quality.replay.facts import Difference
    from hotline.quality.replay.run import Summary

_FIELD_CHARACTERS = 200


def replay(
    ctx: typer.Context,
    point: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="POINT",
            help="First input to decide again: partition:offset of hotline.message.v1, a time (Chinese time), "
            "or the event_id of a decision. By default all that Kafka still has.",
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with changed copies of rules; by default the rules of this program."),
    ] = None,
    stage: Annotated[
        Literal["assign", "normalize"],
        typer.Option(help="Decide on the messages as they were parsed, or parse their raw bytes again first."),
    ] = "assign",
    diff: Annotated[bool, typer.Option("--diff", help="Show each decision and each ticket that would differ.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide recorded inputs again in their order and compare the results; writes nothing. Exit code 1: something would
    differ.
    """
    from hotline.dev.stack.progress import Shown
    from hotline.quality.replay import run
    from hotline.terminal import Console

    settings = settings_of(ctx)
    replayed = run.Run(settings, point, rules, normalizing=stage == "normalize")
    # Not among the differences on the same terminal.
    with Shown(Console(stderr=True, force_terminal=False if diff and sys.stdout.isatty() else None)) as progress:
        told = partial(_progress, progress)
        for found in replayed.differences(told):
            if diff and as_json:
                print_json(found)
            elif diff:
                for line in _lines(found):
                    write(line)
    summary = replayed.summary()
    if as_json:
        print_json(summary)
    else:
        _show(summary)
    if summary.differing:
        raise typer.Exit(1)


def _progress(progress: "Shown", partition: int, inputs: int) -> None:
    progress.count(f"partition {partition}: inputs decided again", inputs)


def _lines(found: "Difference") -> Iterator[str]:
    yield f"{found.subject} {readable(found.id)}" + (f"  input {found.position}" if found.position else "")
    for name, (was, now) in found.fields.items():
        yield f"    {name:<15} {_told(was)} -> {_told(now)}"


def _told(value: Any) -> str:
    from msgspec import json

    text = value if isinstance(value, str) else json.encode(value).decode()
    return readable(text if len(text) <= _FIELD_CHARACTERS else f"{text[:_FIELD_CHARACTERS]}…")


def _show(summary: "Summary") -> None:
    for partition, (asked, began) in summary.begins.items():
        if asked < began:
            say(
                f"Partition {partition}: inputs before offset {began} are no longer in Kafka (retention); "
                "the replay begins there, with the state as recorded."
            )
    say(f"{counted(summary.inputs, 'input')} decided again, policy {readable(summary.policy_version)}.")
    for number, what in (
        (summary.dead, "inputs cannot be decided now: they would become dead letters"),
        (summary.gone, "inputs, or records that they refer to, are no longer in Kafka: the recorded decision was used"),
        (summary.raws_gone, "inputs have lost their raw bytes: the recorded message was used"),
        (summary.inexact, "tickets are compared only by their links: their first snapshot is gone"),
    ):
        if number:
            write(f"{number} {t(what)}.")
    told = ", ".join(counted(number, subject) for subject, number in sorted(summary.differing.items()))
    say(f"Different: {told}." if told else "No differences.")

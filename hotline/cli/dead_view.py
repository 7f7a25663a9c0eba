"""`hotline dead replay` as a person sees it: what would go where, a question, a bar, and what became of it."""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from hotline import services
from hotline.audit import Run, replays, run_of
from hotline.cli.common import print_json, readable
from hotline.dead import Filters, Letter, letters
from hotline.dead_replay import Held, Plan, Replay, Report, plan, to_archive
from hotline.local.progress import Shown
from schemas.connection import KafkaConnection
from schemas.errors import MisconfiguredError
from streams.blobs import Blobs

if TYPE_CHECKING:
    from hotline.settings import Settings

HELD_SHOWN = 20


def replay(
    settings: "Settings",
    filters: Filters,
    *,
    rate: float | None,
    again: bool,
    dry_run: bool,
    yes: bool,
    reason: str | None,
    author: str | None,
    as_json: bool,
) -> None:
    """Choose, ask, put back and report. Raises typer.Exit(1) when one cannot go back or fails again at once."""
    run, connection = run_of(settings, author, reason), services.kafka(settings)
    chosen = plan(letters(connection, filters, replays(connection)), again=again)
    if dry_run:
        _show_plan(chosen, as_json, every=True)
        return
    if as_json and not yes:
        raise MisconfiguredError("Nobody can be asked with --json: add --yes, or --dry-run to see what would happen.")
    if not as_json:
        _show_plan(chosen, as_json, every=False)
    if chosen.chosen and not yes:
        typer.confirm(f"Put {len(chosen.chosen)} dead letters back?", abort=True)
    report = _carried_out(settings, connection, run, chosen, rate)
    if as_json:
        print_json(report)
    else:
        _show_report(report)
    if report.failed_again or not all(one.settled for one in report.held):
        raise typer.Exit(1)


def _carried_out(
    settings: "Settings", connection: KafkaConnection, run: Run, chosen: Plan, rate: float | None
) -> Report:
    if not chosen.chosen:
        return Report(run_id=run.id, author=run.author, held=chosen.held)
    total = len(chosen.chosen) + len(chosen.held)

    async def carry_out(progress: Shown) -> Report:
        client = services.elasticsearch(settings) if any(one.stage == "sink" for one in chosen.chosen) else None
        try:
            blobs = services.blobs(settings)
            deliver = to_archive(client, blobs, settings.sinks.elastic) if client else _nothing
            job = Replay(connection, Blobs(blobs), run, deliver)
            return await job.carry_out(chosen, rate, lambda done: progress.count("putting back", done, total))
        finally:
            if client:
                await client.close()

    with Shown(Console(stderr=True)) as progress:
        return asyncio.run(carry_out(progress))


async def _nothing(*_: object) -> None:
    raise AssertionError("no letter of a sink was chosen")


def _show_plan(chosen: Plan, as_json: bool, *, every: bool) -> None:
    if as_json:
        for letter in chosen.chosen:
            print_json({"id": letter.id, "put_back": True, "to": _target(letter), "why": None})
        for held in chosen.held:
            print_json({"id": held.id, "put_back": False, "to": None, "why": held.why})
        return
    if every:
        for letter in chosen.chosen:
            typer.echo(f"{letter.id:<10} {readable(letter.code):<16} would go to {readable(_target(letter))}")
    targets = Counter((_target(letter), letter.code) for letter in chosen.chosen)
    for (target, code), number in targets.most_common():
        typer.echo(f"{number:>8}  {readable(code):<16} to {readable(target)}")
    if not chosen.chosen:
        typer.echo("No dead letter is to be put back.")
    _show_held(chosen.held)


def _target(letter: Letter) -> str:
    return "the archive" if letter.stage == "sink" else letter.came_from.partition(":")[0]


def _show_report(report: Report) -> None:
    parts = [f"{number} to {'the archive' if to == 'sink' else to}" for to, number in report.put_back.most_common()]
    typer.echo(f"{sum(report.put_back.values())} put back{': ' + ', '.join(parts) if parts else ''}.")
    if report.failed_again:
        typer.echo(f"{report.failed_again} failed again at once: `hotline dead list` has them, with a higher count.")
    if report.put_back.total() > report.put_back["sink"]:
        typer.echo("What fails again comes back to `hotline dead list`, with a higher count.")
    _show_held(report.held)
    typer.echo(f"Recorded as run {report.run_id} of {report.author}.", file=sys.stderr)


def _show_held(held: Sequence[Held]) -> None:
    for why, number in Counter(one.why for one in held).most_common():
        ids = [one.id for one in held if one.why == why]
        more = f" and {number - HELD_SHOWN} more" if number > HELD_SHOWN else ""
        typer.echo(f"{number:>8}  not put back: {why} ({' '.join(ids[:HELD_SHOWN])}{more})")

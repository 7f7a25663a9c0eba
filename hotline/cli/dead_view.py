"""`hotline dead replay` as a person sees it: what would go where, a question, a bar, and what became of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import typer

from broker.config import KafkaConnection
from connectors.publish.publisher import STAGE as CONNECTOR
from hotline.admin.audit import Run, replays, run_of
from hotline.admin.dead_letters.original import INPUTS, SINK, SUBSCRIBER, inputs_of, is_of_a_sink
from hotline.admin.dead_letters.query import Filters, Letter, letters
from hotline.admin.dead_letters.replay import Held, Plan, Replay, Report, plan, target_of
from hotline.admin.dead_letters.replay_sinks import Archive, Subscriber, Target
from hotline.cli.common import print_json, say, write
from hotline.config import clients
from hotline.dev.stack.progress import Shown
from hotline.terminal import Console
from hotline.translation import t
from schemas.enums import counted
from schemas.errors import MisconfiguredError
from storage import private_files
from streams.blobs import Blobs

if TYPE_CHECKING:
    from hotline.config.settings import Settings

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
    as_json: bool,
) -> None:
    """Choose, ask, put back and report. Raises typer.Exit(1) when one cannot go back or fails again at once."""
    run, connection = run_of(settings, reason), clients.kafka(settings)
    found = of_a_stage(letters(connection, filters, replays(connection)), filters)
    chosen = plan(found, inputs_of(settings.sinks.webhook), again=again)
    if dry_run:
        _show_plan(chosen, as_json, every=True)
        return
    if as_json and not yes:
        raise MisconfiguredError("--json cannot ask: add --yes, or --dry-run to see what would happen.")
    if not as_json:
        _show_plan(chosen, as_json, every=False)
    if chosen.chosen and not yes:
        typer.confirm(t(f"Replay {counted(len(chosen.chosen), 'dead letter')}?"), abort=True)
    report = _carried_out(settings, connection, run, chosen, rate)
    if as_json:
        print_json(report)
    else:
        _show_report(report, chosen)
    if report.failed_again or not all(one.settled for one in report.held):
        raise typer.Exit(1)


def of_a_stage(found: Iterator[Letter], filters: Filters) -> Iterator[Letter]:
    """Yield the letters. Raises MisconfiguredError when a stage that we do not know has none at all."""
    first, stage = next(found, None), filters.stage
    if first is not None:
        yield first
        yield from found
    elif filters == Filters(stage=stage) and stage and stage not in (CONNECTOR, *INPUTS) and SUBSCRIBER not in stage:
        known = ", ".join((CONNECTOR, *INPUTS))
        raise MisconfiguredError(f"There is no stage {stage}: choose from {known}, and {SUBSCRIBER}<id>.")


def _carried_out(
    settings: "Settings", connection: KafkaConnection, run: Run, chosen: Plan, rate: float | None
) -> Report:
    if not chosen.chosen:
        return Report(run_id=run.id, author=run.author, held=chosen.held)
    total = len(chosen.chosen) + len(chosen.held)

    async def carry_out(progress: Shown) -> Report:
        async with _targets(settings, connection, {one.stage for one in chosen.chosen}) as targets:
            job = Replay(connection, Blobs(clients.blobs(settings)), run, targets)
            return await job.carry_out(chosen, rate, lambda done: progress.count("replaying", done, total))

    with private_files.shut_to_others(), Shown(Console(stderr=True)) as progress:
        return asyncio.run(carry_out(progress))


@asynccontextmanager
async def _targets(
    settings: "Settings", connection: KafkaConnection, stages: Collection[str]
) -> AsyncIterator[dict[str, Target]]:
    """Give the services that these stages write to."""
    targets: dict[str, Target] = {
        f"{SUBSCRIBER}{name}": Subscriber(name, one, connection) for name, one in settings.sinks.webhook.items()
    }
    if SINK not in stages:
        yield targets
        return
    async with clients.elasticsearch(settings) as client:
        shards = settings.elasticsearch.shards.by_index
        yield {**targets, SINK: Archive(client, clients.blobs(settings), settings.sinks.elastic, shards)}


def _show_plan(chosen: Plan, as_json: bool, *, every: bool) -> None:
    if as_json:
        for letter in chosen.chosen:
            print_json({"id": letter.id, "put_back": True, "to": _named(target_of(letter)), "why": None})
        for held in chosen.held:
            print_json({"id": held.id, "put_back": False, "to": None, "why": held.why})
        return
    if every:
        for letter in chosen.chosen:
            write(f"{letter.id:<10} {letter.code:<16} {t(f'would go to {_named(target_of(letter))}')}")
    targets = Counter((_named(target_of(letter)), letter.code) for letter in chosen.chosen)
    for (target, code), number in targets.most_common():
        write(f"{number:>8}  {code:<16} -> {t(target)}")
    if not chosen.chosen:
        say("No dead letter can be replayed.")
    _show_held(chosen.held)


def _named(target: str) -> str:
    if target.startswith(SUBSCRIBER):
        return f"subscriber {target.removeprefix(SUBSCRIBER)}"
    return "the archive" if target == SINK else target


def _show_report(report: Report, chosen: Plan) -> None:
    parts = [f"{number} -> {t(_named(to))}" for to, number in report.put_back.most_common()]
    say(f"{sum(report.put_back.values())} replayed{': ' + ', '.join(parts) if parts else ''}.")
    if report.failed_again:
        say(f"{report.failed_again} failed again at once: `hotline dead list` lists them with a higher count.")
    if any(not is_of_a_sink(to) for to in report.put_back):
        say("Those that fail again appear in `hotline dead list` with a higher count.")
    _show_held([one for one in report.held if one not in chosen.held])
    if chosen.chosen:
        say(f"Recorded as run {report.run_id} of {report.author}.", err=True)


def _show_held(held: Sequence[Held]) -> None:
    for why, number in Counter(one.why for one in held).most_common():
        ids = [one.id for one in held if one.why == why]
        more = " …" if number > HELD_SHOWN else ""
        write(f"{number:>8}  {t(f'not replayed: {why}')} ({' '.join(ids[:HELD_SHOWN])}{more})")

"""`hotline demo`: the sample messages on the real servers, accounted for from the topics themselves."""

import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.cli.common import AsJson, print_json, say, settings_of
from hotline.cli.stack import local_stack
from hotline.translation import t

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from hotline.dev.demo.play import Play, Result
    from hotline.dev.stack.stack import Stack
    from hotline.terminal import Console

PAUSE_SECONDS = 0.7


def demo(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Stop the local stack afterwards.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send sample messages through the real connectors and servers; exit 0 if all are accounted for."""
    from hotline.terminal import Console

    began = time.monotonic()
    settings = settings_of(ctx)
    _local_only(settings)
    console = Console(stderr=as_json)
    with _interruptible(console, once):
        stack = local_stack(settings)
        try:
            play = _stage(stack, settings, console, as_json)
            versions = _versions(settings)
            result = play.perform(lambda _: None) if as_json else _shown(play, console, versions)
        finally:
            if once:
                _stop(stack, console)
    if as_json:
        print_json(_line(result, versions, time.monotonic() - began))
    else:
        _farewell(console, result, once)
    if not result.complete:
        say(f"hotline: not every message is accounted for: see {play.log}", err=True)
        raise typer.Exit(1)


@contextlib.contextmanager
def _interruptible(console: "Console", once: bool) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the demo the same way: its processes stop before it returns."""

    def interrupted(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupted)
    try:
        yield
    except KeyboardInterrupt:
        rest = "" if once else t(f" Kafka and Elasticsearch keep running; to stop them:\n  {_program()} down")
        console.print(f"\n中断 · The demo was stopped; run it again whenever you like.{rest}", highlight=False)
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(stack: "Stack", console: "Console") -> None:
    from hotline.dev.stack.progress import Shown

    with Shown(console) as progress:
        stack.down(progress)


def _program() -> str:
    """Return what to type for `hotline` where the user is: a virtual environment is rarely on the path."""
    beside = Path(sys.executable).with_name("hotline")
    if shutil.which("hotline") or not beside.exists():
        return "hotline"
    return str(beside.relative_to(Path.cwd())) if beside.is_relative_to(Path.cwd()) else str(beside)


def _local_only(settings: "Settings") -> None:
    from schemas.errors import MisconfiguredError

    if not settings.is_local or settings.elasticsearch.hosts:
        raise MisconfiguredError(
            "The demo only runs on the local stack, never among real messages: unset "
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS and HOTLINE_ELASTICSEARCH__HOSTS."
        )


def _stage(stack: "Stack", settings: "Settings", console: "Console", quiet: bool) -> "Play":
    import asyncio

    from hotline.admin.topics import Provision
    from hotline.config import clients
    from hotline.dev.demo.play import Play
    from hotline.dev.stack.jars import GREENMAIL, SMSGATE
    from hotline.dev.stack.progress import Shown
    from hotline.dev.stack.stack import prepare

    with Shown(console) as progress:
        prepare(progress, settings.local.maven_mirror, also=[GREENMAIL, SMSGATE])
        endpoints = stack.up(progress)
        progress.say("Creating topics and indices")
        connection = clients.kafka(settings)
        Provision(connection).create_when_started()
        asyncio.run(_ensure_indices(settings))
    return Play(connection, endpoints.elasticsearch_url, settings.data_dir, 0 if quiet else PAUSE_SECONDS)


async def _ensure_indices(settings: "Settings") -> None:
    from hotline.config import clients
    from sinks.elastic.templates import ensure_indices

    async with clients.elasticsearch(settings) as client:
        await ensure_indices(client)


def _shown(play: "Play", console: "Console", versions: dict[str, str]) -> "Result":
    from rich.live import Live

    from hotline.dev.demo import view

    console.print(view.opening(versions))
    sent: list[str] = []
    with Live(console=console, refresh_per_second=8) as live:

        def tick(note: str) -> None:
            if note:
                sent.append(note)
            live.update(view.stage(play.ledger, sent, console.height, console.width))

        tick("")
        result = play.perform(tick)
        live.update(view.stage(play.ledger, sent, width=console.width))
    if not console.is_terminal:
        console.line()  # rich ends a live display's last line on terminals only
    return result


def _versions(settings: "Settings") -> dict[str, str]:
    import asyncio

    from hotline.config import clients
    from hotline.dev.stack.kafka import running_version

    async def elasticsearch() -> str:
        async with clients.elasticsearch(settings) as client:
            return str((await client.info())["version"]["number"])

    return {"kafka": running_version(settings.data_dir), "elasticsearch": asyncio.run(elasticsearch())}


def _line(result: "Result", versions: dict[str, str], seconds: float) -> dict[str, Any]:
    totals = result.totals
    return {
        **versions,
        "published": totals.published,
        "messages": totals.messages,
        "dead": totals.dead,
        "tickets": totals.tickets,
        "linked": totals.linked,
        "no_ticket": totals.no_ticket,
        "handovers": totals.handovers,
        "indexed": result.indexed,
        "search": {query: len(hits) for query, hits in result.hits.items()},
        "seconds": round(seconds, 1),
    }


def _farewell(console: "Console", result: "Result", once: bool) -> None:
    from hotline.dev.demo import view

    console.print(view.summary(result))
    if once:
        return
    number = next(iter(hit.ticket_no for hits in result.hits.values() for hit in hits), "TICKET")
    program = _program()
    console.print(
        "\n接下来可以试 · try next:\n"
        f"  {program} search 阳光花园\n"
        f"  {program} explain {number}\n"
        f"  {program} dead list\n"
        f"{t('Kafka and Elasticsearch keep running in the background; to stop them:')}\n"
        f"  {program} down",
        highlight=False,
        soft_wrap=True,
    )

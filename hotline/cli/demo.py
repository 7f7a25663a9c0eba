"""`hotline demo`: the sample messages on the real servers, accounted for from the topics themselves."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.cli.common import AsJson, print_json, settings_of

if TYPE_CHECKING:
    from hotline.demo.play import Play, Result
    from hotline.settings import Settings

PAUSE_SECONDS = 0.7


def demo(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Stop the local stack afterwards.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let sample messages travel through the real connectors and servers; exit 0 if all are accounted for."""
    from rich.console import Console

    began = time.monotonic()
    settings = settings_of(ctx)
    _local_only(settings)
    console = Console(stderr=as_json)
    stack, play = _stage(settings, console, as_json)
    try:
        result = play.perform(lambda _: None) if as_json else _shown(play, console)
        versions = _versions(settings)
    finally:
        if once:
            stack.down()
    if as_json:
        print_json(_line(result, versions, time.monotonic() - began))
    else:
        _farewell(console, result, once)
    raise typer.Exit(0 if result.complete else 1)


def _local_only(settings: "Settings") -> None:
    from schemas.errors import MisconfiguredError

    if not settings.is_local or settings.elasticsearch.hosts:
        raise MisconfiguredError(
            "The demo plays on the local stack alone, never among real messages: "
            "unset HOTLINE_KAFKA__BOOTSTRAP_SERVERS and HOTLINE_ELASTICSEARCH__HOSTS for it."
        )


def _stage(settings: "Settings", console: Any, quiet: bool) -> tuple[Any, "Play"]:
    import asyncio

    from hotline import services
    from hotline.cli.stack import local_stack
    from hotline.demo.play import Play
    from hotline.local.jars import GREENMAIL, fetch_jars
    from hotline.local.progress import Shown
    from hotline.provision import Provision

    stack = local_stack(settings)
    with Shown(console) as progress:
        fetch_jars(GREENMAIL, progress=progress)
        endpoints = stack.up(progress)
        progress.say("Making topics and indices")
        connection = services.kafka(settings)
        Provision(connection).create()
        asyncio.run(_ensure_indices(settings))
    return stack, Play(connection, endpoints.elasticsearch_url, settings.data_dir, 0 if quiet else PAUSE_SECONDS)


async def _ensure_indices(settings: "Settings") -> None:
    from hotline import services
    from sinks.elastic.templates import ensure_indices

    async with services.elasticsearch(settings) as client:
        await ensure_indices(client)


def _shown(play: "Play", console: Any) -> "Result":
    from rich.live import Live

    from hotline.demo import view

    sent: list[str] = []
    with Live(console=console, refresh_per_second=8, transient=False) as live:

        def tick(note: str) -> None:
            if note:
                sent.append(note)
            live.update(view.stage(play.ledger, sent))

        return play.perform(tick)


def _versions(settings: "Settings") -> dict[str, str]:
    import asyncio

    from hotline import services
    from hotline.local.kafka import running_version

    async def elasticsearch() -> str:
        async with services.elasticsearch(settings) as client:
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


def _farewell(console: Any, result: "Result", once: bool) -> None:
    from hotline.demo import view

    console.print(view.summary(result))
    if once:
        return
    number = next(iter(hit.ticket_no for hits in result.hits.values() for hit in hits), "TICKET")
    console.print(
        "\n接下来可以试 · try next:\n"
        "  .venv/bin/hotline search 阳光花园\n"
        f"  .venv/bin/hotline explain {number}\n"
        "  .venv/bin/hotline dead list\n"
        "Kafka and Elasticsearch stay up in the background; stop them with\n"
        "  .venv/bin/hotline down",
        highlight=False,
    )

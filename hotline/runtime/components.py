"""The only place that composes packages: settings become running components."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from hotline.config import clients, command_signers
from hotline.runtime import (
    components_connectors,
    components_console,
    components_media,
    components_replies,
    components_web,
    health,
)
from hotline.runtime.process import Component, blocking
from schemas.errors import MisconfiguredError
from schemas.tracing import OFF, Tracer

if TYPE_CHECKING:
    from broker.config import KafkaConnection
    from connectors.base import PushConnector
    from hotline.config.settings import Settings
    from sinks import Sink, Source
    from sinks.settings import SinkSettings
    from streams.backpressure.downstream_lag import Group


_log = structlog.get_logger(__name__)

STAGES = ("screen", "normalize", "assign")


def names(settings: "Settings") -> list[str]:
    """Return every component that these settings lead to, in the order in which `run all` starts them."""
    from connectors.registry import DOORS, PULL, PUSH, SESSION
    from sinks import SINKS

    accounts = settings.connectors.sections
    fetched = [f"connector:{name}" for section in (*PULL, *SESSION) for name in accounts[section]]
    pushed = ["receiver"] if settings.backoffice or any(accounts[section] for section in (*PUSH, *DOORS)) else []
    handed = ["lmtp"] if settings.lmtp.mailboxes else []
    kept = ["sink:archive"] if settings.sinks.archive.enabled else []
    subscribed = ["sink:webhook"] if settings.sinks.webhook else []
    back = ["outbox"] if settings.answers else []
    later = ["fetcher"] if settings.connectors.fetches_media else []
    sinks = [*(f"sink:{name}" for name in SINKS), *kept, *subscribed]
    shown = ["console"] if settings.console.enabled else []
    watched = ["console:desk"] if settings.console.desk.enabled else []
    return [*STAGES, *sinks, "eraser", *back, *pushed, *handed, *later, *fetched, *shown, *watched, "monitor"]


def component(settings: "Settings", name: str, tracer: Tracer = OFF) -> Component:
    """Make one component; raises MisconfiguredError for a name that these settings do not lead to."""
    refuse_unknown(settings, name)
    kind, _, which = name.partition(":")
    make = MAKERS.get(name) or MAKERS[kind]
    return make(settings, name, which, tracer)


def refuse_unknown(settings: "Settings", name: str) -> None:
    """Raise MisconfiguredError for a name that these settings do not lead to."""
    known = names(settings)
    if name == "lmtp" and name not in known:
        raise MisconfiguredError("lmtp has no recipients: set `lmtp.mailboxes.<id>.recipients`.")
    if name == "sink:archive" and name not in known:
        raise MisconfiguredError("sink:archive is off: set `sinks.archive.enabled` (HOTLINE_SINKS__ARCHIVE__ENABLED).")
    if name == "console" and name not in known:
        raise MisconfiguredError("console is off: set `console.enabled` (HOTLINE_CONSOLE__ENABLED).")
    if name == "console:desk" and name not in known:
        raise MisconfiguredError("console:desk is off: set `console.desk.enabled` (HOTLINE_CONSOLE__DESK__ENABLED).")
    if name not in known:
        raise MisconfiguredError(f"There is no component {name}: choose from {', '.join([*known, 'all'])}.")


def _stage(settings: "Settings", name: str, _: str, tracer: Tracer) -> Component:
    from hotline.admin import placement
    from streams import metrics
    from streams.engine.app import serve

    app = _STAGES[name](settings, tracer)

    async def run(stop: asyncio.Event) -> None:
        await placement.awaited(clients.kafka(settings), stop)
        await serve(app, stop)

    def probe() -> Mapping[str, Any]:
        troubles = [told for trouble in app.troubles if (told := trouble()) is not None]
        quarantines = [quarantined() for quarantined in app.quarantines]
        restoring = sum(len(partitions()) for partitions in app.restoring)
        told = health.stage(app.begun, troubles, quarantines, restoring)
        return {"lag": _value(metrics.LAG_SECONDS, stage=name), **told}

    return Component(name=name, run=run, probe=probe)


def _screen(settings: "Settings", tracer: Tracer) -> Any:
    from streams import screen
    from streams.engine import groups
    from streams.engine.app import make_app

    connection = clients.kafka(settings)
    app = make_app(groups.SCREEN, connection, settings.data_dir)
    screen.declare(app, connection, clients.blobs(settings), clients.policy(settings), tracer, settings.floods)
    return app


def _normalize(settings: "Settings", tracer: Tracer) -> Any:
    from streams import normalize
    from streams.engine import groups
    from streams.engine.app import make_app

    connection = clients.kafka(settings)
    app = make_app(groups.NORMALIZE, connection, settings.data_dir)
    policy, behind = clients.policy(settings), behind_normalize()
    normalize.declare(
        app, connection, clients.blobs(settings), policy, behind, tracer=tracer, flood_settings=settings.floods
    )
    return app


def behind_normalize() -> list["Group"]:
    """Name the groups that a flood of back-fill would hold up: live messages wait in the same topics."""
    from schemas import topics
    from sinks import SINKS
    from sinks.groups import group_of
    from streams.backpressure.downstream_lag import Group
    from streams.engine import groups

    sinks = [Group(group_of(name), records_a_message=len(routes)) for name, routes in SINKS.items()]
    return [Group(groups.ASSIGN, (topics.MESSAGE,)), *sinks]


def _assign(settings: "Settings", tracer: Tracer) -> Any:
    from streams import assign
    from streams.engine import groups
    from streams.engine.app import make_app

    connection = clients.kafka(settings)
    app = make_app(groups.ASSIGN, connection, settings.data_dir, isolation_level="read_committed")
    assign.declare(app, connection, clients.blobs(settings), clients.ticket_policy(settings), tracer=tracer)
    return app


def _webhook(settings: "Settings", name: str, _: str, tracer: Tracer) -> Component:
    from sinks.webhook.run import Webhooks

    webhooks = Webhooks(settings.sinks.webhook, clients.kafka(settings), tracer)

    def probe() -> Mapping[str, Any]:
        return health.webhooks(webhooks.troubles()) if webhooks.begun else health.STARTING

    return Component(name=name, run=webhooks.run, probe=probe)


def _sink(settings: "Settings", name: str, which: str, tracer: Tracer) -> Component:
    from sinks import routes
    from sinks.elastic.consistency import Presence
    from sinks.elastic.sink import ElasticSink

    ways, connection = routes(shards=settings.elasticsearch.shards.by_index), clients.kafka(settings)

    def make() -> ElasticSink:
        return ElasticSink(clients.elasticsearch(settings), ways.values())

    async def look(stop: asyncio.Event) -> None:
        async with clients.elasticsearch(settings) as client:
            await Presence(client, connection, ways).watch(stop)

    return _sinking(name, make, ways.values(), connection, settings.sinks.elastic, tracer, look)


def _archive(settings: "Settings", name: str, _: str, tracer: Tracer) -> Component:
    from sinks import archive_sources
    from sinks.raw_archive import ArchiveSink

    sink = ArchiveSink(clients.blobs(settings))
    return _sinking(name, lambda: sink, archive_sources(), clients.kafka(settings), settings.sinks.archive, tracer)


def _eraser(settings: "Settings", name: str, _: str, tracer: Tracer) -> Component:
    from sinks.eraser import Eraser, routes

    blobs = clients.blobs(settings)

    def make() -> Eraser:
        return Eraser(clients.elasticsearch(settings), blobs)

    return _sinking(name, make, routes(), clients.kafka(settings), settings.sinks.elastic, tracer)


def _sinking(
    name: str,
    make: Callable[[], "Sink"],
    sources: Iterable["Source"],
    connection: "KafkaConnection",
    limits: "SinkSettings",
    tracer: Tracer,
    beside: Callable[[asyncio.Event], Coroutine[Any, Any, None]] | None = None,
) -> Component:
    """Make the component of a sink, which itself is made in the event loop that it runs in; `beside` ends with it."""
    from sinks.runner import Runner, run_sink

    running: list[Runner] = []

    async def run(stop: asyncio.Event) -> None:
        looking = asyncio.create_task(beside(stop)) if beside else None
        try:
            await run_sink(make(), sources, connection, limits, stop, running.append, tracer=tracer)
        finally:
            if looking is not None:
                looking.cancel()
                await asyncio.wait({looking})

    def probe() -> Mapping[str, Any]:
        return health.sink(running[-1].health()) if running else health.STARTING

    return Component(name=name, run=run, probe=probe)


def _receiver(settings: "Settings", name: str, _: str, tracer: Tracer) -> Component:
    from broker.sync_producer import Producer
    from connectors.backoffice import command_status
    from connectors.backoffice.api import BackOffice
    from connectors.http.server import Receiver, serve_until
    from connectors.publish.disk_buffer import Journal
    from connectors.publish.durable_publisher import DurablePublisher, opened
    from connectors.publish.publisher import Publisher
    from hotline.admin import placement
    from hotline.config import routes as paths

    for fault in paths.faults(settings):
        raise MisconfiguredError(fault)
    chosen = settings.receiver
    signer, is_closed = None, False
    try:
        signer = command_signers.signer_of_door(settings) if settings.backoffice else None
    except MisconfiguredError as error:  # citizens' messages come in all the same
        is_closed = True
        _log.error("commands_cannot_be_signed", reason=str(error))
    connection, blobs = clients.stopped_kafka(settings), clients.blobs(settings)
    running: list[tuple[Receiver, DurablePublisher]] = []
    check = placement.Checked(connection)

    def find(*wanted: Any) -> Any:
        check()  # it takes messages in without Kafka, and looks for outcomes in the city's partition
        return command_status.find(connection, *wanted)

    async def run(stop: asyncio.Event) -> None:
        producer = Producer(connection)
        publisher = Publisher(connection, blobs, producer, tracer)
        journal = partial(Journal, clients.journal_folder(settings), chosen.journal_max_bytes)
        durable = await opened(publisher, journal, chosen.publish_timeout_seconds)
        web_doors, archive = components_web.doors(settings)
        try:
            routes, limits = pushed(settings)
            office = BackOffice(
                settings.backoffice,
                producer,
                find,
                chosen.publish_timeout_seconds,
                signer=signer,
                is_closed=is_closed,
            )
            doors = office.routes() if settings.backoffice else []
            receiver = Receiver(routes, durable, chosen, limits, doors, web_doors)
            running.append((receiver, durable))
            await serve_until(receiver, chosen, stop)
        finally:
            await archive.close()
            publisher.close()
            await durable.close()

    def probe() -> Mapping[str, Any]:
        return health.receiver(running[-1][0].report, running[-1][1].fault) if running else health.STARTING

    return Component(name=name, run=run, probe=probe)


def pushed(settings: "Settings") -> tuple[dict[str, "PushConnector"], dict[str, int]]:
    """Make the connector of every account that is called, by its path, and the body limits of those that have one."""
    from connectors import metrics
    from connectors.registry import PUSH

    routes, limits = {}, {}
    for section, entry in PUSH.items():
        for name, account in settings.connectors.sections[section].items():
            route = getattr(account, "route", account.path)
            routes[route] = entry.make(components_connectors.with_shared(settings, account), name)
            metrics.FAULTS_OF_OURS.labels(routes[route].channel, name)  # an alarm on its growth has to see it at 0
            if most := getattr(account, "body_max_bytes", None):
                limits[route] = most
    exact_first = sorted(routes.items(), key=lambda entry: "{" in entry[0])  # the first that fits is called
    return dict(exact_first), limits


def _monitor(settings: "Settings", name: str, _: str, __: Tracer) -> Component:
    from hotline.monitor.exporter import Monitor

    monitor = Monitor(settings)

    def probe() -> Mapping[str, Any]:
        last = monitor.last_look.isoformat() if monitor.last_look else None
        if last is None and monitor.trouble is None:
            return {"last_success": None, **health.STARTING}
        state = {"state": "degraded"} if monitor.trouble else {}
        return {"last_success": last, "detail": monitor.trouble, **state}

    return Component(name=name, run=blocking(monitor.run), probe=probe)


def _value(gauge: Any, **labels: str) -> float:
    value: float = gauge.labels(**labels)._value.get()
    return value


_STAGES: Mapping[str, Callable[["Settings", Tracer], Any]] = {
    "screen": _screen,
    "normalize": _normalize,
    "assign": _assign,
}

MAKERS: Mapping[str, Callable[["Settings", str, str, Tracer], Component]] = {
    **dict.fromkeys(STAGES, _stage),
    "sink": _sink,
    "sink:archive": _archive,
    "sink:webhook": _webhook,
    "eraser": _eraser,
    "outbox": components_replies.outbox,
    "receiver": _receiver,
    "fetcher": components_media.fetcher,
    "connector": components_connectors.fetched,
    "lmtp": components_connectors.lmtp,
    "monitor": _monitor,
    "console": components_console.console,
    "console:desk": components_console.console,
}

"""From the settings of an account to the component that fetches from it: many of them may share a process."""

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, SecretStr

from hotline.config import clients
from hotline.runtime import components_replies
from hotline.runtime import health as probes
from hotline.runtime.process import Component, blocking
from schemas.errors import MisconfiguredError
from schemas.ids import keyed_digest
from schemas.tracing import Tracer

if TYPE_CHECKING:
    from connectors.base import PullConnector, SessionConnector
    from connectors.replies.account import AccountAnswers
    from hotline.config.settings import Settings


A = TypeVar("A", bound=BaseModel)

_NAMING_KEY = "naming_key"


def fetched(settings: "Settings", name: str, which: str, tracer: Tracer) -> Component:
    """Return the component of a pull or session account; raises MisconfiguredError if there is none."""
    from connectors.registry import PULL, SESSION

    for section, accounts in settings.connectors.sections.items():
        if which not in accounts:
            continue
        account = with_shared(settings, accounts[which])
        if section in PULL:
            return _pull(settings, name, which, PULL[section].make(account, which), tracer)
        if section in SESSION:
            return _session(settings, name, which, SESSION[section].make(account, which), tracer)
    raise MisconfiguredError(f"There is no pull account {which}: run `hotline check` for the list.")


def with_shared(settings: "Settings", account: A) -> A:
    """Return the settings of an account, completed by the key for message ids and the rules folder that it takes.

    Raises MisconfiguredError as `naming_key` does.
    """
    if getattr(account, _NAMING_KEY, True) is None and (key := naming_key(settings)) is not None:
        account = account.model_copy(update={_NAMING_KEY: key})
    under = getattr(account, "under", None)
    return account if under is None else under(settings.rules.folder)


def naming_key(settings: "Settings") -> SecretStr | None:
    """Return the key for ids of messages that only their words identify, derived from that of the query codes.

    The local stack may have none. Raises MisconfiguredError if `HOTLINE_QUERY_KEY` is missing elsewhere.
    """
    key = clients.query_key(settings)
    return None if settings.query_key is None else SecretStr(keyed_digest(key, _NAMING_KEY.encode()).hex())


def _session(settings: "Settings", name: str, which: str, connector: "SessionConnector", tracer: Tracer) -> Component:
    from broker.lease import GroupLease
    from connectors.base import Listening
    from connectors.publish.disk_buffer import Journal
    from connectors.publish.durable_publisher import BROADCAST_JOURNAL_BYTES, DurablePublisher, for_broadcast
    from connectors.publish.publisher import Publisher
    from connectors.runtime.cursor_store import Cursors
    from connectors.runtime.health import Health
    from connectors.runtime.session import Publisher as Outward
    from connectors.runtime.session import run_session

    connection, blobs = clients.stopped_kafka(settings), clients.blobs(settings)
    health = Health(which, connector.channel)
    durable: list[DurablePublisher] = []
    leases: list[GroupLease] = []
    answers = components_replies.over_session(settings, which, connector, lambda: bool(leases) and leases[0].held)

    def journal() -> Journal:
        return Journal(clients.listener_journal_folder(settings, which), BROADCAST_JOURNAL_BYTES, kind=which)

    async def run(stop: asyncio.Event) -> None:
        publisher, cursors = Publisher(connection, blobs, tracer=tracer), Cursors(connection, which)
        try:
            async with AsyncExitStack() as stack:
                if isinstance(connector, Listening):
                    durable[:] = [await stack.enter_async_context(for_broadcast(publisher, journal))]
                outward: Outward = durable[0] if durable else publisher
                lease = GroupLease(connection, which)
                leases[:] = [lease]
                serve = functools.partial(run_session, connector, outward, health=health, lease=lease, memory=cursors)
                await (serve(stop=stop) if answers is None else answering_over(serve, answers, stop))
        finally:
            await asyncio.to_thread(cursors.close)
            await asyncio.to_thread(publisher.close)

    probe = functools.partial(probes.session, health, durable, answers)
    return Component(name=name, run=run, isolated=True, probe=probe)


async def answering_over(
    serve: Callable[..., Coroutine[Any, Any, None]], answers: "AccountAnswers", stop: asyncio.Event
) -> None:
    """Hold a session and answer over it; at the end replies on their way are finished before the session is left."""
    leaving, ending = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(stop=leaving), name="session of the account")
    giving = asyncio.create_task(answers.run(ending), name="answers of the account")
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        ending.set()
        await asyncio.wait({giving})
        leaving.set()
        await serving
    finally:
        for task in (stopping, giving, serving):
            task.cancel()
        await asyncio.gather(stopping, giving, serving, return_exceptions=True)


def _pull(settings: "Settings", name: str, which: str, connector: "PullConnector", tracer: Tracer) -> Component:
    from broker.lease import GroupLease
    from connectors.publish.publisher import Publisher
    from connectors.runtime.cursor_store import Cursors
    from connectors.runtime.health import Health
    from connectors.runtime.pull import run_pull

    connection, blobs = clients.stopped_kafka(settings), clients.blobs(settings)
    health = Health(which, connector.channel)

    def work(stop: threading.Event) -> None:
        with (
            closing(Publisher(connection, blobs, tracer=tracer)) as publisher,
            closing(Cursors(connection, which)) as cursors,
        ):
            run_pull(connector, publisher, cursors, stop=stop, health=health, lease=GroupLease(connection, which))

    return Component(name=name, run=blocking(work), isolated=True, probe=lambda: probes.connector(health.report))


def lmtp(settings: "Settings", name: str, _: str, tracer: Tracer) -> Component:
    """Make the server that mail is handed over to."""
    from connectors.mailbox.lmtp import Door, serve_until
    from connectors.publish.disk_buffer import Journal
    from connectors.publish.durable_publisher import DurablePublisher, opened
    from connectors.publish.publisher import Publisher

    chosen = settings.lmtp
    connection, blobs = clients.stopped_kafka(settings), clients.blobs(settings)
    running: list[tuple[Door, DurablePublisher]] = []

    async def run(stop: asyncio.Event) -> None:
        publisher = Publisher(connection, blobs, tracer=tracer)
        try:
            journal = functools.partial(Journal, clients.lmtp_journal_folder(settings), chosen.journal_max_bytes)
            durable = await opened(publisher, journal, chosen.publish_timeout_seconds)
            running.append((Door(chosen, durable), durable))
            await serve_until(chosen, *running[-1], stop)
        finally:
            await asyncio.to_thread(publisher.close)

    return Component(name=name, run=run, probe=lambda: probes.lmtp(*running[-1]) if running else probes.STARTING)

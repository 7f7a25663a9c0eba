"""Composes the console and its desk: the masked archive, the audit log, local users, the provider of identities."""

import asyncio
import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hotline.config import clients, command_signers
from hotline.runtime import health
from hotline.runtime.process import Component
from schemas.errors import MisconfiguredError
from schemas.tracing import Tracer

if TYPE_CHECKING:
    from broker.config import KafkaConnection
    from console.users import Users
    from console.visit import Desk
    from hotline.config.settings import Settings
    from hotline.runtime.acknowledgements import Acknowledgements
    from hotline.runtime.follower import Follower
    from hotline.search.archive import Archive
    from schemas.records import Link, Ticket
    from tickets.search import Answer, Query

KEY_BYTES = 32

BEHIND_SECONDS = 12.0
"""A desk that knows nothing newer is degraded; its pages say so as well (`console.desk.page`)."""


class MaskedArchive:
    """The masked archive; opened by the first question, so that pages open while there is no Elasticsearch."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._opened: Archive | None = None

    async def search(self, query: "Query") -> "Answer":
        """Return what a search finds."""
        return await self._archive().search(query)

    async def ticket(self, name: str) -> "Ticket | None":
        """Return the ticket of an id or an official number, masked."""
        return await self._archive().ticket(name)

    async def links(self, ticket_id: str) -> "Sequence[Link]":
        """Return why each message was filed in a ticket."""
        return await self._archive().links(ticket_id)

    async def close(self) -> None:
        """Close the client of Elasticsearch."""
        if self._opened is not None:
            await self._opened.close()

    def _archive(self) -> "Archive":
        if self._opened is None:
            from hotline.search.archive import Archive

            self._opened = Archive(clients.elasticsearch(self._settings), rules_folder=self._settings.rules.folder)
        return self._opened


def users(settings: "Settings") -> "Users":
    """Return the local users of the console."""
    from console.users import Users

    return Users(settings.console.users_file or settings.data_dir / "console-users.json")


def session_keys(settings: "Settings") -> list[bytes]:
    """Return the keys of sessions, the newest last: those of the settings, else one of our own in the data folder."""
    chosen = settings.console.session_keys
    if chosen:
        return [chosen[name].get_secret_value().encode() for name in sorted(chosen)]
    return [_own_key(settings.data_dir / "console-session.key")]


def _own_key(file: Path) -> bytes:
    from storage.private_files import for_us_alone, make_private

    try:
        make_private(file.parent)
        beside = file.with_name(f"{file.name}.{os.getpid()}.part")
        if not file.exists():
            with open(beside, "wb", opener=for_us_alone) as writing:
                writing.write(secrets.token_bytes(KEY_BYTES))
            try:
                os.link(beside, file)  # two processes that start at once take the same key
            except FileExistsError:
                pass
            finally:
                beside.unlink()
        return file.read_bytes()
    except OSError as error:
        raise MisconfiguredError(
            f"{file} cannot be used ({error.strerror}): set `console.session_keys`, or see its rights."
        ) from error


def console(settings: "Settings", name: str, which: str, tracer: Tracer) -> Component:
    """Make the component `console` or `console:desk`. Raises MisconfiguredError for settings that cannot be used."""
    from broker.sync_producer import Producer
    from connectors.http.middleware import Proxies, SafeHeaders
    from connectors.http.server import serve_until
    from connectors.http.settings import ReceiverSettings
    from console.app import Console
    from console.limits import Tries
    from console.oidc import Provider
    from console.session import Sessions
    from console.visit import Services
    from hotline.runtime.acknowledgements import Acknowledgements
    from hotline.runtime.audit_trail import SECONDS, AuditTrail
    from tickets.policy import calendars_of

    chosen, keys, people = settings.console, session_keys(settings), users(settings)
    people.all()  # a file that cannot be used is told at the start
    is_desk = which == "desk"
    here = chosen.desk if is_desk else chosen
    sign = command_signers.signer_of_desk if is_desk else command_signers.signer_of_console
    signer, rules = sign(settings), clients.rules_of(settings)
    serving = ReceiverSettings(host=here.host, port=here.port, trusted_proxies=chosen.trusted_proxies)
    connection = clients.stopped_kafka(settings)
    system = command_signers.DESK if is_desk else command_signers.CONSOLE
    running: list[Console] = []
    followers: list[Follower] = []

    async def run(stop: asyncio.Event) -> None:
        archive, producer = MaskedArchive(settings), Producer(connection, SECONDS)
        trail = AuditTrail(producer, signer, settings.jurisdiction, settings.data_dir / f"{system}-acts", system)
        delivering = asyncio.create_task(trail.deliver())
        orders = Acknowledgements(producer, signer)
        desk, ended = _followed(settings, connection, orders, followers) if is_desk else (None, threading.Event())

        async def close() -> None:
            ended.set()
            delivering.cancel()
            await archive.close()
            await asyncio.to_thread(producer.close)

        async def hang_up() -> None:
            """End the streams when the server is asked to stop: it waits for them."""
            await stop.wait()
            if desk is not None:
                desk.live.close()

        provider = (
            Provider(chosen.oidc, here.public_url, chosen.groups, keys) if chosen.oidc and here.public_url else None
        )
        made = Console(
            Services(
                search=archive,
                tickets=archive,
                trail=trail,
                users=people,
                sessions=Sessions(keys, people, chosen.session_hours * 3600, chosen.idle_minutes * 60),
                key=keys[-1],
                searching=asyncio.Semaphore(chosen.searches_max),
                search_seconds=chosen.search_timeout_seconds,
                tries=Tries(),
                desk=desk,
                provider=provider,
                origin=here.public_url,
                rules=rules,
                calendar=calendars_of(rules).get("cn"),
            ),
            close,
        )
        running.append(made)
        trusted = [str(network) for network in chosen.trusted_proxies]
        app = SafeHeaders(Proxies(cast(Any, made), trusted_hosts=trusted), serving.header_max_bytes)
        hanging_up = asyncio.create_task(hang_up())
        try:
            await serve_until(app, serving, stop, "console.desk.port" if is_desk else "console.port")
        finally:
            hanging_up.cancel()

    def probe() -> Mapping[str, Any]:
        if not running:
            return health.STARTING
        return _health(followers[-1]) if followers else {}

    return Component(name=name, run=run, probe=probe)


def _followed(
    settings: "Settings", connection: "KafkaConnection", orders: "Acknowledgements", followers: "list[Follower]"
) -> "tuple[Desk, threading.Event]":
    """Begin to follow hand-overs in a thread; return what the desk uses, and the event that ends the thread."""
    from console.live import Live
    from console.visit import Desk
    from hotline.runtime.follower import Follower

    live, loop, ended = Live(), asyncio.get_running_loop(), threading.Event()

    def changed() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(live.changed)

    follower = Follower(connection, changed)
    followers.append(follower)
    threading.Thread(target=follower.run, args=(ended,), name="desk", daemon=True).start()
    within = settings.telemetry.acknowledge_within_seconds
    return Desk(handovers=follower, orders=orders, live=live, within_seconds=within, watching=set()), ended


def _health(follower: "Follower") -> Mapping[str, Any]:
    """Return since when the desk may lack hand-overs, in seconds, and why."""
    if follower.complete_at is None:
        return {**health.STARTING, "detail": follower.trouble}
    behind = (datetime.now(UTC) - follower.complete_at).total_seconds()
    state = {"state": "degraded"} if follower.trouble or behind > BEHIND_SECONDS else {}
    return {"last_success": follower.complete_at.isoformat(), "lag": behind, "detail": follower.trouble, **state}

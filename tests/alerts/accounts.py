"""Accounts of a mailbox, Weibo, an Asterisk and a fetcher, with metrics: `accounts.py PORT`; a line makes them lose."""

import asyncio
import sys
import threading
import time
from contextlib import suppress
from types import SimpleNamespace

from tenacity import wait_fixed

from connectors import metrics
from connectors.base import Batch, PullConnector
from connectors.mailbox.connector import Mailbox
from connectors.media_fetch.job import GivenUp
from connectors.media_fetch.scheduler import Fetcher
from connectors.media_fetch.settings import FetcherSettings
from connectors.runtime.health import Health as ConnectorHealth
from connectors.runtime.pull import run_pull
from hotline.runtime.health import HealthServer, ProcessHealth
from schemas.errors import ThrottledError, UnreachableError
from schemas.records import Cursor
from tests.connectors.asterisk.fake import Held, logged_in, served
from tests.connectors.asterisk.test_asterisk import asterisk
from tests.connectors.fetcher.errands import Fake
from tests.connectors.mailboxes import mail, settings
from tests.connectors.weibo.pulling import Clock, Runner
from tests.fakes.imap import FakeServer
from tests.peers.weibo_platform import Platform

PAGE = 5
WAITING = 101
DAY_SECONDS = 86_400
AWAY = UnreachableError("the service does not answer")


def account(name: str, *, days: float = 90, quota: int = 1000) -> Runner:
    """An account of ours that has fetched once, whose token ends in so many days and which may ask so often."""
    metrics.LEASE_HELD.labels(name).set(1)
    platform = Platform()
    platform.expire_in, platform.quota = int(days * DAY_SECONDS), quota
    runner = Runner(platform, Clock(time.time()), account=name, page_size=PAGE, pages_max=1, lists=("mentions",))
    platform.post()
    with suppress(ThrottledError):
        runner.round()
    return runner


def pulled(connector: PullConnector, name: str) -> None:
    """Run a connector in this process, whose account nobody else knows."""
    cursors = SimpleNamespace(cursor=Cursor(connector_id=name))
    cursors.load = lambda: cursors.cursor
    cursors.save = lambda cursor: setattr(cursors, "cursor", cursor)
    publisher = SimpleNamespace(publish=lambda messages, dead: None)
    known = {"health": ConnectorHealth(name, "mailbox"), "stop": threading.Event(), "pace": wait_fixed(0.2)}
    threading.Thread(target=run_pull, args=(connector, publisher, cursors), kwargs=known, daemon=True).start()


class Faulty(Mailbox):
    """A mailbox with a fault of ours, once it is told to have it."""

    told = threading.Event()

    def fetch(self, cursor: Cursor) -> Batch:
        if self.told.is_set():
            raise LookupError
        return super().fetch(cursor)


def heard(told: threading.Event) -> None:
    """Listen to an Asterisk that says too much in one event, once it is told to."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        await asyncio.to_thread(told.wait)
        writer.write(b"Event: UserEvent\r\nNote: " + b"x" * 9000 + b"\r\n\r\n")
        await reader.read()

    async def listen() -> None:
        async with served(script) as there:
            await asterisk(there, frame_max_bytes=2048, silence_seconds=3600).run(Held())

    threading.Thread(target=lambda: asyncio.run(listen()), daemon=True).start()


def heard_again() -> None:
    """Listen again to an Asterisk that nobody has listened to for five minutes, and return when that was counted."""
    counted = metrics.ASTERISK_GAP_SECONDS.labels("pbx_back")

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        await reader.read()

    async def listen() -> None:
        held = Held()
        await held.keep({"heard": time.time() - 300})
        async with served(script) as there:
            await asterisk(there, account="pbx_back", silence_seconds=3600).run(held)

    threading.Thread(target=lambda: asyncio.run(listen()), daemon=True).start()
    while counted._value.get() < 300:
        time.sleep(0.05)


def main(port: int) -> None:
    """Serve until standard input ends; at its first line a list runs over and a file is given up."""
    city, _, spent = account("city_lists"), account("soon_lists", days=3), account("spent_lists", quota=0)
    errands = [Fake(f"file{number}", *[AWAY] * 1000) for number in range(WAITING)]
    fetcher = Fetcher(lambda raw: [], lambda messages: None, FetcherSettings(sweep_seconds=0.1), sweep=lambda: errands)
    pulled(Faulty(settings(poll_seconds=1, idle=False), "faulty", FakeServer().connect), "faulty")
    vanishing = FakeServer()
    vanishing.faults["fetch"] = lambda uids, items: vanishing.inbox.mails.clear()
    pulled(Mailbox(settings(poll_seconds=1, idle=False), "vanishing", vanishing.connect), "vanishing")
    told = threading.Event()
    heard(told)
    heard_again()  # before anybody asks for our metrics, as it is whenever a process takes its place again
    threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    with HealthServer(ProcessHealth([]), "127.0.0.1", port):
        while not told.wait(0.1):
            fetcher.step(owns_sweep=True)
        Faulty.told.set()
        vanishing.put(mail())
        for _ in range(3 * PAGE):
            city.platform.post()
        city.next_round()
        errands.append(Fake("lost", GivenUp(AWAY)))
        while spent and sys.stdin.readable():
            fetcher.step(owns_sweep=True)
            time.sleep(0.1)


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""Hand-over in Kafka → on the desk's screens, acknowledged → gone, and what 100 open pages cost.

`python -m benchmarks.desk [HANDOVERS [PAGES]]`. The real Kafka, and the desk's pages and follower in a process of their
own. A screen is a stream of server-sent events over HTTP, as a browser opens it; the time ends when its event is read.
Hand-overs come one by one at random moments (fixed seed); each is answered in the event log when it was seen.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, cast

import httpx

from benchmarks.transport import a_kafka
from broker.config import KafkaConnection
from broker.sync_producer import Producer
from connectors.http.server import serve_until
from connectors.http.settings import ReceiverSettings
from console.app import Console
from console.limits import Tries
from console.live import Live
from console.session import COOKIE, Person, Sessions
from console.trail import Act
from console.users import Users
from console.visit import Desk, Services
from hotline.admin.topics import Provision
from hotline.runtime.acknowledgements import Acknowledgements
from hotline.runtime.follower import Follower
from schemas import ids, topics
from schemas.codec import Outbound, encode
from schemas.records import Event, Handover, InputRef, event

CITY, KEY, PORT = "210100", b"k" * 32, 19941
PAUSE_SECONDS = 0.4
"""Between two hand-overs at most; 0 at least."""
PAGES_SECONDS = 20.0
TICK = os.sysconf("SC_CLK_TCK")


class Trail:
    """Records nothing: one act for each page is no part of what is measured."""

    async def record(self, act: Act) -> None:
        """Forget it."""


async def serve(bootstrap: str, folder: Path) -> None:
    """Serve the desk until the process is ended."""
    connection, live, loop = KafkaConnection(bootstrap_servers=bootstrap), Live(), asyncio.get_running_loop()
    follower = Follower(connection, lambda: cast(Any, loop.call_soon_threadsafe(live.changed)))
    threading.Thread(target=follower.run, args=(threading.Event(),), daemon=True).start()
    users = Users(folder / "users.json")
    orders = Acknowledgements(Producer(connection), None)
    nothing: Any = None  # no page that is asked here searches
    services = Services(
        search=nothing,
        tickets=nothing,
        trail=Trail(),
        users=users,
        sessions=Sessions([KEY], users, 12 * 3600),
        key=KEY,
        searching=asyncio.Semaphore(8),
        search_seconds=5,
        tries=Tries(),
        desk=Desk(handovers=follower, orders=orders, live=live, within_seconds=60, watching=set()),
    )
    await serve_until(cast(Any, Console(services)), ReceiverSettings(port=PORT), asyncio.Event(), "port")


def cookie(folder: Path) -> str:
    """Return the cookie of somebody on duty."""
    sessions = Sessions([KEY], Users(folder / "users.json"), 12 * 3600)
    person = Person(name="wang.li", roles=("desk",), cities=(CITY,), is_local=False)
    return f"{COOKIE}={sessions.written(sessions.begin(person, time.time()))}"


async def parts(client: httpx.AsyncClient) -> AsyncIterator[str]:
    """Yield the parts of one screen."""
    async with client.stream("GET", "/desk/stream") as answer:
        answer.raise_for_status()
        name, data = "", list[str]()
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif name == "part":
                yield "\n".join(data)
            if not line:
                name, data = "", []


class City:
    """Writes hand-overs and their answers into Kafka."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._producer = Producer(connection)

    def hand_over(self, number: int) -> str:
        """Return the id of a hand-over when the broker holds it."""
        name, now = ids.message_id("/hotline/sms/bench", str(number)), datetime.now(UTC)
        one = Handover(
            handover_id=name, message_id=name, jurisdiction=CITY, channel="sms", classes=("fire",), level="critical",
            spans=((8, 11),), text="解放路88号三楼着火了，冒黑烟，四楼有老人出不来，快来人！", location="解放路88号",
            at=now, taken_at=now,
        )  # fmt: skip
        self._write(topics.HANDOVER, encode(one))
        return name

    def acknowledge(self, name: str) -> None:
        """Return when the event log has the acknowledgement."""
        one = Event(
            event_id=f"command:{name}", jurisdiction=CITY, at=datetime.now(UTC), author="desk/wang.li",
            relation="command", policy_version="1", changes=(event.Acknowledged(handover_id=name),),
            input=InputRef(command_id=name, topic="t", partition=0, offset=0),
        )  # fmt: skip
        self._write(topics.EVENT, encode(one))

    def close(self) -> None:
        """Close the producer."""
        self._producer.close()

    def _write(self, topic: str, value: bytes) -> None:
        self._producer.deliver_now([Outbound(topic, CITY.encode(), value, [])])


async def latencies(client: httpx.AsyncClient, city: City, count: int) -> tuple[list[float], list[float]]:
    """Return seconds from the write's begin until an event shows it: hand-overs, acknowledgements."""
    came, went = list[float](), list[float]()
    screen, drawn = parts(client), random.Random(12345)
    await anext(screen)
    for number in range(count):
        await asyncio.sleep(drawn.random() * PAUSE_SECONDS)
        begun = time.monotonic()
        name = await asyncio.to_thread(city.hand_over, number)
        while f'data-id="{name}"' not in await anext(screen):
            pass
        came.append(time.monotonic() - begun)
        await asyncio.sleep(drawn.random() * PAUSE_SECONDS)
        begun = time.monotonic()
        await asyncio.to_thread(city.acknowledge, name)
        while f'data-id="{name}"' in await anext(screen):
            pass
        went.append(time.monotonic() - begun)
    return came, went


async def share_of_a_core(client: httpx.AsyncClient, city: City, pages: int, pid: int) -> float:
    """Return the CPU of the server with so many open pages, one hand-over a second that is answered, per second."""

    seen = [0] * pages

    async def look(page: int) -> None:
        async for _ in parts(client):
            seen[page] += 1

    looking = [asyncio.create_task(look(page)) for page in range(pages)]
    await asyncio.sleep(3)
    begun, used = time.monotonic(), cpu(pid)
    number = 1_000_000 * (pages + 1)  # an id that was answered is not shown again
    while time.monotonic() - begun < PAGES_SECONDS:
        name = await asyncio.to_thread(city.hand_over, number)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(city.acknowledge, name)
        await asyncio.sleep(0.5)
        number += 1
    share = (cpu(pid) - used) / (time.monotonic() - begun)
    for one in looking:
        one.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    if min(seen, default=PAGES_SECONDS) < PAGES_SECONDS:  # of two parts a second
        raise RuntimeError(f"a page was not shown what happened: {sorted(seen)}")
    return share


def cpu(pid: int) -> float:
    """Return the CPU-seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def told(name: str, seconds: list[float]) -> None:
    """Print the distribution in milliseconds."""
    cuts = quantiles(seconds, n=100)
    print(f"{name}: p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, most {max(seconds) * 1000:.0f} ms")


async def measure(bootstrap: str, folder: Path, pid: int, count: int, pages: int) -> None:
    """Print every figure."""
    limits = httpx.Limits(max_connections=None)
    headers = {"cookie": cookie(folder)}
    base = f"http://127.0.0.1:{PORT}"
    with closing(City(KafkaConnection(bootstrap_servers=bootstrap))) as city:
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=None, limits=limits) as client:
            for _ in range(100):
                try:
                    await client.get("/healthz")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
            came, went = await latencies(client, city, count)
            told(f"{count} hand-overs, in Kafka -> on the screen", came)
            told("acknowledged in the event log -> gone from the screen", went)
            for open_pages in (0, pages):
                share = await share_of_a_core(client, city, open_pages, pid)
                print(f"{open_pages} open pages, a hand-over and its answer a second: {share * 100:.1f} % of a core")
    print(f"load {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Start Kafka and the desk, and measure."""
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(sys.argv[2], Path(sys.argv[3])))
        return
    count, pages = [*map(int, sys.argv[1:]), *(300, 100)[len(sys.argv) - 1 :]]
    with a_kafka() as bootstrap, tempfile.TemporaryDirectory() as folder:
        Provision(KafkaConnection(bootstrap_servers=bootstrap)).create_when_started()
        serving = subprocess.Popen([sys.executable, "-m", "benchmarks.desk", "serve", bootstrap, folder])
        try:
            asyncio.run(measure(bootstrap, Path(folder), serving.pid, count, pages))
        finally:
            serving.terminate()
            serving.wait()


if __name__ == "__main__":
    main()

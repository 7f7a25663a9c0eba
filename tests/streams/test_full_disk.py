"""normalize before a blob store whose disk becomes full while messages flow, a real one: nothing is lost or buried."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from schemas import topics
from schemas.codec import Outbound, decode
from schemas.records import Message
from tests.peers.presence import require
from tests.streams.conftest import PARTITIONS, Bench
from tests.streams.raws import outbound
from tests.waiting import soon, until

pytestmark = [pytest.mark.integration, pytest.mark.faults]

ROOT = Path(__file__).parents[2]
SPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
PICTURE = b"\x89PNG" + bytes(range(256)) * 400
"""100 KB: it needs room that a full disk has not got."""


class Worker:
    """`hotline run normalize`, whose blob store is a small disk that it alone has mounted."""

    def __init__(self, process: psutil.Popen, folder: Path, log: Path) -> None:
        self._log = log
        self.disk = Path(f"/proc/{process.pid}/root{folder}")

    def told(self, event: str) -> int:
        """Return how often its log tells of something."""
        return self._log.read_text().count(f'"event": "{event}"')

    def fill(self) -> None:
        """Take all room that is left on the disk."""
        with suppress(OSError), (self.disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        assert shutil.disk_usage(self.disk).free == 0

    def make_room(self) -> None:
        (self.disk / "filler").unlink()


@contextmanager
def on_a_small_disk(bench: Bench) -> Iterator[Worker]:
    folder, log = bench.folder / "blobs", bench.folder / "log"
    mount = f"mount -t tmpfs -o size=1m tmpfs {folder}"
    if not shutil.which("unshare") or subprocess.run([*SPACE, mount], capture_output=True, check=False).returncode:
        require("this machine lets nobody mount a file system of their own: allow user name spaces")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOTLINE_LOCAL__DATA_DIR": str(bench.folder / "data"),
        "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": bench.connection.bootstrap_servers,
        "HOTLINE_KAFKA__PARTITIONS": str(PARTITIONS),
        "HOTLINE_BLOBS__URL": folder.as_uri(),
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_REQUESTER_KEYS__K1": "a key for this test alone",
        "HOTLINE_QUERY_KEY": "a key for this test alone",
    }
    command = [*SPACE, f'{mount}; exec "$0" "$@"', sys.executable, "-m", "hotline", "run", "normalize"]
    with log.open("ab") as out, psutil.Popen(command, stdout=out, stderr=out, env=environment) as process:
        try:
            worker = Worker(process, folder, log)
            until(lambda: worker.told("component_started"), log.read_text)
            yield worker
        finally:
            process.kill()


def with_picture(number: int) -> Outbound:
    attachment = {"name": "p.png", "data": base64.b64encode(PICTURE).decode()}
    return outbound(
        number, value=json.dumps({"id": f"n{number}", "text": "见图", "attachments": [attachment]}).encode()
    )


def kept(worker: Worker, message: Message) -> list[bytes]:
    return [(worker.disk / (one.dataref or "")).read_bytes() for one in message.attachments]


async def test_a_full_disk_delays_what_needs_it_and_loses_nothing(bench: Bench) -> None:
    with on_a_small_disk(bench) as worker:
        await bench.put(with_picture(1), partition=0)
        (first,) = await bench.read(topics.MESSAGE, 1)
        assert kept(worker, decode(first.value, Message)) == [PICTURE]
        worker.fill()
        await bench.put(with_picture(2), outbound(3), partition=0)
        await bench.put(outbound(4), partition=1)
        assert await ids(bench, 2) == ["n1", "n4"], "what needs no room does not wait, but behind what does"
        await soon(lambda: worker.told("chunk_delayed") >= 2)
        assert await ids(bench, 2) == ["n1", "n4"]
        worker.make_room()
        messages = [decode(one.value, Message) for one in await bench.read(topics.MESSAGE, 4)]
        assert sorted(one.id for one in messages) == ["n1", "n2", "n3", "n4"]
        assert [kept(worker, one) for one in messages if one.attachments] == [[PICTURE], [PICTURE]]
        assert [path.name for path in worker.disk.rglob("*#*")] == [], "a write that found no room leaves nothing"
        assert await bench.read(topics.DEAD, 1, seconds=0.5) == []


async def ids(bench: Bench, count: int) -> list[str]:
    return sorted(decode(one.value, Message).id for one in await bench.read(topics.MESSAGE, count))

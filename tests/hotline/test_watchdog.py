"""systemd is told that a process gets on, for as long as its event loop has its turns."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.runtime import supervisor, watchdog
from hotline.runtime.health import ProcessHealth
from hotline.runtime.process import Component, serve
from tests.docs.pages import ROOT


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        listening.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        monkeypatch.setenv("WATCHDOG_USEC", "30000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        yield listening


async def test_a_process_tells_it_again_and_again(told: socket.socket) -> None:
    async def work(stop: asyncio.Event) -> None:
        for _ in range(3):
            assert await asyncio.to_thread(told.recv, 64) == b"WATCHDOG=1"
        stop.set()

    await serve([Component(name="one", run=work)], ProcessHealth(["one"]))


def test_so_does_the_parent_of_all(told: socket.socket) -> None:
    stop = threading.Event()
    running = threading.Thread(target=supervisor.run, args=([], ProcessHealth([]), stop, 0.001))
    running.start()
    assert [told.recv(64) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    stop.set()
    running.join()


@pytest.mark.usefixtures("told")
def test_a_child_tells_nothing_in_its_parents_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watchdog.interval() == pytest.approx(0.01)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getppid()))
    assert watchdog.interval() is None


def test_without_systemd_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert watchdog.interval() is None


def test_a_socket_that_is_away_ends_nothing(told: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    watchdog.feed()


def test_the_unit_asks_for_it() -> None:
    unit = (ROOT / "deploy" / "hotline@.service").read_text("utf-8")
    assert "WatchdogSec=120\nNotifyAccess=main\n" in unit

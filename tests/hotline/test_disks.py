"""What a process says of its disks and components."""

import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client import REGISTRY

from hotline.cli import run
from hotline.config import clients, settings
from hotline.config.settings import BlobSettings, LocalSettings, Settings
from hotline.doctor import checks
from hotline.runtime import disk_metrics
from hotline.runtime.disk_metrics import Disk
from hotline.runtime.health import HealthServer, ProcessHealth
from schemas.errors import UnreachableError
from storage import disk_probe
from tests.peers.hanging_disk import hanging
from tests.waiting import until


def test_a_folder_that_is_not_made_yet_has_the_room_of_its_disk(tmp_path: Path) -> None:
    assert 0 < disk_metrics.free_bytes(tmp_path / "not" / "yet") <= shutil.disk_usage(tmp_path).total


def test_what_the_system_does_not_tell_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    assert math.isnan(disk_metrics.free_bytes(tmp_path))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let a disk hang for as long as it is not set, from the second look on."""
    event, looks, really = threading.Event(), iter(range(10**6)), shutil.disk_usage

    def usage(path: Path) -> object:
        if next(looks):
            event.wait(60)
        return really(path)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    yield event
    event.set()


def test_of_a_disk_that_hangs_the_room_seen_last_is_told_and_that_it_hangs(
    tmp_path: Path, answers: threading.Event
) -> None:
    now = [0.0]
    disk = Disk(tmp_path, lambda: now[0])
    assert math.isnan(disk.free())
    disk.look()
    seen = disk.free()
    looking = threading.Thread(target=disk.look)
    looking.start()
    now[0] = disk_metrics.HUNG_SECONDS
    assert (disk.free() == seen > 0, disk.hangs()) == (True, False)
    now[0] += 1
    assert (disk.free() == seen, disk.hangs()) == (True, True)
    answers.set()
    looking.join(60)
    assert not disk.hangs()


@pytest.mark.enable_socket
def test_a_disk_that_hangs_holds_up_neither_the_start_nor_a_scrape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_metrics, "HUNG_SECONDS", 0.5)
    account = {"appid": "wx1", "tokens": ["token"], "modes": ["plain"], "jurisdiction": "210100"}
    chosen = Settings(
        local=LocalSettings(data_dir=tmp_path / "data"),
        blobs=BlobSettings(url=(tmp_path / "network" / "b").as_uri()),
        connectors={"wechat": {"city": account}},
    )
    with hanging(tmp_path / "network"), HealthServer(ProcessHealth([]), "127.0.0.1", 0) as server:
        disk_metrics.watch(chosen)
        for path in ("metrics", "healthz", "readyz"):
            with urlopen(f"http://127.0.0.1:{server.port}/{path}", timeout=60) as answer:
                told = answer.read().decode()
        until(lambda: hangs("blobs.url") == 1)
        until(lambda: hangs("local.data_dir") == 0)
        assert told
    until(lambda: hangs("blobs.url") == 0)


def test_who_begins_before_a_blob_store_whose_disk_hangs_ends_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_probe, "OPEN_SECONDS", 0.2)
    with (
        hanging(tmp_path / "network") as folder,
        pytest.raises(UnreachableError, match=r"The disk of the blob store .* does not"),
    ):
        clients.blobs(Settings(blobs=BlobSettings(url=(folder / "b").as_uri())))


def test_a_data_folder_whose_disk_hangs_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (settings, checks):
        monkeypatch.setattr(module, "OPEN_SECONDS", 0.2)
    with hanging(tmp_path / "network") as folder:
        chosen = Settings(local=LocalSettings(data_dir=folder / "data"))
        for look in (disk_metrics.watch, clients.kafka, clients.journal_folder):
            with pytest.raises(UnreachableError, match=r"The disk of the data folder .*data does not respond"):
                look(chosen)
        assert any(fault.startswith("The disk of `local.data_dir` (") for fault in checks.faults(chosen))


@pytest.mark.timeout(120)
def test_who_begins_over_a_data_folder_whose_disk_hangs_ends_and_says_so(tmp_path: Path) -> None:
    """A process of its own: where something still looks at that disk, it would not end."""
    with hanging(tmp_path / "network") as folder:
        chosen = {**os.environ, "HOTLINE_LOCAL__DATA_DIR": str(folder / "data")}
        for verb in (["run", "screen"], ["status"]):
            done = subprocess.run(
                [sys.executable, "-m", "hotline", *verb], env=chosen, capture_output=True, text=True, timeout=50
            )
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith("hotline: The disk of the data folder ")


def test_what_run_all_starts_looks_for_no_module_in_the_working_folder() -> None:
    command = run._command(Settings(), "screen")
    assert command[1:4] == ["-P", "-m", "hotline"]


def test_to_name_the_folders_takes_no_client_of_kafka(tmp_path: Path) -> None:
    """An account that listens has a journal, too; how much room that needs is for the doctor alone."""
    told = "print([*disk_metrics.written_to(load.load())], 'kafka' in sys.modules)"
    imports = "from hotline.config import load; from hotline.runtime import disk_metrics"
    account = "HOTLINE_CONNECTORS__ASTERISK__PBX__"
    chosen = {f"{account}HOST": "127.0.0.1", f"{account}USERNAME": "u", f"{account}SECRET": "secret"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; {imports}; {told}",
        ],
        env={**os.environ, **chosen},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "journal-of-pbx" in done.stdout, done.stderr
    assert done.stdout.endswith("False\n")


def hangs(folder: str) -> float | None:
    return REGISTRY.get_sample_value("hotline_process_disk_hangs", {"folder": folder})


def test_each_folder_goes_by_the_name_of_its_setting(tmp_path: Path) -> None:
    disk_metrics.watch(
        Settings(local=LocalSettings(data_dir=tmp_path), blobs=BlobSettings(url=(tmp_path / "b").as_uri()))
    )
    for folder in ("local.data_dir", "blobs.url"):
        free = REGISTRY.get_sample_value("hotline_process_disk_free_bytes", {"folder": folder})
        assert free
        assert free > 0


def test_a_component_is_up_while_it_runs_or_stands_by() -> None:
    def up() -> float | None:
        return REGISTRY.get_sample_value("hotline_process_component_up", {"component": "connector:fifth"})

    health, told = ProcessHealth(["connector:fifth"]), [up()]
    for state in ("running", "waiting", "standby", "failed"):
        health.set("connector:fifth", state)  # type: ignore[arg-type] # phases
        told.append(up())
    assert told == [0, 1, 0, 1, 0]

"""What a process says of its disks and components."""

import math
import shutil
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from hotline import disks
from hotline.health import Health
from hotline.settings import BlobSettings, LocalSettings, Settings


def test_a_folder_that_is_not_made_yet_has_the_room_of_its_disk(tmp_path: Path) -> None:
    assert 0 < disks.free_bytes(tmp_path / "not" / "yet") <= shutil.disk_usage(tmp_path).total


def test_what_the_system_does_not_tell_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    assert math.isnan(disks.free_bytes(tmp_path))


def test_each_folder_goes_by_the_name_of_its_setting(tmp_path: Path) -> None:
    disks.watch(Settings(local=LocalSettings(data_dir=tmp_path), blobs=BlobSettings(url=(tmp_path / "b").as_uri())))
    for folder in ("local.data_dir", "blobs.url"):
        free = REGISTRY.get_sample_value("hotline_process_disk_free_bytes", {"folder": folder})
        assert free
        assert free > 0


def test_a_component_is_up_while_it_runs_or_stands_by() -> None:
    def up() -> float | None:
        return REGISTRY.get_sample_value("hotline_process_component_up", {"component": "connector:fifth"})

    health, told = Health(["connector:fifth"]), [up()]
    for state in ("running", "waiting", "standby", "failed"):
        health.set("connector:fifth", state)  # type: ignore[arg-type] # phases
        told.append(up())
    assert told == [0, 1, 0, 1, 0]

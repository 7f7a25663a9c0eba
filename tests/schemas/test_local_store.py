"""A blob store in a folder: what was put is on the disk for good, and what a kill left of a write is found."""

import os
from pathlib import Path

import obstore
import pytest
from obstore.store import LocalStore, MemoryStore

from storage.blob_store import clear, settle, unfinished
from tests.broken_off import break_off


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was synced, in its order."""
    found: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda handle: found.append(Path(f"/proc/self/fd/{handle}").readlink()))
    return found


def test_an_object_and_every_folder_above_it_are_synced(tmp_path: Path, synced: list[Path]) -> None:
    store = LocalStore(tmp_path / "blobs", mkdir=True)
    for name in ("x", "x.raw"):
        obstore.put(store, f"210100/m1/{name}", b"words")
    settle(store, ("210100/m1/x", "210100/m1/x.raw", "210100/m1/gone"))
    place = tmp_path / "blobs" / "210100" / "m1"
    assert synced[:2] == [place / "x", place / "x.raw"]
    assert set(synced[2:]) == {place, place.parent, tmp_path / "blobs"}


def test_a_store_that_is_no_folder_sees_to_that_itself(synced: list[Path]) -> None:
    store = MemoryStore()
    settle(store, ("210100/m1/x",))
    clear(store, "210100/m1")
    assert (unfinished(store, "210100/m1"), synced) == (0, [])


def test_what_a_kill_left_of_a_write_is_found_though_no_list_tells_of_it(tmp_path: Path) -> None:
    left = break_off(tmp_path, "210100/m1/x")
    store = LocalStore(tmp_path)
    obstore.put(store, "210100/m1/photo", b"jpg")
    assert [one["path"] for one in obstore.list(store, "210100/m1/").collect()] == ["210100/m1/photo"]
    assert [unfinished(store, folder) for folder in ("210100/m1", "210100/m2")] == [1, 0]
    clear(store, "210100/m1")
    clear(store, "210100/m2")
    assert not left.exists()
    assert bytes(obstore.get(store, "210100/m1/photo").bytes()) == b"jpg"

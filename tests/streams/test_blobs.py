"""The blob store: an object that is missing, told from a store that is away."""

import asyncio
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import obstore
import pytest
from obstore.store import LocalStore

from normalizers.finalize import Blob
from schemas.envelope import Envelope
from schemas.errors import ErasedError, MissingBlobError, UnreachableError
from schemas.records import RawMessage
from storage.paths import ERASED, REDACTED, raw_names
from streams.blobs import Blobs
from streams.engine import result as results
from tests.broken_off import break_off
from tests.streams.raws import claimed, outbound
from tests.waiting import soon

PATH = "210100/m1/x"


@pytest.fixture
def raw() -> RawMessage:
    record, _ = claimed(1, PATH, "三楼着火了")
    return RawMessage(envelope=Envelope.of(record.headers), value=b"", conversation="office")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "blobs").mkdir()
    return tmp_path / "blobs"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("210100/*/*")}


def move(one: Path, other: Path) -> None:
    one.rename(other)


async def test_an_object_that_is_missing_is_told_as_missing(folder: Path, raw: RawMessage) -> None:
    with pytest.raises(MissingBlobError):
        await Blobs(LocalStore(folder)).loaded(raw)


@pytest.mark.parametrize("mark", [ERASED, REDACTED])
async def test_an_object_that_the_eraser_took_is_told_as_erased(folder: Path, raw: RawMessage, mark: str) -> None:
    store = LocalStore(folder)
    store.put(f"{PATH.rpartition('/')[0]}/{mark}", b"")
    with pytest.raises(ErasedError):
        await Blobs(store).loaded(raw)


async def test_without_the_folder_of_the_store_nobody_says_that_nothing_was_erased(folder: Path) -> None:
    blobs = Blobs(LocalStore(folder))
    assert await blobs.erased({"210100/a"}) == set()
    move(folder, folder.with_name("unmounted"))
    with pytest.raises(UnreachableError):
        await blobs.erased({"210100/a"})


@pytest.mark.parametrize("comes_back", [True, False])
async def test_a_folder_that_goes_or_comes_meanwhile_makes_no_object_missing(
    folder: Path, raw: RawMessage, monkeypatch: pytest.MonkeyPatch, *, comes_back: bool
) -> None:
    aside, ask = folder.with_name("aside"), obstore.get_async

    async def ask_while_it_moves(store: LocalStore, path: str) -> object:
        try:
            return await ask(store, path)
        finally:
            move(aside, folder) if comes_back else move(folder, aside)

    store = LocalStore(folder)
    if comes_back:
        move(folder, aside)
    monkeypatch.setattr(obstore, "get_async", ask_while_it_moves)
    with pytest.raises(UnreachableError, match="mount it"):
        await Blobs(store).loaded(raw)


async def test_attachments_of_an_erased_message_are_not_kept_again(folder: Path) -> None:
    store = LocalStore(folder)
    await obstore.put_async(store, "210100/m1/erased", b"")
    await obstore.put_async(store, "210100/m2/redacted", b"")
    blobs = [Blob(path=f"210100/{message}/{name}", data=b"jpg") for message in ("m1", "m2") for name in ("x", "y")]
    for _ in range(2):
        await Blobs(store).store(blobs)
        there = {one["path"] for one in await obstore.list(store).collect_async()}
        assert there == {"210100/m1/erased", "210100/m2/redacted", "210100/m2/x", "210100/m2/y"}


@pytest.mark.parametrize(("mark", "left"), [(ERASED, set()), (REDACTED, set()), ("nothing", {"raw", "raw.raw"})])
async def test_the_bytes_of_a_dead_letter_are_not_kept_where_they_were_erased(
    folder: Path, mark: str, left: set[str]
) -> None:
    store = LocalStore(folder)
    record = outbound(3)
    fields = {"topic": record.topic, "partition": 0, "offset": 9, "key": record.key, "value": record.value}
    result = results.refused_of(SimpleNamespace(**fields, headers=record.headers, timestamp=0), "normalize")
    path = result.blobs[0].path
    place, _, name = path.rpartition("/")
    await obstore.put_async(store, f"{place}/{mark}", b"")
    await Blobs(store).store(result.blobs)
    there = {one["path"].rpartition("/")[2].replace(name, "raw") for one in await obstore.list(store).collect_async()}
    assert there == {mark} | left
    assert raw_names({path, f"{path}.raw", "photo"}) == {path, f"{path}.raw"}, "the eraser knows them, too"


async def test_attachments_are_on_the_disk_for_good(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of their message Kafka knows then, which may lie on other machines."""
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    await Blobs(LocalStore(folder, mkdir=True)).store([Blob(path=f"210100/m1/{name}", data=b"jpg") for name in "xy"])
    assert {"x", "y", "m1", "210100", folder.name} == set(synced)


async def test_what_a_kill_left_of_a_write_goes_with_what_was_erased(folder: Path) -> None:
    store = LocalStore(folder)
    for message, mark in (("m1", "erased"), ("m2", "redacted")):
        await obstore.put_async(store, f"210100/{message}/{mark}", b"")
        break_off(folder, f"210100/{message}/x")
    await Blobs(store).store([Blob(path="210100/m1/y", data=b"jpg")])
    await Blobs(store).settle(["210100/m2/x"])
    assert names(folder) == {"erased", "redacted"}


async def test_large_bytes_that_came_again_go_again_where_they_were_erased(folder: Path) -> None:
    """A mail that the server renumbers is fetched anew, and its bytes are stored before anybody reads of them."""
    store = LocalStore(folder)
    for place in ("m1", "m2", "m3"):
        for name in ("raw", "raw.raw", "photo"):
            await obstore.put_async(store, f"210100/{place}/{name}", b"words")
    await obstore.put_async(store, "210100/m1/erased", b"")
    await obstore.put_async(store, "210100/m2/redacted", b"")
    await Blobs(store).settle([f"210100/{place}/raw" for place in ("m1", "m2", "m3")] + ["", "../../x", "\0"])
    there = {one["path"].removeprefix("210100/") for one in await obstore.list(store).collect_async()}
    kept = {"m1/photo", "m2/photo", *(f"m3/{name}" for name in ("raw", "raw.raw", "photo"))}
    assert there == kept | {"m1/erased", "m2/redacted"}


async def test_a_folder_whose_disk_hangs_is_away_and_takes_one_thread(
    folder: Path, raw: RawMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.blob_store.FOLDER_SECONDS", 0.05)
    answers, looks, is_dir = threading.Event(), [], Path.is_dir

    def hangs(path: Path) -> bool:
        looks.append(path)
        answers.wait(20)
        return is_dir(path)

    blobs = Blobs(LocalStore(folder))
    with monkeypatch.context() as away:
        away.setattr(Path, "is_dir", hangs)
        for _ in range(3):
            with pytest.raises(UnreachableError, match="does not respond"):
                await blobs.loaded(raw)
        answers.set()
    assert len(looks) == 1
    await soon(lambda: blobs._folder._hanging is not None and blobs._folder._hanging.done())
    with pytest.raises(MissingBlobError):
        await blobs.loaded(raw)


async def test_a_file_that_a_disk_does_not_take_is_told_and_begun_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its chunk is tried again all the while, and those that need no store go on."""
    puts, answers, put = [], asyncio.Event(), obstore.put_async

    async def hanging(store: LocalStore, path: str, data: bytes, **options: bool) -> object:
        puts.append(path)
        if path == PATH:
            await answers.wait()
        return await put(store, path, data, **options)

    monkeypatch.setattr(obstore, "put_async", hanging)
    monkeypatch.setattr("streams.blobs.WRITE_SECONDS", 0.05)
    blobs = Blobs(LocalStore(folder))
    for _ in range(3):
        with pytest.raises(UnreachableError, match="has not accepted a file"):
            await blobs.store([Blob(PATH, b"x")])
    monkeypatch.setattr("streams.blobs.WRITE_SECONDS", 60.0)
    await blobs.store([Blob("210100/m2/y", b"y")])
    answers.set()
    await blobs.store([Blob(PATH, b"x")])
    assert puts == [PATH, "210100/m2/y"]
    assert names(folder) == {"x", "y"}

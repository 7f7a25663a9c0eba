import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.dev.stack import jars, maven
from hotline.dev.stack.disk import sweep, used
from hotline.dev.stack.errors import StackError
from hotline.dev.stack.jars import Advance, fetch_jars, read_lock
from tests.rows import each_row

BYTES = {"org.a:one:1": b"first", "org.a:two:2": b"second", "org.b:three:3": b"third"}


class Repository:
    """Hands out `BYTES` and counts what it was asked for."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.broken: set[str] = set()

    def __call__(self, coordinate: str, folder: Path, advance: Advance) -> Path:
        self.asked[coordinate] += 1
        if coordinate in self.broken:
            raise StackError("broken")
        path = folder / "a.jar"
        path.write_bytes(BYTES[coordinate])
        advance(len(BYTES[coordinate]))
        return path


class Watcher:
    """Remembers the last bar."""

    last: tuple[int, int] | None = None

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def bar(self, text: str, done: int, total: int) -> None:
        self.last = (done, total)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hotline"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "some.lock"
    lines = [f"{hashlib.sha256(data).hexdigest()}  {len(data)}  {name}\n" for name, data in BYTES.items()]
    path.write_text("# A comment.\n" + "".join(lines))
    return path


def test_jars_are_fetched_once_and_found_offline_afterwards(lock: Path) -> None:
    repository, watcher = Repository(), Watcher()
    fetched = fetch_jars(lock, progress=watcher, download=repository)
    assert [path.read_bytes() for path in fetched] == list(BYTES.values())
    assert [path.name for path in fetched] == ["one-1.jar", "two-2.jar", "three-3.jar"]
    assert watcher.last == (16, 16)
    assert fetch_jars(lock, download=repository) == fetched
    assert repository.asked.total() == 3


def test_a_broken_off_fetch_goes_on_where_it_stopped(lock: Path) -> None:
    repository = Repository()
    repository.broken = {"org.a:two:2"}
    with pytest.raises(StackError):
        fetch_jars(lock, download=repository)
    repository.broken = set()
    fetch_jars(lock, download=repository)
    assert repository.asked == {"org.a:one:1": 1, "org.a:two:2": 2, "org.b:three:3": 1}


def test_a_damaged_jar_in_the_cache_is_fetched_again(lock: Path) -> None:
    repository = Repository()
    damaged, *_ = fetch_jars(lock, download=repository)
    damaged.write_bytes(b"fir")
    fetch_jars(lock, download=repository)
    assert damaged.read_bytes() == b"first"
    assert repository.asked["org.a:one:1"] == 2


def test_a_wrong_checksum_installs_nothing_and_says_so(
    lock: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BYTES, "org.a:two:2", b"secure")
    with pytest.raises(StackError, match=r"Wrong checksum for org.a:two:2: .* Run `hotline up` again"):
        fetch_jars(lock, download=Repository())
    assert not list(cache.rglob("two-2.jar"))
    assert not list(cache.glob("partial-*"))


def test_no_room_is_said_before_anything_is_fetched(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    repository = Repository()
    with pytest.raises(
        StackError, match=r"Not enough space in .*: the jars need 1 MiB, 0 MiB are free. Free some space"
    ):
        fetch_jars(lock, download=repository)
    assert not repository.asked


def test_a_disk_that_fills_up_is_one_sentence(lock: Path) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    with pytest.raises(StackError, match=r"No space in .*: the disk is full"):
        fetch_jars(lock, download=full)


def test_a_cache_that_cannot_be_written_is_one_sentence(lock: Path, cache: Path) -> None:
    cache.parent.write_text("a file where a folder should be")
    with pytest.raises(StackError, match=r"Cannot write to .* make it writable"):
        fetch_jars(lock, download=Repository())


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_no_network_is_one_sentence_that_names_no_host(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(maven.MIRROR, "http://127.0.0.1:9/")
    monkeypatch.setattr(maven.download.retry, "sleep", lambda _: None)
    with pytest.raises(StackError, match="The jar repository cannot be reached: check the network") as caught:
        fetch_jars(lock)
    assert "127.0.0.1" not in str(caught.value)


@each_row("lock", [jars.KAFKA, jars.ELASTICSEARCH, jars.GREENMAIL, jars.SMSGATE], ids=lambda lock: lock.stem)
def test_the_lock_pins_every_jar_once(lock: Path) -> None:
    pinned = read_lock(lock)
    assert len({jar.path.name for jar in pinned}) == len(pinned)
    assert all(len(bytes.fromhex(jar.sha256)) == 32 and jar.size > 0 for jar in pinned)


def test_what_nobody_uses_any_more_leaves_the_cache(cache: Path) -> None:
    for name in ("partial-1", "elasticsearch-1", "jars"):
        (cache / name).mkdir(parents=True)
        os.utime(cache / name, (0, 0))
    (cache / "classes-1.aot").touch()
    sweep(cache)
    assert {path.name for path in cache.iterdir()} == {"jars", "classes-1.aot"}


class Busy(type(Path())):  # type: ignore[misc] # the class of this system's paths
    """A cache in which another command has just finished its work."""

    def glob(self, pattern: str) -> Iterator[Path]:
        yield Path(self / "partial-moved-meanwhile")
        yield from super().glob(pattern)


def test_what_another_command_moves_meanwhile_is_no_fault(cache: Path) -> None:
    (cache / "partial-1").mkdir(parents=True)
    os.utime(cache / "partial-1", (0, 0))
    sweep(Busy(cache))
    assert list(cache.iterdir()) == []


def test_what_is_gone_is_not_used_and_is_not_made_again(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    assert not used(cache / "classes-1.aot")
    assert list(cache.iterdir()) == []

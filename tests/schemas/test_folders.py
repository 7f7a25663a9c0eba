"""Folders for what citizens wrote: their owner's alone, whatever the shell of the user says."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.store import LocalStore

from storage.private_files import denial, make_private, shut_to_others


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_and_those_above_it_are_made_for_us_alone(tmp_path: Path) -> None:
    make_private(tmp_path / "data" / "journal" / "small")
    assert {mode(one) for one in tmp_path.rglob("*")} == {0o700}
    assert len([*tmp_path.rglob("*")]) == 3


def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o750)
    make_private(tmp_path / "shared" / "journal")
    make_private(tmp_path / "shared")
    assert (mode(tmp_path / "shared"), mode(tmp_path / "shared" / "journal")) == (0o750, 0o700)


@pytest.mark.parametrize("within", ["", "below"])
def test_a_file_is_no_folder(tmp_path: Path, within: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_private(tmp_path / "file" / within)


@pytest.mark.parametrize("before", [0o022, 0o027, 0o077])
def test_no_other_may_read_what_a_library_puts_into_a_folder_that_is_open_to_all(tmp_path: Path, before: int) -> None:
    tmp_path.chmod(0o755)
    os.umask(before)
    with shut_to_others():
        LocalStore(tmp_path).put("210100/m1/letter", b"x")
    (made,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert mode(made) == 0o640 & ~before
    assert mode(made.parent) == 0o750 & ~before
    assert os.umask(0) == before, "as it was"


def test_of_a_disk_that_only_reads_the_unit_is_named() -> None:
    assert denial(OSError(errno.EROFS, "Read-only file system")) == (
        "Read-only file system; a unit of systemd writes where its ReadWritePaths= says"
    )
    assert denial(OSError(errno.EACCES, "Permission denied")) == "Permission denied"
    assert denial(OSError("odd")) == "odd"

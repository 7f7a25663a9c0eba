import os
import socket
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest

from hotline.config.stack_state import ServerName, StackState, forget, save
from hotline.dev.stack import ports
from hotline.dev.stack.errors import StackError
from hotline.dev.stack.paths import cache_dir
from hotline.dev.stack.ports import Ports, claim

pytestmark = pytest.mark.integration

BOTH: list[ServerName] = ["kafka", "elasticsearch"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_slots_never_overlap_and_stay_below_the_outgoing_range() -> None:
    every = [port for slot in range(ports._SLOTS) for name in BOTH for port in Ports(slot).of(name)]
    assert len(set(every)) == len(every)
    assert max(every) < 32768
    assert 19110 not in every


def free() -> int:
    """Return a slot that nobody has: other programs of this machine, and other tests, may be on any of its ports."""
    taken = claim(17, BOTH)
    taken.release()
    return taken.ports.slot


def test_two_stacks_never_get_the_same_slot_and_a_released_one_is_free_again() -> None:
    slot = free()
    first, second = claim(slot, BOTH), claim(slot, BOTH)
    assert first.ports.slot == slot != second.ports.slot
    first.release()
    again = claim(slot, BOTH)
    assert again.ports == first.ports
    again.release()
    second.release()


def test_nobody_else_gets_a_claimed_port_before_its_server_listens_or_while_it_starts_again() -> None:
    taken = claim(17, BOTH)
    for port in (port for name in BOTH for port in taken.ports.of(name)):
        for _ in range(2):
            with pytest.raises(OSError, match="in use"), socket.socket() as another:
                another.bind(("127.0.0.1", port))
            with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port), 60):
                pass
    taken.release()


def test_a_port_in_use_is_passed_over_unless_our_own_server_holds_it() -> None:
    slot = free()
    with socket.create_server(("127.0.0.1", Ports(slot).controller)):
        other = claim(slot, BOTH)
        assert other.ports.slot != slot
        other.release()
        ours = claim(slot, BOTH, held=["kafka"])
        assert ours.ports.slot == slot
        ours.release()


def test_no_free_ports_is_one_sentence() -> None:
    taken = claim(16, BOTH)
    with pytest.raises(StackError, match=r"No free ports from 19092 and 19200 upwards.*hotline down"):
        claim(taken.ports.slot, BOTH, held=["kafka"])
    taken.release()


def stopped(folder: Path) -> int:
    """Let the stack of a folder have had a slot; return which."""
    folder.mkdir()
    taken = claim(0, BOTH, folder=folder)
    save(folder, StackState(taken.ports.slot))
    taken.release()
    return taken.ports.slot


def test_a_stopped_stack_has_its_ports_again_though_another_was_started_meanwhile(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    slot = stopped(one)
    meanwhile = claim(0, BOTH, folder=other)
    assert meanwhile.ports.slot != slot
    again = claim(slot, BOTH, folder=one)
    assert again.ports.slot == slot
    again.release()
    meanwhile.release()


@pytest.mark.parametrize("end", [forget, rmtree, lambda folder: save(folder, StackState(17))])
def test_a_slot_is_anybodys_once_nobody_comes_back_to_it(tmp_path: Path, end: Callable[[Path], None]) -> None:
    slot = stopped(tmp_path / "one")
    end(tmp_path / "one")
    taken = claim(slot, BOTH, folder=tmp_path / "new")
    assert taken.ports.slot == slot
    taken.release()


def test_where_every_slot_is_a_stopped_stacks_a_new_one_takes_that_of_the_longest_stopped(tmp_path: Path) -> None:
    noted = cache_dir() / "ports"
    noted.mkdir(parents=True, exist_ok=True)
    for slot in range(ports._SLOTS):
        folder = tmp_path / str(slot)
        folder.mkdir()
        save(folder, StackState(slot))
        (noted / str(slot)).write_bytes(bytes(folder))
        os.utime(noted / str(slot), (100 - slot, 100 - slot))
    taken = [claim(0, BOTH, folder=tmp_path / "new") for _ in range(6)]
    slots = [one.ports.slot for one in taken]
    assert slots == sorted(slots, reverse=True)
    for one in taken:
        one.release()
        (noted / str(one.ports.slot)).write_bytes(bytes(tmp_path / str(one.ports.slot)))
    after = claim(0, BOTH, folder=tmp_path / "newer")
    assert after.ports.slot not in slots  # those that just stopped are the last that lose theirs
    after.release()

import socket
from pathlib import Path

import pytest

from hotline.local import ports
from hotline.local.errors import StackError
from hotline.local.ports import Ports, claim
from hotline.local.state import ServerName

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


def test_two_stacks_never_get_the_same_slot_and_a_released_one_is_free_again() -> None:
    first, second = claim(17, BOTH), claim(17, BOTH)
    assert first.ports.slot == 17 != second.ports.slot
    first.release()
    again = claim(17, BOTH)
    assert again.ports == first.ports
    again.release()
    second.release()


def test_a_port_in_use_is_passed_over_unless_our_own_server_holds_it() -> None:
    with socket.create_server(("127.0.0.1", Ports(16).controller)):
        other = claim(16, BOTH)
        assert other.ports.slot != 16
        other.release()
        ours = claim(16, BOTH, held=["kafka"])
        assert ours.ports.slot == 16
        ours.release()


def test_no_free_ports_is_one_sentence() -> None:
    taken = claim(16, BOTH)
    with pytest.raises(StackError, match=r"No free ports from 19092 and 19200 upwards.*hotline down"):
        claim(taken.ports.slot, BOTH, held=["kafka"])
    taken.release()

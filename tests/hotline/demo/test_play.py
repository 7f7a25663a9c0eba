"""Two demos never meet: not on one stack, and not on the ports of two."""

import fcntl
from pathlib import Path

import pytest

from hotline.demo.greenmail import first_port
from hotline.demo.play import Play
from hotline.local import state
from schemas.connection import KafkaConnection
from schemas.errors import MisconfiguredError


def test_a_second_demo_on_the_same_stack_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    play = Play(KafkaConnection(bootstrap_servers="127.0.0.1:1"), "http://127.0.0.1:1", tmp_path, 0)
    with (tmp_path / "demo" / "demo.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        with pytest.raises(MisconfiguredError, match="already: wait for its end"):
            play.perform(lambda note: None)


def test_demos_of_two_stacks_look_for_ports_apart(tmp_path: Path) -> None:
    ports = []
    for slot in range(3):
        folder = tmp_path / str(slot)
        folder.mkdir()
        state.save(folder, state.StackState(slot))
        ports.append(first_port(folder))
    assert ports == [19300, 19320, 19340]
    assert first_port(tmp_path / "none") == 19300

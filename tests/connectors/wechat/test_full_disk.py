"""A journal on a disk that is full, a real one: senders are told to come again, and what was promised is kept."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from broker.config import KafkaConnection
from hotline.dev.demo.wechat_platform import WeChatPlatform
from hotline.dev.stack.stack import Stack
from tests.connectors.reader import Reader
from tests.connectors.serving import free_port
from tests.connectors.wechat.callbacks import AES_KEY, APPID, TOKEN, seen, text_now
from tests.frozen import frozen
from tests.peers.presence import require
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(400), pytest.mark.long]

ROOT = Path(__file__).parents[3]
SPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
MOUNT = "mount -t tmpfs -o size=256k{more} tmpfs {folder}"
NO_ROOM = ",nr_inodes=1"
"""Not a single file can be made, until a line is written to the shell."""

MAKE_ROOM = "exec 3<&0; {{ read -r line <&3 && mount -o remount,size=256k,nr_inodes=1000 {folder}; }} &"
LONG = "积水很深，" * 2_000
"""30 KB: a few of them fill the disk."""


class Receiver:
    """A receiver with its journal on a small disk of its own; killed, it is started again on the same disk."""

    def __init__(self, shell: psutil.Popen, port: int) -> None:
        self._shell, self._port = shell, port
        self.platform = WeChatPlatform(f"http://127.0.0.1:{port}/wechat", TOKEN, AES_KEY, APPID)

    def make_room(self) -> None:
        self._shell.stdin.write(b"\n")
        self._shell.stdin.flush()

    def kill(self) -> None:
        (life,) = [child for child in self._shell.children() if child.name() != "sh"]
        life.kill()
        until(lambda: life not in self._shell.children(), "the killed receiver is still there")
        self.wait()

    def wait(self) -> None:
        until(lambda: listens(self._port), "the receiver does not listen")


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def on_a_small_disk(kafka: KafkaConnection, folder: Path, account: str, more: str = "") -> Iterator[Receiver]:
    mount = MOUNT.format(folder=folder, more=more)
    if not shutil.which("unshare") or subprocess.run([*SPACE, mount], capture_output=True, check=False).returncode:
        require("this machine lets nobody mount a file system of their own: allow user name spaces")
    port = free_port()
    script = str(Path(__file__).with_name("receiver_process.py"))
    life = [sys.executable, script, kafka.bootstrap_servers, str(port), str(folder), account]
    room = MAKE_ROOM.format(folder=folder)
    command = [*SPACE, f'{mount}; {room} "$@"; "$@"', "sh", *life]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with psutil.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment) as shell:
        try:
            receiver = Receiver(shell, port)
            receiver.wait()
            yield receiver
        finally:
            for process in [shell, *shell.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()


def test_a_full_disk_refuses_keeps_what_it_has_and_takes_again_when_kafka_does(
    kafka: KafkaConnection, reader: Reader, account: str, tmp_path: Path, local_stack: Stack
) -> None:
    with on_a_small_disk(kafka, tmp_path, account) as receiver:
        with frozen(local_stack.pid("kafka")):
            taken = []
            while receiver.platform.push(text_now(len(taken) + 1, LONG)) == 200:
                taken.append(str(len(taken) + 1))
                assert len(taken) < 20, "the disk is not full"
            assert len(taken) > 2
            receiver.kill()
            assert receiver.platform.push(text_now(len(taken) + 1, LONG)) == 503
        until(
            lambda: receiver.platform.push(text_now(len(taken) + 1, LONG)) == 200,
            "the disk has room again and is not used",
        )
        taken.append(str(len(taken) + 1))
        until(lambda: len(seen(reader, account)) >= len(taken), "what was promised does not come to Kafka")
    assert seen(reader, account) == taken


def test_without_room_for_a_journal_what_kafka_takes_is_taken_and_with_it_all_is(
    kafka: KafkaConnection, reader: Reader, account: str, tmp_path: Path, local_stack: Stack
) -> None:
    with on_a_small_disk(kafka, tmp_path, account, NO_ROOM) as receiver:
        assert receiver.platform.push(text_now(1)) == 200
        with frozen(local_stack.pid("kafka")):
            assert receiver.platform.push(text_now(2)) == 503
            receiver.make_room()
            until(lambda: receiver.platform.push(text_now(3)) == 200, "there is room for a journal and none is had")
            receiver.kill()
            assert receiver.platform.push(text_now(4)) == 200
        until(lambda: {"1", "3", "4"} <= set(seen(reader, account)), "what was promised does not come to Kafka")
    assert [one for one in seen(reader, account) if one != "2"] == ["1", "3", "4"]

"""What a receiver answered with success survives its own end, however it ends."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from broker.config import KafkaConnection
from connectors.publish.disk_buffer import Journal
from hotline.dev.demo.wechat_platform import WeChatPlatform
from hotline.dev.stack.stack import Stack
from tests.connectors.reader import Reader
from tests.connectors.serving import free_port, wait_for
from tests.connectors.wechat.callbacks import AES_KEY, APPID, TOKEN, seen, text_now
from tests.forked import Forked
from tests.frozen import frozen
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.faults]

SAID = "said"


@contextmanager
def process(kafka: KafkaConnection, folder: Path, account: str) -> Iterator[tuple[WeChatPlatform, Forked]]:
    port = free_port()
    script = str(Path(__file__).with_name("receiver_process.py"))
    with (folder / SAID).open("w") as said:
        receiver = Forked(script, kafka.bootstrap_servers, str(port), str(folder), account, stdout=said)
    try:
        wait_for(port)
        yield WeChatPlatform(f"http://127.0.0.1:{port}/wechat", TOKEN, AES_KEY, APPID), receiver
    finally:
        receiver.kill()
        receiver.wait(60)


def test_what_was_answered_survives_kill_9(
    kafka: KafkaConnection, reader: Reader, account: str, tmp_path: Path, local_stack: Stack
) -> None:
    with process(kafka, tmp_path, account) as (platform, receiver), frozen(local_stack.pid("kafka")):
        assert [platform.push(text_now(number)) for number in range(1, 6)] == [200] * 5
        receiver.kill()
    with process(kafka, tmp_path, account) as (platform, _):
        assert platform.push(text_now(6)) == 200
        until(lambda: len(seen(reader, account)) >= 6)
    assert seen(reader, account) == [str(number) for number in range(1, 7)]


def test_sigterm_ends_running_requests_first_and_leaves_with_success(
    kafka: KafkaConnection, reader: Reader, account: str, tmp_path: Path
) -> None:
    with process(kafka, tmp_path, account) as (platform, receiver):
        assert platform.push(text_now(1)) == 200
        until(lambda: seen(reader, account) == ["1"])  # by way of the journal when Kafka is busy
        receiver.send_signal(signal.SIGTERM)
        assert receiver.wait(90) == 0
        assert "drained" in (tmp_path / SAID).read_text()
    journal = Journal(tmp_path)
    assert journal.empty
    journal.close()
    assert seen(reader, account) == ["1"]

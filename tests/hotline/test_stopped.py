"""`hotline run receiver` while the local stack is stopped: what citizens send waits in the journal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotline.config import load
from hotline.demo.wechat_platform import WeChatPlatform
from hotline.local.stack import Stack
from hotline.local.state import ServerState, StackState, save
from hotline.local.state import load as state_of
from hotline.wiring import component
from schemas.connection import KafkaConnection
from schemas.errors import MisconfiguredError
from tests.connectors.reader import Reader
from tests.connectors.serving import free_port, wait_for
from tests.connectors.wechat.callbacks import AES_KEY, APPID, TOKEN, seen, text_now
from tests.docs.pages import ROOT
from tests.waiting import until

ACCOUNT = "stopped_stack"


@pytest.mark.integration
@pytest.mark.enable_socket
def test_the_receiver_journals_until_the_local_stack_is_started_wherever_it_is_then(
    fresh_topics: KafkaConnection, local_stack: Stack, tmp_path: Path
) -> None:
    port, data = free_port(), tmp_path / "data"
    data.mkdir()
    former = ServerState("4.3.1", free_port())
    save(data, StackState(0, None, {"kafka": former, "elasticsearch": former}))
    own = {"APPID": APPID, "TOKENS": TOKEN, "AES_KEYS": AES_KEY}
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("HOTLINE_")},
        **{f"HOTLINE_CONNECTORS__WECHAT__{ACCOUNT.upper()}__{key}": value for key, value in own.items()},
        "HOTLINE_LOCAL__DATA_DIR": str(data),
        "HOTLINE_RECEIVER__PORT": str(port),
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_KAFKA__PARTITIONS": str(fresh_topics.partitions),
        "PYTHONPATH": str(ROOT),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "hotline", "run", "receiver"], cwd=tmp_path, env=environment
    ) as receiver:
        try:
            wait_for(port)
            platform = WeChatPlatform(f"http://127.0.0.1:{port}/wechat", TOKEN, AES_KEY, APPID)
            assert platform.push(text_now(1)) == 200
            started = state_of(local_stack.data_dir)
            assert started is not None
            save(data, started)
            until(lambda: seen(Reader(fresh_topics), ACCOUNT) == ["1"])
        finally:
            receiver.terminate()
    assert receiver.returncode == 0


def test_a_receiver_without_any_stack_is_told_what_to_do(env: pytest.MonkeyPatch) -> None:
    env.setenv(f"HOTLINE_CONNECTORS__WECHAT__{ACCOUNT.upper()}__APPID", APPID)
    env.setenv(f"HOTLINE_CONNECTORS__WECHAT__{ACCOUNT.upper()}__TOKENS", TOKEN)
    env.setenv(f"HOTLINE_CONNECTORS__WECHAT__{ACCOUNT.upper()}__AES_KEYS", AES_KEY)
    with pytest.raises(MisconfiguredError, match="run `hotline up`"):
        component(load(), "receiver")

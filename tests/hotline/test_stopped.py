"""`hotline run` while the local stack is stopped: what citizens send waits in the journal, or where it is asked for."""

import json
import os
import smtplib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.config import KafkaConnection
from hotline.config.load import load
from hotline.config.stack_state import ServerState, StackState, save
from hotline.config.stack_state import load as state_of
from hotline.dev.demo.wechat_platform import WeChatPlatform
from hotline.dev.stack.stack import Stack
from hotline.runtime.components import component
from schemas import topics
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
    port = free_port()
    own = {"APPID": APPID, "TOKENS": TOKEN, "AES_KEYS": AES_KEY}
    account = {f"HOTLINE_CONNECTORS__WECHAT__{ACCOUNT.upper()}__{key}": value for key, value in own.items()}
    with stopped(tmp_path, fresh_topics, ["receiver"], {**account, "HOTLINE_RECEIVER__PORT": str(port)}) as data:
        wait_for(port)
        platform = WeChatPlatform(f"http://127.0.0.1:{port}/wechat", TOKEN, AES_KEY, APPID)
        assert platform.push(text_now(1)) == 200
        start(local_stack, data)
        until(lambda: seen(Reader(fresh_topics), ACCOUNT) == ["1"])


@pytest.mark.integration
@pytest.mark.enable_socket
def test_who_fetches_waits_with_a_sentence_and_lmtp_journals_until_the_local_stack_is_started(
    fresh_topics: KafkaConnection, local_stack: Stack, tmp_path: Path
) -> None:
    port, health, calls = free_port(), free_port(), tmp_path / "calls"
    calls.mkdir()
    (calls / "a.csv").write_text("call_id,caller,note\n1,13800138000,the lift is stuck\n")
    own = {
        "HOTLINE_CONNECTORS__CALL_FILES__STOPPED_CALLS__FOLDER": str(calls),
        "HOTLINE_CONNECTORS__CALL_FILES__STOPPED_CALLS__SETTLE_SECONDS": "0",
        "HOTLINE_CONNECTORS__SMS_CMPP__STOPPED_SMS__HOST": "127.0.0.1",
        "HOTLINE_CONNECTORS__SMS_CMPP__STOPPED_SMS__PORT": str(free_port()),
        "HOTLINE_CONNECTORS__SMS_CMPP__STOPPED_SMS__SOURCE": "901234",
        "HOTLINE_CONNECTORS__SMS_CMPP__STOPPED_SMS__SECRET": "secret",
        "HOTLINE_CONNECTORS__WECOM__STOPPED_SERVICE__CORPID": APPID,
        "HOTLINE_CONNECTORS__WECOM__STOPPED_SERVICE__TOKENS": TOKEN,
        "HOTLINE_CONNECTORS__WECOM__STOPPED_SERVICE__AES_KEYS": AES_KEY,
        "HOTLINE_LMTP__PORT": str(port),
        "HOTLINE_LMTP__MAILBOXES__STOPPED_MAIL__RECIPIENTS": '["mayor@city.gov.cn"]',
        "HOTLINE_TELEMETRY__PORT": str(health),
    }
    waiting = {"connector:stopped_calls", "connector:stopped_sms", "fetcher"}
    with stopped(tmp_path, fresh_topics, [*waiting, "lmtp"], own) as data:
        wait_for(port)
        with smtplib.LMTP("127.0.0.1", port, timeout=60) as peer:
            assert peer.sendmail("a@mail.example", ["mayor@city.gov.cn"], b"Subject: x\r\n\r\ny\r\n") == {}
        until(lambda: {name for name, detail in told(health).items() if "run `hotline up`" in detail} == waiting)
        start(local_stack, data)
        until(lambda: len(Reader(fresh_topics).read(topics.raw("phone"), "stopped_calls")) == 1)
        until(lambda: len(Reader(fresh_topics).read(topics.raw("mailbox"), "stopped_mail")) == 1)
        until(lambda: not any("run `hotline up`" in detail for detail in told(health).values()))


@contextmanager
def stopped(folder: Path, topics_of: KafkaConnection, names: list[str], own: dict[str, str]) -> Iterator[Path]:
    """Run components over a data folder whose stack was stopped, and see them end well."""
    data = folder / "data"
    data.mkdir()
    former = ServerState("4.3.1", free_port())
    save(data, StackState(0, None, {"kafka": former, "elasticsearch": former}))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("HOTLINE_")},
        "HOTLINE_JURISDICTION": "210100",
        "HOTLINE_LOCAL__DATA_DIR": str(data),
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_KAFKA__PARTITIONS": str(topics_of.partitions),
        "PYTHONPATH": str(ROOT),
        **own,
    }
    command = [sys.executable, "-m", "hotline", "run", *names]
    with subprocess.Popen(command, cwd=folder, env=environment) as running:
        try:
            yield data
        finally:
            running.terminate()
    assert running.returncode == 0


def start(stack: Stack, data: Path) -> None:
    """Let the stack of the data folder be one that runs."""
    started = state_of(stack.data_dir)
    assert started is not None
    save(data, started)


def told(port: int) -> dict[str, str]:
    """Return what /readyz says of each component."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            body: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        body = json.load(error)
    return {one["component"]: one.get("detail") or "" for one in body["components"]}


def test_a_receiver_without_any_stack_is_told_what_to_do(env: pytest.MonkeyPatch) -> None:
    env.setenv(f"HOTLINE_CONNECTORS__WECHAT__{ACCOUNT.upper()}__APPID", APPID)
    env.setenv(f"HOTLINE_CONNECTORS__WECHAT__{ACCOUNT.upper()}__TOKENS", TOKEN)
    env.setenv(f"HOTLINE_CONNECTORS__WECHAT__{ACCOUNT.upper()}__AES_KEYS", AES_KEY)
    with pytest.raises(MisconfiguredError, match="run `hotline up`"):
        component(load(), "receiver")

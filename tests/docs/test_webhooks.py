"""docs/how-to/webhooks.md: every program of the page receives from the real sink, and refuses what is forged."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hotline.config.load import load
from hotline.monitor.webhooks import ping
from sinks.webhook.client import WebhookSink
from sinks.webhook.response import judge
from sinks.webhook.settings import key_of
from sinks.webhook.signature import signature
from tests.docs.pages import ROOT
from tests.peers.presence import missing, require
from tests.sinks.webhook.receiver import OLD_SECRET, SECRET
from tests.sinks.webhook.snapshots import snapshot, subscriber

PAGE = (ROOT / "docs" / "how-to" / "webhooks.md").read_text(encoding="utf-8")
PROGRAMS = {
    name: text for text, name in re.findall(r"^```\w+\n((?:#|//) (\S+)\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
}
COMMANDS = {"receive.py": [sys.executable, "receive.py"], "receive.mjs": ["node", "receive.mjs"]}

Start = Callable[[str], str]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return what starts a receiver of the page, and where it listens."""
    running: list[subprocess.Popen[str]] = []

    def run(name: str) -> str:
        command = COMMANDS[name]
        require(missing(command[0]))
        (tmp_path / name).write_text(PROGRAMS[name], encoding="utf-8")
        environment = {**os.environ, "WEBHOOK_SECRET": SECRET, "PORT": "0"}
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        running.append(process)
        assert process.stdout is not None
        return f"http://127.0.0.1:{process.stdout.readline().split()[-1]}/"

    yield run
    for process in running:
        process.kill()
        process.communicate()


def test_the_page_shows_these_programs() -> None:
    assert PROGRAMS.keys() == {*COMMANDS, "signature.sh"}


def test_the_settings_of_the_page_load(tmp_path: Path, env: pytest.MonkeyPatch) -> None:
    (tmp_path / "hotline.toml").write_text("\n".join(re.findall(r"^```toml\n(.*?)^```$", PAGE, re.M | re.S)), "utf-8")
    env.setenv("HOTLINE_SINKS__WEBHOOK__MAP__SECRETS", f"{SECRET},{OLD_SECRET}")
    env.setenv("HOTLINE_SINKS__WEBHOOK__DESK__SECRETS", SECRET)
    env.setenv("HOTLINE_SINKS__WEBHOOK__DESK__AUTHORIZATION", "Token token=x")
    subscribers = load(tmp_path / "hotline.toml").sinks.webhook
    assert len(subscribers["map"].keys) == 2
    assert (subscribers["desk"].format, subscribers["desk"].filter.first_version_only) == ("zammad", True)


@pytest.mark.integration
@pytest.mark.parametrize("name", COMMANDS)
async def test_a_receiver_takes_what_is_signed_and_nothing_else(start: Start, tmp_path: Path, name: str) -> None:
    url = start(name)
    assert (await ping("map", subscriber(url))).told == "204"
    late = {"now": lambda: datetime.now(UTC) - timedelta(minutes=6)}
    for secrets, options, told in (
        ((SECRET,), {}, "204"),
        ((OLD_SECRET, SECRET), {}, "204"),
        ((OLD_SECRET,), {}, "401"),
        ((SECRET,), late, "401"),
    ):
        sink = WebhookSink("map", subscriber(url, secrets=secrets), **options)
        answers = [await sink.send(snapshot("210100-a", version, text=f"v{version}")) for version in (2, 3, 1)]
        await sink.close()
        assert {answer.told for answer in answers} == {told}
    if name == "receive.py":
        with contextlib.closing(sqlite3.connect(tmp_path / "tickets.db")) as database:
            assert database.execute("SELECT ticket_id, version, text FROM ticket").fetchall() == [("210100-a", 3, "v3")]


def test_the_signature_by_hand(tmp_path: Path) -> None:
    require(missing("openssl"))
    body = json.dumps({"text": "路灯\n"}, ensure_ascii=False).encode()
    (tmp_path / "body.json").write_bytes(body)
    told = {"WEBHOOK_SECRET": SECRET, "WEBHOOK_ID": "map:210100-a:7", "WEBHOOK_TIMESTAMP": "1795600000"}
    done = subprocess.run(
        ["sh", "-c", PROGRAMS["signature.sh"]],
        cwd=tmp_path,
        env={**os.environ, **told},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == signature([key_of(SECRET)], "map:210100-a:7", 1795600000, body)


def test_the_table_of_answers_is_what_the_sink_does() -> None:
    rows = re.findall(r"^\| ([^|]+) \| (go on|try this|take you|never)", PAGE, re.MULTILINE)
    expected = {"go on": "delivered", "try this": "later", "take you": "away", "never": "refused"}
    told = {int(number): expected[verdict] for cell, verdict in rows for number in re.findall(r"\b[2-5]\d\d\b", cell)}
    assert len(told) == 12
    assert {status: judge("map", status, {}, 1, datetime.now(UTC)).outcome.value for status in told} == told

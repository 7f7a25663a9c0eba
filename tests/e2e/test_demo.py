"""`hotline demo --once --json` in an empty folder: every sample is accounted for, twice, and nothing stays behind."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from hotline.dev.demo import phone, sms_cmpp, sms_http, sms_smpp
from hotline.dev.demo.samples import callbacks, mails
from hotline.dev.demo.weibo import pushes

WECOM = 4
"""An event, a text, a picture's message and the picture."""

NO_TICKET = (
    "the auto-reply",
    "the new follower on WeChat",
    "the new follower on Weibo",
    "the delivery receipt of SMPP",
    "the status report of CMPP",
    "the event of 微信客服, which says only that somebody wrote",
)
LINKED = (
    "the reply in the thread",
    "the same person with the same matter",
    "a further piece of a short message",
    "a call whose note came later",
    "the transcript of that call",
    "the picture, which is fetched after the message that names it",
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900), pytest.mark.long]

KEYS = [
    "kafka", "elasticsearch", "published", "messages", "dead", "tickets", "linked", "no_ticket", "handovers", "indexed",
    "search", "seconds",
]  # fmt: skip
COUNTS = KEYS[2:-1]


def environment() -> dict[str, str]:
    """The user's variables, none of them ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}


def hotline(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "hotline", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=400)


def demo(folder: Path) -> dict[str, Any]:
    done = hotline(folder, "demo", "--once", "--json")
    assert done.returncode == 0, done.stderr
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def left_behind(folder: Path) -> Iterator[str]:
    """Programs that still run and name the folder."""
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or ())
        if str(folder) in command and process.pid != os.getpid():
            yield command


def eventually_nothing(folder: Path) -> list[str]:
    """Return what is left behind when the archives of classes, which a first stop makes, have had time to be done."""
    end = time.monotonic() + 300
    while (left := list(left_behind(folder))) and time.monotonic() < end:
        time.sleep(0.5)
    return left


def test_every_sample_is_accounted_for_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = demo(tmp_path)
    assert list(first) == KEYS
    assert re.fullmatch(r"\d+\.\d+\.\d+", first["kafka"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", first["elasticsearch"])
    assert first["seconds"] > 0

    assert first["published"] == {
        "mailbox": len({mail.raw for mail in mails()}),
        "wechat": len(callbacks(0)) + WECOM,
        "phone": len({(call["call_id"], call["revision"]) for call, *_ in phone.samples()}),
        "sms": len(sms_smpp.samples()) + len(sms_cmpp.SAMPLES) + 1 + 1 + len(sms_http.BATCH),
        "web": 2,
        "weibo": len(pushes()),
    }
    assert sum(first["published"].values()) == first["messages"] + first["dead"]
    assert first["messages"] == first["tickets"] + first["linked"] + first["no_ticket"]
    assert first["indexed"] == first["tickets"]

    assert first["dead"] == 1, "the broken callback"
    assert first["no_ticket"] == len(NO_TICKET)
    assert first["linked"] == len(LINKED)
    assert first["handovers"] == 2, "the fire, and who waits for the ambulance"
    assert first["search"] == {"中山路12号": 1, "万达": 1, "阳光花园": 3, "井盖": 1, "公车站": 1}

    second = demo(tmp_path)
    assert {name: second[name] for name in COUNTS} == {name: first[name] for name in COUNTS}
    assert eventually_nothing(tmp_path) == []

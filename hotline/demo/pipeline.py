"""The pipeline as the demo runs it: every component in one child process, with the demo's two accounts."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import urllib3

from hotline.demo import greenmail
from hotline.local import processes
from schemas.errors import UnreachableError

TOKEN, APPID = "hotlinedemotoken", "wx12345demo67890"
AES_KEY = "hotlineDemoEncodingAESKeyForLoopbackOnly123"
CITY = "210100"
"""沈阳, the demo's city."""

COMPONENTS = ("screen", "normalize", "assign", "sink:elastic", "receiver", "connector:demo_mailbox")
START_SECONDS = 60.0


def environment(data_dir: Path, imap_port: int, receiver_port: int) -> dict[str, str]:
    """Return the settings of the demo's accounts as environment variables."""
    mailbox, wechat = "HOTLINE_CONNECTORS__MAILBOX__DEMO_MAILBOX__", "HOTLINE_CONNECTORS__WECHAT__DEMO_WECHAT__"
    return {
        "HOTLINE_LOCAL__DATA_DIR": str(data_dir),
        "HOTLINE_JURISDICTION": CITY,
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_RECEIVER__PORT": str(receiver_port),
        f"{mailbox}HOST": "127.0.0.1",
        f"{mailbox}PORT": str(imap_port),
        f"{mailbox}TLS": "none",
        f"{mailbox}USERNAME": greenmail.USER,
        f"{mailbox}PASSWORD": greenmail.PASSWORD,
        f"{mailbox}POLL_SECONDS": "1",
        f"{wechat}APPID": APPID,
        f"{wechat}TOKENS": f'["{TOKEN}"]',
        f"{wechat}AES_KEYS": f'["{AES_KEY}"]',
        f"{wechat}MODES": '["safe", "compatible"]',
        f"{wechat}PATH": "/wechat",
    }


@contextlib.contextmanager
def running(folder: Path, settings: Mapping[str, str], receiver_port: int) -> Iterator[None]:
    """Run the components while a `with` block lasts; they drain at its end."""
    with (folder / "pipeline.log").open("ab") as log:
        command = [sys.executable, "-m", "hotline", "run", *COMPONENTS]
        started = psutil.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log)
    try:
        _wait(started, receiver_port, folder / "pipeline.log")
        yield
    finally:
        processes.stop([started], 40)


def _wait(process: psutil.Popen, port: int, log: Path) -> None:
    http = urllib3.PoolManager(retries=False, timeout=1.0)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and processes.alive(process):
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            if http.request("GET", f"http://127.0.0.1:{port}/healthz").status == 200:
                return
        time.sleep(0.1)
    raise UnreachableError(f"the pipeline does not come up: see {log}")

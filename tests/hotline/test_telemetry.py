"""Logs: JSON lines with a name, and never the text of a foreign exception."""

import json
import subprocess
import sys

SCRIPT = """
import logging, structlog
from kafka.admin import _groups
from hotline.telemetry import set_up
set_up("info", "json")
log = structlog.get_logger("a")
log.debug("not_shown")
log.info("batch_published", messages=3)
try:
    raise ValueError("my name is Li Lei")
except ValueError:
    log.exception("step_failed")
    logging.getLogger("library").exception("library_failed")
logging.getLogger("kafka").info("key and value")
logging.getLogger("kafka").warning("broker is away")
logging.getLogger(_groups.__name__).warning("all bytes of a member of a group")
"""


def test_lines_are_json_and_tell_no_foreign_text() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    events = [line["event"] for line in lines]
    assert events == ["batch_published", "step_failed", "library_failed", "broker is away"]
    assert lines[0]["messages"] == 3
    assert {"level", "timestamp"} <= lines[0].keys()
    assert lines[1]["exception"] == lines[2]["exception"] == "ValueError"
    assert "Li Lei" not in done.stderr
    assert done.stdout == ""


ASKING = """
import socket, threading, requests
from hotline.telemetry import set_up
set_up("info", "json")
server = socket.create_server(("127.0.0.1", 0))
def answer():
    peer, _ = server.accept()
    peer.recv(65536)
    peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nno header at all\\r\\n\\r\\n{}")
    peer.close()
threading.Thread(target=answer, daemon=True).start()
port = server.getsockname()[1]
print(requests.get(f"http://127.0.0.1:{port}/gettoken", params={"corpsecret": "Sesame"}, timeout=10).status_code)
"""


def test_an_answer_with_a_malformed_header_tells_no_address() -> None:
    done = subprocess.run([sys.executable, "-c", ASKING], capture_output=True, text=True, check=True)
    assert done.stdout == "200\n"
    assert done.stderr == ""

"""Logs: JSON lines with a name, and never the text of a foreign exception."""

import json
import logging
import subprocess
import sys

from hotline.runtime.logging import Calm

SCRIPT = """
import logging, structlog
from kafka.admin import _groups
from kafka.net import selector
from hotline.runtime.logging import set_up
from streams.engine.transport import ChunkConsumerThread
set_up("info", "json")
log = structlog.get_logger("hotline.a")
log.debug("not_shown")
log.info("batch_published", messages=3)
try:
    raise ValueError("my name is Li Lei")
except ValueError:
    log.exception("step_failed")
    logging.getLogger("library").exception("library_failed")
logging.getLogger("kafka").info("key and value")
logging.getLogger("uvicorn.error").info("Waiting for application startup.")
ChunkConsumerThread.logger.info("[^--ChunkConsumerThread]: Starting...")
logging.getLogger("kafka").warning("broker is away")
logging.getLogger(_groups.__name__).warning("all bytes of a member of a group")
logging.getLogger(selector.__name__).warning("Task ran for 0.263s")
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
from hotline.runtime.logging import set_up
set_up("info", "json")
server = socket.create_server(("127.0.0.1", 0))
def answer():
    peer, _ = server.accept()
    peer.recv(65536)
    peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nno header at all\\r\\n\\r\\n{}")
    peer.close()
threading.Thread(target=answer, daemon=True).start()
port = server.getsockname()[1]
print(requests.get(f"http://127.0.0.1:{port}/gettoken", params={"corpsecret": "Sesame"}, timeout=60).status_code)
"""


def test_an_answer_with_a_malformed_header_tells_no_address() -> None:
    done = subprocess.run([sys.executable, "-c", ASKING], capture_output=True, text=True, check=True)
    assert done.stdout == "200\n"
    assert done.stderr == ""


def told(calm: Calm, text: str, *args: object, logger: str = "aiokafka.client") -> str | None:
    record = logging.LogRecord(logger, logging.ERROR, __file__, 1, text, args, None)
    return record.getMessage() if calm.filter(record) else None


def test_what_a_kafka_client_says_again_and_again_is_told_once_in_a_while_with_its_count() -> None:
    now = [0.0]
    calm = Calm(lambda: now[0])
    assert told(calm, "no node %s", 1) == "no node 1"
    assert [told(calm, "no node %s", 1) for _ in range(100)] == [None] * 100
    assert told(calm, "no node %s", 2) == "no node 2"
    now[0] = 31
    assert told(calm, "no node %s", 1) == "no node 1 (and 100 times since it was last told)"
    now[0] = 62
    assert told(calm, "no node %s", 1) == "no node 1"


def test_whoever_takes_each_connection_and_hangs_up_fills_no_log() -> None:
    calm = Calm(lambda: 0.0)
    lines = [f"<KafkaTCPTransport [127.0.0.1:9092<-{own}]>: socket disconnected" for own in range(50_000, 50_100)]
    assert [line for line in lines if told(calm, line, logger="kafka.net.transport")] == lines[:1]
    assert told(calm, lines[0].replace("9092", "9093"), logger="kafka.net.transport")


def test_our_own_lines_and_other_libraries_are_always_told() -> None:
    calm = Calm(lambda: 0.0)
    for logger in ("streams.engine.partition_worker", "connectors.publish.durable_publisher", "imapclient"):
        assert [told(calm, "chunk_delayed", logger=logger) for _ in range(3)] == ["chunk_delayed"] * 3


def test_lines_that_differ_each_time_do_not_fill_the_memory() -> None:
    calm = Calm(lambda: 0.0)
    assert all(told(calm, f"waiting {number} ms") for number in range(5_000))
    assert len(calm._told) <= 1_000


TALKING = """
import asyncio, logging
import structlog
from mode import Service
from hotline.runtime.logging import set_up
set_up("debug", "json")
structlog.get_logger("streams.assign").debug("looked_back")
logging.getLogger("aiokafka.conn").warning("Connect: %s", ConnectionRefusedError("port 9092"))
for library in ("requests_oauthlib.oauth1_session", "oauthlib.oauth1", "smpplib.client", "mail.debug"):
    logging.getLogger(library).debug("13812345678")
    logging.getLogger(library).info("13812345678")

class Fails(Service):
    @Service.task
    async def _run(self):
        raise ValueError("my name is Li Lei")

async def main():
    service = Fails()
    await service.start()
    await asyncio.sleep(0.05)
    await service.crash(ValueError("my name is Li Lei"))

asyncio.run(main())
"""


def test_a_library_tells_no_value_even_at_debug_and_names_the_fault_it_had() -> None:
    done = subprocess.run([sys.executable, "-c", TALKING], capture_output=True, text=True, check=False)
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert events[:2] == ["looked_back", "Connect: port 9092"]
    assert any("Crashed reason='ValueError'" in event for event in events)
    assert not any(words in done.stderr for words in ("Li Lei", "13812345678"))


UNSEEN = """
import asyncio, gc, sys, threading
from hotline.runtime.logging import set_up
set_up("info", "json")

def words(*_):
    raise ValueError("my name is Li Lei")

class Odd:
    def __del__(self):
        words()

async def fails():
    words()

async def main():
    asyncio.create_task(fails())
    asyncio.get_running_loop().call_soon(words, "my name is Li Lei")
    await asyncio.sleep(0.05)
    gc.collect()

asyncio.run(main())
thread = threading.Thread(target=words, name="a thread")
thread.start()
thread.join()
Odd()
words()
"""


def test_a_fault_that_nobody_saw_is_told_without_its_words() -> None:
    done = subprocess.run([sys.executable, "-c", UNSEEN], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["event"] for line in lines} == {
        "Exception in callback words",
        "Task exception was never retrieved",
        "thread_failed",
        "clean_up_failed",
        "process_failed",
    }
    assert {line["exception"] for line in lines} == {"ValueError"}
    assert all(line["at"] for line in lines)
    assert "Li Lei" not in done.stderr
    assert done.returncode == 1

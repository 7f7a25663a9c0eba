"""`python -m benchmarks.fuzz.large [NAME …]`: 64 MiB to each door and to each parser, once.

Each runs in a process of its own: CPU-seconds, the memory beyond what it had before (the input included), and
what becomes of it. To a door the bytes are sent until all are gone or it hangs up, whatever it answers meanwhile.
"""

import asyncio
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

from benchmarks.fuzz.messages import POLICY, holds, raw
from connectors.http.settings import ReceiverSettings
from normalizers.pipeline import normalize
from schemas.errors import RecordError
from schemas.records.raw import SIZE_LIMIT
from tests.connectors import test_asvs
from tests.connectors.serving import free_port, running, wait_for
from tests.connectors.test_lmtp import Served
from tests.connectors.web import doors

PIECE = 64 * 1024
PATIENCE = 60.0

Case = Callable[[Path], str]
"""Meets something large, and says what became of it."""


def made_of(head: bytes, piece: bytes, tail: bytes = b"") -> bytes:
    """Return just 64 MiB: a head, as many pieces as fit, and a tail."""
    room = SIZE_LIMIT - len(head) - len(tail)
    return head + piece * (room // len(piece)) + b" " * (room % len(piece)) + tail


def _judged(channel: str, content_type: str, make: Callable[[], bytes], folder: Path) -> str:
    """Let the normalizer of a channel read it."""
    value = make()
    try:
        made = normalize(raw(channel, value, content_type), POLICY)
    except RecordError as error:
        return f"dead letter `{error.code}`"
    holds(made)
    return f"a message, {len(made.blobs)} files"


def _posted(path: str, declared: bool, folder: Path) -> str:
    """Post it to a door of a receiver that serves."""
    port = free_port()
    settings = ReceiverSettings(port=port)
    framing = f"content-length: {SIZE_LIMIT}" if declared else "transfer-encoding: chunked"
    head = f"POST {path} HTTP/1.1\r\nhost: city\r\ncontent-type: application/json\r\n{framing}\r\n\r\n"
    piece = b"x" * PIECE if declared else b"%x\r\n%s\r\n" % (PIECE, b"x" * PIECE)
    with (
        running(test_asvs.Doors(folder).app(port=port), settings),
        socket.create_connection(("127.0.0.1", port)) as peer,
    ):
        peer.sendall(head.encode())
        return _pumped(peer, piece)


def _pumped(peer: socket.socket, piece: bytes) -> str:
    """Send until all is gone or nobody takes any more; the first answer may come meanwhile."""
    peer.settimeout(PATIENCE)
    answer, sent = b"", 0
    try:
        while sent < SIZE_LIMIT:
            if not answer and select.select([peer], [], [], 0)[0]:
                answer = peer.recv(PIECE)
            peer.sendall(piece)
            sent += PIECE
    except OSError:
        pass
    answer = answer or _answer(peer)
    return f"{answer.split(b' ')[1].decode() if answer else 'hung up on'}, {sent >> 10} KiB sent"


def _answer(peer: socket.socket) -> bytes:
    try:
        return peer.recv(PIECE)
    except OSError:
        return b""


def _delivered(line: bytes, folder: Path) -> str:
    """Hand a mail over by LMTP, while Kafka is away: the journal takes it."""

    async def run() -> str:
        served = Served(folder)
        served.broker.away = True
        serving = asyncio.create_task(served.serve())
        await asyncio.to_thread(wait_for, served.port)
        said = await asyncio.to_thread(_handed_over, served.port, line)
        kept = sum(file.stat().st_size for file in (folder / "journal").rglob("*.journal"))
        served.stop.set()
        await serving
        return f"{said}, {kept >> 20} MiB in the journal"

    return asyncio.run(run())


def _handed_over(port: int, line: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port)) as peer, peer.makefile("rb") as answers:
        peer.settimeout(PATIENCE)
        answers.readline()
        talk = (b"LHLO relay", b"MAIL FROM:<citizen@example.cn>", b"RCPT TO:<mayor@city.gov.cn>", b"DATA")
        for command in talk:
            peer.sendall(command + b"\r\n")
            while answers.readline()[3:4] == b"-":
                pass
        head, block = b"Subject: large\r\n\r\n", line * (PIECE // len(line))
        peer.sendall(head)
        for _ in range((SIZE_LIMIT - len(head) - 2) // len(block)):
            peer.sendall(block)
        peer.sendall(b"\r\n.\r\n")
        return answers.readline().decode().strip()


_MAIL = b"From: a@b.cn\r\nTo: c@d.cn\r\nSubject: large\r\n"
_BASE64 = b"MIME-Version: 1.0\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
_PART = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
_XML = b"<xml><MsgType><![CDATA[text]]></MsgType><FromUserName>o</FromUserName><Content><![CDATA["
_PARTS = b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n'

_SHAPES: Mapping[str, tuple[str, str, Callable[[], bytes]]] = MappingProxyType(
    {
        "mail: lines": ("mailbox", "message/rfc822", partial(made_of, _MAIL + b"\r\n", b"a line of a mail\r\n")),
        "mail: one line": ("mailbox", "message/rfc822", partial(made_of, _MAIL + b"\r\n", b"x")),
        "mail: a file": ("mailbox", "message/rfc822", partial(made_of, _MAIL + _BASE64, b"QUJD" * 18 + b"\r\n")),
        "mail: headers": ("mailbox", "message/rfc822", partial(made_of, _MAIL, b"X-A: b\r\n", b"\r\n\r\nx")),
        "mail: one header": ("mailbox", "message/rfc822", partial(made_of, _MAIL + b"X-A: ", b"x", b"\r\n\r\nx")),
        "mail: parts": (
            "mailbox",
            "message/rfc822",
            partial(made_of, _MAIL + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", _PART),
        ),
        "mail: HTML": (
            "mailbox",
            "message/rfc822",
            partial(made_of, _MAIL + b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n", b"<p>a</p>"),
        ),
        "XML: one text": ("wechat", "text/xml", partial(made_of, _XML, b"x", b"]]></Content></xml>")),
        "XML: elements": ("wechat", "text/xml", partial(made_of, b"<xml>", b"<a>b</a>", b"</xml>")),
        "XML: depth": ("wechat", "text/xml", partial(made_of, b"", b"<a>")),
        **{
            f"JSON of {channel}: {name}": (channel, kind, partial(made_of, *pieces))
            for channel, kind in {
                "wechat": "application/json",
                "weibo": "application/json",
                "phone": "application/json; shape=call; platform=cti; zone=UTC",
                "sms": "application/json; provider=tencent",
                "web": "application/json; client=a",
                "record": "application/json",
            }.items()
            for name, pieces in {
                "one text": (b'{"text":"', b"x", b'"}'),
                "numbers": (b'{"a":[0', b",0", b"]}"),
                "depth": (b"", b"["),
            }.items()
        },
        "form: fields": ("web", "application/x-www-form-urlencoded", partial(made_of, b"text=x", b"&a=b")),
        "form: one field": ("web", "multipart/form-data; boundary=b", partial(made_of, _PARTS, b"x", b"\r\n--b--\r\n")),
        "calls: rows": ("phone", "text/csv; shape=calls", partial(made_of, "通话编号,主叫号码\n".encode(), b"1,2\n")),
    }
)

_DOORS = (*test_asvs.HEALTHY, "/web", f"{doors.BASE}/requests.json", "/commands")

CASES: Mapping[str, Case] = MappingProxyType(
    {
        "LMTP: lines": partial(_delivered, b"a line of 16 B\r\n"),
        "LMTP: one line": partial(_delivered, b"x"),
        "LMTP: blank lines": partial(_delivered, b"\r\n"),
        **{f"POST {path}, declared": partial(_posted, path, True) for path in _DOORS},
        **{f"POST {path}, in chunks": partial(_posted, path, False) for path in _DOORS},
        **{name: partial(_judged, *shape) for name, shape in _SHAPES.items()},
    }
)


@contextmanager
def _measured(told: list[str]) -> Iterator[None]:
    """Append CPU-seconds and the growth of resident memory in MiB."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, began = _resident("VmRSS"), time.process_time()
    yield
    told += [f"{time.process_time() - began:.1f}", str(_resident("VmHWM") - before)]


def _resident(name: str) -> int:
    """Return the process's memory in MiB as Linux tells it."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) >> 10


def _one(name: str) -> None:
    told: list[str] = []
    with tempfile.TemporaryDirectory(prefix="hotline-large-") as folder, _measured(told):
        outcome = CASES[name](Path(folder))
    print(f"| {name} | {' | '.join(told)} | {outcome} |", flush=True)


def main(names: list[str]) -> int:
    """Run each case in a process of its own; the exit code says whether all of them came to an end."""
    print("| 64 MiB | CPU-s | MiB more | What becomes of it |\n|---|---|---|---|", flush=True)
    failed = 0
    for name in names or CASES:
        command = [sys.executable, "-m", "benchmarks.fuzz.large", "--one", name]
        failed += subprocess.run(command, check=False, timeout=600).returncode != 0
    return int(failed > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _one(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:]))

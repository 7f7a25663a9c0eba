"""The doctor at a manager interface and at a folder of call files: each fault is one sentence."""

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hotline.config.load import load
from hotline.doctor import calls
from hotline.doctor.findings import Finding, findings
from tests.connectors.asterisk.fake import GREETING, REFUSED, SUCCESS, Script, served
from tests.peers.certificates import Authority

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


def answering(answer: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.read()

    return script


@pytest.fixture
def pbx(request: pytest.FixtureRequest, env: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve in a thread, as the doctor has a loop of its own."""
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with served(answering(request.param)) as port:
            ports.append(port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(60)
    prefix = "HOTLINE_CONNECTORS__ASTERISK__PBX__"
    told = {"HOST": "127.0.0.1", "PORT": ports[0], "USERNAME": "hotline", "SECRET": "planted-secret"}
    for name, value in told.items():
        env.setenv(prefix + name, str(value))
    env.setenv("HOTLINE_JURISDICTION", "210100")
    yield
    loop.call_soon_threadsafe(stop.set)
    thread.join(60)
    loop.close()


def found(which: str) -> Finding:
    look = {"pbx": lambda: calls.asterisk(load(), "pbx"), "files": lambda: calls.call_files(load(), "files")}[which]
    (one,) = findings(which, look)
    assert "planted" not in one.detail
    return one


@pytest.mark.parametrize("pbx", [SUCCESS], indirect=True)
def test_a_login_that_works(pbx: None) -> None:
    assert (found("pbx").outcome, found("pbx").detail) == ("ok", "the login works")


@pytest.mark.parametrize("pbx", [REFUSED], indirect=True)
def test_a_login_that_is_refused(pbx: None) -> None:
    assert found("pbx").outcome == "mend"
    assert "check username and secret" in found("pbx").detail


@pytest.mark.parametrize("pbx", [SUCCESS], indirect=True)
def test_what_is_wrong_with_the_way_there_is_told(pbx: None, env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.setenv("HOTLINE_CONNECTORS__ASTERISK__PBX__TLS", "tls")
    assert "does not use TLS there: correct `connectors.asterisk.pbx.port` (usually 5039" in found("pbx").detail
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("pbx").file)
    with tls_server(context) as port:
        env.setenv("HOTLINE_CONNECTORS__ASTERISK__PBX__PORT", str(port))
        assert "name its authority's certificate in `connectors.asterisk.pbx.ssl_cafile`" in found("pbx").detail
        env.setenv("HOTLINE_CONNECTORS__ASTERISK__PBX__TLS", "none")
        assert found("pbx").detail == (
            f"Asterisk pbx at 127.0.0.1:{port} requires TLS: set `connectors.asterisk.pbx.tls` to tls."
        )
    assert (found("pbx").outcome, "does not answer (Connection refused)" in found("pbx").detail) == ("wait", True)
    assert "`connectors.asterisk.pbx.host` and `connectors.asterisk.pbx.port` are right" in found("pbx").detail


@contextmanager
def tls_server(context: ssl.SSLContext) -> Iterator[int]:
    """Shake hands with whoever comes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_shake_hands, args=(listening, context), daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def _shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            caller, _ = listening.accept()
        except OSError:
            return
        with caller, suppress(OSError), context.wrap_socket(caller, server_side=True) as secured:
            secured.recv(1)


def test_a_folder_of_call_files(env: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_JURISDICTION", "210100")
    env.setenv("HOTLINE_CONNECTORS__CALL_FILES__FILES__FOLDER", str(tmp_path / "in"))
    assert "does not exist: check `folder" in found("files").detail
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("call_id\n1\n")
    assert found("files").detail == "1 file is present"
    monkeypatch.setattr(os, "open", _refused)
    assert "a.csv cannot be read: check its owner and mode" in found("files").detail


def _refused(*_: object) -> int:
    raise PermissionError(13, "no")

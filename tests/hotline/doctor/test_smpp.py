"""The doctor at an SMSC: the way there and its TLS, and no login that could end a running bind."""

import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.config.load import load
from hotline.doctor.accounts import smpp
from hotline.doctor.findings import Finding, findings
from tests.peers.certificates import Authority

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

OWN = "HOTLINE_CONNECTORS__SMS_SMPP__CITY__"


class Door:
    """Accepts connections, with TLS when it has a certificate, and keeps what clients say."""

    def __init__(self, certificate: Path | None = None) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if self._context and certificate:
            self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                with self._context.wrap_socket(client, server_side=True) if self._context else client as met:
                    self.heard.put(met.recv(100))
            except ssl.SSLError:
                continue
            except OSError:
                return


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def found() -> Finding:
    (one,) = findings("SMPP city", lambda: smpp(load(), "city"))
    return one


def account(env: pytest.MonkeyPatch, port: int) -> None:
    for name, value in {"HOST": "127.0.0.1", "PORT": port, "SYSTEM_ID": "hotline", "PASSWORD": "secret"}.items():
        env.setenv(OWN + name, str(value))


def test_an_smsc_that_answers_is_not_logged_in_to(env: pytest.MonkeyPatch, door: Door) -> None:
    account(env, door.port)
    assert (found().outcome, found().detail) == ("ok", "the SMSC answers; only the connector tries the login")
    assert door.heard.get(timeout=60) == b""


def test_a_port_where_nobody_is_and_one_without_tls_are_told(env: pytest.MonkeyPatch, door: Door) -> None:
    account(env, 9)
    assert "The SMSC of city at 127.0.0.1:9 does not answer" in found().detail
    names = "`connectors.sms_smpp.city.host` and `connectors.sms_smpp.city.port` are right"
    assert names in found().detail
    account(env, door.port)
    env.setenv(OWN + "TLS", "tls")
    assert "does not use TLS there: correct `connectors.sms_smpp.city.host`" in found().detail


def test_a_stranger_s_certificate_is_told(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    door = Door(authority.issue("smsc").file)
    account(env, door.port)
    env.setenv(OWN + "TLS", "tls")
    assert "name its authority's certificate in `connectors.sms_smpp.city.ssl_cafile`" in found().detail
    env.setenv(OWN + "SSL_CAFILE", str(authority.certificate))
    assert found().outcome == "ok"
    door.close()

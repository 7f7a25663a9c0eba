"""The doctor at real sockets that stand for receivers of webhooks: each fault is one sentence, and nothing is sent."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hotline.config.load import load
from hotline.doctor.findings import Finding, findings
from hotline.doctor.subscribers import subscriber
from tests.peers.certificates import Authority

pytestmark = pytest.mark.enable_socket

OWN = "HOTLINE_SINKS__WEBHOOK__MAP__"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def port(authority: Authority) -> Iterator[int]:
    """A port where TLS is spoken, and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("receiver").file)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(OSError):
                        context.wrap_socket(connection, server_side=True).close()

        threading.Thread(target=greet, daemon=True).start()
        yield server.getsockname()[1]


def look(env: pytest.MonkeyPatch, url: str, **more: str) -> Finding:
    secret = "cGxhbnRlZCBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcw=="
    for name, value in {"URL": url, "SECRETS": secret, "ALLOW_PRIVATE": "true", **more}.items():
        env.setenv(f"{OWN}{name}", value)
    settings = load()
    (found,) = findings("webhook map", lambda: subscriber(settings, "map"))
    assert secret not in found.detail
    return found


def test_a_receiver_that_is_there_is_told_with_its_certificate(
    env: pytest.MonkeyPatch, authority: Authority, port: int
) -> None:
    found = look(env, f"https://127.0.0.1:{port}/hook", CA_CERTS=str(authority.certificate))
    assert found.outcome == "ok"
    assert f"https://127.0.0.1:{port} is reachable, certificate valid until 20" in found.detail


def test_a_certificate_that_nobody_vouches_for_is_told(env: pytest.MonkeyPatch, port: int) -> None:
    found = look(env, f"https://127.0.0.1:{port}/hook")
    assert found.outcome == "mend"
    assert "sinks.webhook.map.ca_certs" in found.detail


def test_an_address_of_our_own_network_is_refused_as_the_sink_refuses_it(env: pytest.MonkeyPatch) -> None:
    found = look(env, "https://localhost/hook", ALLOW_PRIVATE="false")
    assert (found.outcome, found.detail) == (
        "mend",
        "`sinks.webhook.map.url` leads to a private address: set allow_private = true if that is meant.",
    )


def test_a_receiver_that_is_away_may_come_back(env: pytest.MonkeyPatch) -> None:
    found = look(env, "http://127.0.0.1:9/hook")
    assert found.outcome == "wait"
    assert "does not answer (Connection refused): check that it runs, that `sinks.webhook.map.url`" in found.detail

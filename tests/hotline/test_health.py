"""ProcessHealth over HTTP: alive, ready, metrics; and a port that is taken is one sentence."""

import json
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, Counter

from hotline.config.settings import TelemetrySettings
from hotline.monitor import processes
from hotline.runtime.health import HealthServer, ProcessHealth
from schemas.errors import MisconfiguredError

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1"])]


def get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_ready_only_while_every_component_runs() -> None:
    health = ProcessHealth(["screen", "connector:mayor"])
    health.watch("connector:mayor", lambda: {"last_success": "2026-01-01T00:00:00Z", "lag": 3.0})
    with HealthServer(health, "127.0.0.1", 0, CollectorRegistry()) as server:
        assert get(server, "/healthz")[0] == 200
        assert get(server, "/readyz")[0] == 503
        health.set("screen", "running")
        health.set("connector:mayor", "running")
        status, body = get(server, "/readyz")
        health.watch("screen", lambda: {"state": "degraded"})
        assert get(server, "/readyz")[0] == 503
    assert status == 200
    shown = json.loads(body)["components"][1]
    assert (shown["component"], shown["state"], shown["lag"]) == ("connector:mayor", "running", 3.0)
    assert shown["last_success"] == "2026-01-01T00:00:00Z"


def test_metrics_are_those_of_the_registry() -> None:
    registry = CollectorRegistry()
    Counter("hotline_test_things", "Things", registry=registry).inc(3)
    with HealthServer(ProcessHealth([]), "127.0.0.1", 0, registry) as server:
        assert "hotline_test_things_total 3.0" in get(server, "/metrics")[1]
        assert get(server, "/other")[0] == 404


@pytest.mark.parametrize("host", ["::", "::1"])
def test_it_listens_on_ipv6(host: str) -> None:
    health = ProcessHealth(["screen"], "ours")
    with HealthServer(health, host, 0, CollectorRegistry()) as server:
        (found,) = processes.look(TelemetrySettings(host=host, port=server.port), "ours", 0)
        assert found.component == "screen"
        if host == "::":
            assert get(server, "/healthz")[0] == 200, "IPv4 as well"


def test_a_taken_port_is_one_sentence() -> None:
    empty = CollectorRegistry()
    with (
        HealthServer(ProcessHealth([]), "127.0.0.1", 0, empty) as server,
        pytest.raises(MisconfiguredError, match="HOTLINE_TELEMETRY__PORT"),
    ):
        HealthServer(ProcessHealth([]), "127.0.0.1", server.port, empty)

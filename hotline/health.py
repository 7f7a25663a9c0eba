"""Health and metrics of one process over HTTP: /healthz, /readyz and /metrics."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from typing import Any, Literal
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from msgspec import Struct, to_builtins
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app

from hotline import metrics
from schemas.errors import MisconfiguredError

Phase = Literal["starting", "standby", "running", "waiting", "stopped", "failed"]
_READY = ("running", "standby")
Respond = Callable[..., Any]
Probe = Callable[[], Mapping[str, Any]]
"""Returns what a component tells about itself; keys of `ComponentHealth` replace what is known."""


class ComponentHealth(Struct, kw_only=True):
    """What one component does; `last_success` and `lag` come from the component itself, where it can tell."""

    component: str
    state: Phase = "starting"
    last_success: str | None = None
    lag: float | None = None
    detail: str | None = None
    restarts: int = 0


class Health:
    """The components of this process, and of which installation it is.

    Ready while every component runs, or stands by for one that runs elsewhere.
    """

    def __init__(self, names: Iterable[str], installation: str = "") -> None:
        self._installation = installation
        self._components = {name: ComponentHealth(component=name) for name in names}
        for name in self._components:
            metrics.COMPONENT_UP.labels(name).set(0)
        self._probes: dict[str, Probe] = {}

    def set(self, name: str, state: Phase, detail: str | None = None) -> None:
        """Note what a component does now."""
        component = self._components[name]
        component.state, component.detail = state, detail
        metrics.COMPONENT_UP.labels(name).set(state in _READY)

    def restarted(self, name: str) -> None:
        """Count one more start of a component."""
        self._components[name].restarts += 1

    def watch(self, name: str, probe: Probe) -> None:
        """Ask `probe` for more about a component whenever somebody asks for the report."""
        self._probes[name] = probe

    def report(self) -> dict[str, Any]:
        """Return the answer to /readyz."""
        components = [
            {**to_builtins(component), **self._probes.get(name, dict)()} for name, component in self._components.items()
        ]
        ready = all(component["state"] in _READY for component in components)
        return {"installation": self._installation, "ready": ready, "at": time.time(), "components": components}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a probe is no event."""


class HealthServer:
    """Serves the health of a process; a thread of its own, so that busy components do not silence it."""

    def __init__(self, health: Health, host: str, port: int, registry: CollectorRegistry = REGISTRY) -> None:
        self._health = health
        self._metrics = make_wsgi_app(registry)
        try:
            self._server = make_server(host, port, self._answer, server_class=_Server, handler_class=_Silent)
        except OSError as error:
            raise MisconfiguredError(
                f"Health cannot listen on {host}:{port} ({error.strerror}): set HOTLINE_TELEMETRY__PORT to a free port."
            ) from error
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def __enter__(self) -> "HealthServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics(environ, respond)
            return answer
        if path == "/healthz":
            return _json(respond, "200 OK", {"alive": True})
        if path == "/readyz":
            report = self._health.report()
            return _json(respond, "200 OK" if report["ready"] else "503 Service Unavailable", report)
        return _json(respond, "404 Not Found", {"paths": ["/healthz", "/readyz", "/metrics"]})


def _json(respond: Respond, status: str, body: dict[str, Any]) -> list[bytes]:
    respond(status, [("Content-Type", "application/json; charset=utf-8")])
    return [json.dumps(body).encode()]

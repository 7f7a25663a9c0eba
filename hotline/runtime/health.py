"""Health and metrics of one process over HTTP: /healthz, /readyz and /metrics."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Literal
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from msgspec import Struct, to_builtins
from msgspec.structs import astuple
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app

from hotline.monitor import metrics
from hotline.version import build
from schemas.enums import counted
from schemas.errors import MisconfiguredError
from schemas.host_port import join_host_port

if TYPE_CHECKING:
    from connectors.http.server import ReceiverReport
    from connectors.mailbox.lmtp import Door
    from connectors.publish.durable_publisher import DurablePublisher
    from connectors.replies.account import AccountAnswers
    from connectors.runtime.health import Health, HealthReport
    from schemas.errors import PipelineError
    from sinks.runner import Health as Sinking
    from streams.engine.app import Quarantines
    from streams.engine.quarantine import Quarantined


Phase = Literal["starting", "standby", "running", "waiting", "stopped", "failed"]
_READY = ("running", "standby")
Respond = Callable[..., Any]
Probe = Callable[[], Mapping[str, Any]]
"""Returns a component's own report; keys of `ComponentHealth` replace known values."""


class ComponentHealth(Struct, kw_only=True):
    """State of one component; `last_success` and `lag` come from the component itself, if it knows them."""

    component: str
    state: Phase = "starting"
    last_success: str | None = None
    lag: float | None = None
    detail: str | None = None
    restarts: int = 0


class ProcessHealth:
    """The components of this process, and of which installation it is.

    Ready while every component runs, or stands by for one that runs elsewhere.
    """

    def __init__(self, names: Iterable[str], installation: str = "") -> None:
        self._installation = installation
        self._components = {name: ComponentHealth(component=name) for name in names}
        for name in self._components:
            metrics.COMPONENT_UP.labels(name).set(0)
        metrics.BUILD.labels(*astuple(build())).set(1)
        self._probes: dict[str, Probe] = {}

    def set(self, name: str, state: Phase, detail: str | None = None) -> None:
        """Set the state of a component."""
        component = self._components[name]
        component.state, component.detail = state, detail
        metrics.COMPONENT_UP.labels(name).set(state in _READY)

    def restarted(self, name: str) -> None:
        """Count one more start of a component."""
        self._components[name].restarts += 1

    def watch(self, name: str, probe: Probe) -> None:
        """Call `probe` for a component's own report whenever the report is read."""
        self._probes[name] = probe

    def report(self) -> dict[str, Any]:
        """Return the answer to /readyz."""
        components = [
            {**to_builtins(component), **self._probes.get(name, dict)()} for name, component in self._components.items()
        ]
        ready = all(component["state"] in _READY for component in components)
        return {
            "installation": self._installation,
            **to_builtins(build()),
            "ready": ready,
            "at": time.time(),
            "components": components,
        }


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _ServerV6(_Server):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        """Take IPv4 at `::` as well, whatever the kernel's default."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing for a probe."""


class HealthServer:
    """Serves the health of a process; a thread of its own, so that busy components do not silence it."""

    def __init__(self, health: ProcessHealth, host: str, port: int, registry: CollectorRegistry = REGISTRY) -> None:
        self._health = health
        self._metrics = make_wsgi_app(registry)
        try:
            server = _ServerV6 if ":" in host else _Server
            self._server = make_server(host, port, self._answer, server_class=server, handler_class=_Silent)
        except OSError as error:
            raise MisconfiguredError(
                f"Health cannot listen on {join_host_port(host, port)} ({error.strerror}): "
                "set HOTLINE_TELEMETRY__PORT to a free port."
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


# Own reports of connectors in /readyz.

STARTING: Mapping[str, Any] = {"state": "starting", "detail": "starting"}
"""Not working yet: a component that waits for a service or a disk is not ready."""


def connector(report: "HealthReport") -> Mapping[str, Any]:
    """Return why a connector does not work, its complaints, and the number of messages put aside."""
    told = [report.sentence, *report.complaints, _put_aside(report.dead_letters)]
    return {
        "state": report.state,
        "last_success": _text(report.last_success),
        "detail": _joined(told),
        "dead_letters": report.dead_letters,
    }


def session(
    health: "Health", durable: Sequence["DurablePublisher"], answers: "AccountAnswers | None" = None
) -> Mapping[str, Any]:
    """Return the same of a session, the messages in a listener's journal, and why it cannot send replies."""
    told = connector(health.report)
    if answers is not None and answers.trouble is not None:
        state = "degraded" if told["state"] == "running" else told["state"]
        return {**told, "state": state, "detail": _joined([told["detail"], answers.trouble])}
    if not durable:
        return told
    size = durable[0].journal_bytes
    full = "the journal is nearly full; messages will then be lost" if durable[0].full else None
    return {**told, "detail": _joined([told["detail"], _waiting(size), full]), "journal_bytes": size}


def receiver(report: "ReceiverReport", fault: "PipelineError | None" = None) -> Mapping[str, Any]:
    """Return what waits for Kafka or the blob store; while the journal has room, messages are accepted.

    `fault` is why there is no journal.
    """
    return {
        "state": "degraded" if fault else report.state,
        "last_success": _text(report.last_success),
        "detail": _joined([_without(fault), _waiting(report.journal_bytes), _full(report.journal_full)]),
        "journal_bytes": report.journal_bytes,
    }


def lmtp(door: "Door", durable: "DurablePublisher") -> Mapping[str, Any]:
    """Return what waits for Kafka or the blob store, and when a mail was last safe."""
    return {
        "state": "degraded" if durable.full or durable.fault else "running",
        "last_success": _text(door.last_success),
        "detail": _joined([_without(durable.fault), _waiting(durable.journal_bytes), _full(durable.full)]),
        "journal_bytes": durable.journal_bytes,
    }


def stage(
    begun: bool, troubles: Sequence[str], quarantines: Sequence["Quarantines"] = (), restoring: int = 0
) -> Mapping[str, Any]:
    """Return why a partition of a stage does not progress; the others go on meanwhile.

    While partitions are `restoring` the stage is not ready, so that a rolling update takes no other worker meanwhile.
    With more than half of the partitions in quarantine the stage is not ready: a fault of so many has one cause.
    """
    if not begun:
        return STARTING
    there = [one for quarantine in quarantines for one in quarantine.there]
    told = [_in_quarantine(one) for one in there]
    if restoring:
        told.append(f"{counted(restoring, 'partition is', 'partitions are')} being restored, their cities wait")
    is_half = any(2 * len(one.there) > one.partitions for one in quarantines)
    return {
        **({"state": "restoring"} if restoring else {}),
        **({"state": "degraded"} if troubles or is_half else {}),
        **({"detail": _joined([*dict.fromkeys(troubles), *told])} if troubles or told else {}),
        **({"quarantined": to_builtins(there)} if there else {}),
    }


def _in_quarantine(one: "Quarantined") -> str:
    return f"partition {one.partition} of {one.topic} is in quarantine: {one.reason}"


def sink(report: "Sinking") -> Mapping[str, Any]:
    """Return why a sink delivers nothing."""
    return {"detail": report.detail, **({} if report.ready else {"state": "degraded"})}


def _put_aside(letters: int) -> str | None:
    return f"{counted(letters, 'dead letter')} since the start, see `hotline dead list`" if letters else None


def webhooks(troubles: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the subscribers that wait. Their fault is not this component's, which is ready."""
    told = [f"{name}: {trouble}" for name, trouble in troubles.items()]
    return {"detail": _joined(list(told)) or "running"}


def answers(troubles: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the accounts that cannot answer now, and why."""
    told: list[str | None] = [f"{account}: {trouble}" for account, trouble in troubles.items()]
    return {"detail": _joined(told) or "running", **({"state": "degraded"} if troubles else {})}


def _waiting(size: int) -> str | None:
    if not size:
        return None
    waiting = counted(size, "byte waits", "bytes wait")
    return f"{waiting} in the journal: Kafka or the blob store does not answer, run `hotline doctor`"


def _without(fault: "PipelineError | None") -> str | None:
    return f"{fault}; until then senders get 503 whenever Kafka does not answer" if fault else None


def _full(full: bool) -> str | None:
    return "the journal is nearly full; senders will then get 503" if full else None


def _joined(told: list[str | None]) -> str | None:
    return "; ".join(sentence for sentence in told if sentence) or None


def _text(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None

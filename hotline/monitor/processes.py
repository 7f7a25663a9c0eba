"""Reports of this machine's processes under /readyz: only they know of, for example, a refused password."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from msgspec import DecodeError, Struct, ValidationError, convert, json
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from hotline.version import Build
from schemas.host_port import join_host_port

if TYPE_CHECKING:
    from hotline.config.settings import TelemetrySettings


PATIENCE_SECONDS = 1.0


class Process(Struct, frozen=True, kw_only=True):
    """One component that runs on this machine."""

    kind: Literal["process"] = "process"
    component: str
    version: str = ""
    state: str
    last_success: datetime | None = None
    detail: str | None = None
    restarts: int = 0
    quarantined: tuple["Quarantined", ...] = ()


class Quarantined(Struct, frozen=True, kw_only=True):
    """A partition that cannot go on until a person acts (`streams.engine.quarantine`), as a process here says it."""

    stage: str
    topic: str
    partition: int
    reason: str
    since: datetime
    next_try: datetime
    tries: int = 1
    cities: tuple[str, ...] = ()


class OtherInstallation(Struct, frozen=True, kw_only=True):
    """A process of another installation on one of our ports: its data folder is another, or its version an older."""

    kind: Literal["other_installation"] = "other_installation"
    port: int
    components: tuple[str, ...]


class _Report(Struct):
    components: list[dict[str, Any]] = []
    installation: str = ""
    version: str = ""
    revision: str = ""


def look(settings: "TelemetrySettings", installation: str, count: int) -> list[Process | OtherInstallation]:
    """Ask the `count` ports from `telemetry.port` on, where `hotline run all` has its children, and the parent's.

    Components of another installation are returned separately: they say nothing about this one.
    """
    found: dict[str, Process] = {}
    others: list[OtherInstallation] = []
    if not settings.port:
        return []
    with PoolManager(retries=False, timeout=PATIENCE_SECONDS) as http:
        for port in map(settings.port_of, range(count + 1)):
            report = _report(http, f"http://{join_host_port(_host(settings.host), port)}/readyz")
            known = [told for told in report.components if "component" in told]
            if report.installation == installation:
                version = str(Build(report.version, report.revision))
                for told in known:
                    found[told["component"]] = _process(told, version, found.get(told["component"]))
            elif known:
                names = tuple(str(told["component"]) for told in known)
                others.append(OtherInstallation(port=port, components=names))
    return [*found.values(), *others]


def _report(http: PoolManager, url: str) -> _Report:
    """Return the report at a port; empty without an answer, or for another program."""
    try:
        return json.decode(http.request("GET", url).data, type=_Report)
    except (HTTPError, DecodeError):
        return _Report()


def _process(told: dict[str, Any], version: str, parent: Process | None) -> Process:
    """Combine a child's report with its parent's knowledge of its restarts; the parent was asked before it."""
    return Process(
        component=told["component"],
        version=version,
        state=str(told.get("state", "unknown")),
        last_success=_time(told.get("last_success")),
        detail=told.get("detail"),
        restarts=max(int(told.get("restarts") or 0), parent.restarts if parent else 0),
        quarantined=tuple(_quarantined(told.get("quarantined"))),
    )


def _quarantined(told: object) -> Iterator[Quarantined]:
    for one in told if isinstance(told, list) else ():
        with suppress(ValidationError):  # of another version
            yield convert(one, Quarantined, strict=False)


def _time(told: object) -> datetime | None:
    try:
        return datetime.fromisoformat(told).astimezone(UTC) if isinstance(told, str) else None
    except ValueError:
        return None


def _host(host: str) -> str:
    """Return the address of a process that listens on every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not listened on

"""Health of one connector: its runner writes it, the health endpoint reads it."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec
import structlog
from msgspec import Struct

from connectors import faults, metrics
from connectors.base import utc_now
from schemas.errors import PipelineError

State: TypeAlias = Literal["starting", "standby", "running", "degraded", "failed", "stopped"]

_TROUBLED = ("degraded", "failed")

_log = structlog.get_logger(__name__)


class HealthReport(Struct, frozen=True, kw_only=True):
    """State of a connector at a moment. `sentence` is the advice for an operator; it has no personal data."""

    connector: str
    channel: str
    state: State = "starting"
    last_success: datetime | None = None
    last_error: str | None = None
    sentence: str | None = None
    complaints: tuple[str, ...] = ()
    messages: int = 0
    dead_letters: int = 0
    errors: int = 0


class Health:
    """The present report; a line is logged when the state or its cause changes. Thread-safe."""

    def __init__(self, connector: str, channel: str, now: Callable[[], datetime] = utc_now) -> None:
        self._report = HealthReport(connector=connector, channel=channel)
        self._labels = (channel, connector)
        self._now = now
        self._lock = threading.Lock()
        metrics.FAULTS_OF_OURS.labels(*self._labels)  # an alarm on its growth has to see it at 0

    @property
    def report(self) -> HealthReport:
        """Return the present report."""
        with self._lock:
            return self._report

    def succeeded(self, messages: int = 0, dead_letters: int = 0, complaints: tuple[str, ...] = ()) -> None:
        """Record that the source answered and its messages are safe."""
        report, now = self.report, self._now()
        metrics.LAST_SUCCESS.labels(*self._labels).set(now.timestamp())
        self._become(
            "running",
            last_success=now,
            sentence=None,
            complaints=complaints,
            messages=report.messages + messages,
            dead_letters=report.dead_letters + dead_letters,
        )

    def standing_by(self) -> None:
        """Record that another process owns the account: this one has nothing to do."""
        self._become("standby", sentence="another process owns the account; this one takes over when it ends")

    def troubled(self, error: BaseException) -> None:
        """Record a fault that is retried."""
        self._note(error, "degraded")

    def failed(self, error: BaseException) -> None:
        """Record a fault that needs an operator."""
        self._note(error, "failed")

    def stopped(self) -> None:
        """Record an orderly end; a failure stays one."""
        if self.report.state != "failed":
            self._become("stopped")

    def _note(self, error: BaseException, state: State) -> None:
        name = type(error).__name__
        metrics.ERRORS.labels(*self._labels, name).inc()
        if not isinstance(error, PipelineError):
            faults.told(*self._labels, error)
        self._become(state, last_error=name, sentence=_sentence(error), errors=self.report.errors + 1)

    def _become(self, state: State, **changes: object) -> None:
        with self._lock:
            before = self._report
            self._report = after = msgspec.structs.replace(before, state=state, **changes)
        metrics.UP.labels(*self._labels).set(state == "running")
        if _shown(before) != _shown(after):
            troubled = state in _TROUBLED or bool(after.complaints and state == "running")
            say = _log.warning if troubled else _log.info
            say("connector_" + state, connector=after.connector, channel=after.channel, error=after.last_error,
                sentence=after.sentence, complaints=after.complaints)  # fmt: skip


def _shown(report: HealthReport) -> tuple[object, ...]:
    """Return the values whose change is logged: a refused password after a missing network is another fault."""
    return report.state, report.complaints, report.last_error if report.state in _TROUBLED else None


def _sentence(error: BaseException) -> str:
    """Return the advice for an operator; foreign error texts may hold a citizen's words."""
    if isinstance(error, PipelineError):
        return str(error)
    return f"internal error ({type(error).__name__}), which is tried again: report it to the developers"

"""Faults of ours over one message: a developer hears of each, and the message goes on as plainly as it came."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from connectors import metrics
from schemas.errors import PipelineError, place_of

T = TypeVar("T")

_log = structlog.get_logger(__name__)


def told(channel: str, connector: str, error: BaseException) -> None:
    """Count a fault of ours and log where it happened, and nothing of what it says: that may be a citizen's words."""
    metrics.FAULTS_OF_OURS.labels(channel, connector).inc()
    _log.error("connector_fault", connector=connector, error=type(error).__name__, at=place_of(error))


def or_plainly(channel: str, connector: str, fully: Callable[[], T], plainly: Callable[[], T]) -> T:
    """Return what `fully` makes of a message; over a fault of ours what `plainly` does, which looks into nothing.

    Else the one message would be asked for again and again, or not sent again, and those behind it would wait.
    """
    try:
        return fully()
    except PipelineError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the message goes on plainly
        told(channel, connector, error)
        return plainly()

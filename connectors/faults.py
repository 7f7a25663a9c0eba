"""Internal errors over one message: logged for a developer, while the message continues without optional parts."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from connectors import metrics
from schemas.errors import PipelineError, place_of

T = TypeVar("T")

_log = structlog.get_logger(__name__)


def told(channel: str, connector: str, error: BaseException) -> None:
    """Count an internal error and log its place, but not its text, which may hold a citizen's words."""
    metrics.FAULTS_OF_OURS.labels(channel, connector).inc()
    _log.error("connector_fault", connector=connector, error=type(error).__name__, at=place_of(error))


def or_plainly(channel: str, connector: str, fully: Callable[[], T], plainly: Callable[[], T]) -> T:
    """Return the result of `fully`; after an internal error that of `plainly`, which parses nothing.

    Otherwise the message would be requested again and again, or never sent again, and later ones would wait for it.
    """
    try:
        return fully()
    except PipelineError:
        raise
    except Exception as error:  # noqa: BLE001 - after any error the message continues plainly
        told(channel, connector, error)
        return plainly()

"""Logs: one line when something changes, an event name in the past tense, and no personal data. Traces, if wanted."""

import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import structlog

from schemas.enums import counted
from schemas.tracing import OFF, Tracer

if TYPE_CHECKING:
    from hotline.config.settings import TelemetrySettings


Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

_ROOMS = (
    "hotline",
    "connectors",
    "console",
    "streams",
    "sinks",
    "tickets",
    "normalizers",
    "broker",
    "storage",
    "schemas",
)
"""Libraries that log at the configured level; below WARNING others log keys, values and addresses."""

_QUIET = ("streams.engine.app", "streams.engine.transport")
"""Loggers of this program that Faust writes to."""

_MUTE = (
    # it cannot parse Faust's member metadata, and logs them with all their bytes at each question for workers
    "kafka.admin._groups",
    # On a busy machine it warns of each of its own turns that took a tenth of a second.
    "kafka.net.selector",
    # It warns of an answer with a malformed header, and of each repeat, with the whole address: platforms want their
    # the query holds secrets and access tokens; a failure is an exception with a text of its own
    "urllib3",
)

_VALUES = re.compile(r"[\n(<]")
"""Lines of asyncio that show the objects they are about."""

_TALKATIVE = ("aiokafka", "faust", "kafka", "mode")
"""Their clients knock ten times a second at a broker that is away, and write several lines each time."""

_OWN_PORT = re.compile(r"(?<=<-)\d+")
"""The varying part of lines of `kafka` about a connection that the peer closes again and again."""

_CLIENTS = ("aiokafka", "kafka", "elastic_transport")
"""Libraries that a verb with a waiting person uses."""

_CALM_SECONDS = 30.0
_CALM_LINES = 1_000


class Calm(logging.Filter):
    """Rate limit for repeated lines of a library; the skipped ones are counted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is logged."""
        if record.name.partition(".")[0] not in _TALKATIVE:
            return True
        now, line = self._clock(), (record.name, _OWN_PORT.sub("", record.getMessage()))
        at, left_out = self._told.get(line, (-_CALM_SECONDS, 0))
        if now - at < _CALM_SECONDS:
            self._told[line] = (at, left_out + 1)
            return False
        if left_out:
            record.msg, record.args = f"{line[1]} (and {counted(left_out, 'time')} since it was last told)", ()
        if len(self._told) >= _CALM_LINES:  # a library that makes each of its lines anew must not fill the memory
            self._told.clear()
        self._told[line] = (now, 0)
        return True


class Wordless(logging.Filter):
    """Logs the class of a fault in a library's line, and of asyncio's lines only their first words.

    The rest shows values and the fault's own text; a client of a server only names its place. The class of the fault,
    and its place, are logged beside it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the line; it is always logged."""
        if isinstance(record.args, tuple) and record.name.partition(".")[0] not in _CLIENTS:
            record.args = tuple(type(one).__name__ if isinstance(one, BaseException) else one for one in record.args)
        if record.name == "asyncio":
            record.msg, record.args = _VALUES.split(record.getMessage(), maxsplit=1)[0].strip(), ()
        return True


def set_up_tool(level: Level, form: Format) -> None:
    """Send this program's own lines to standard error: the verb reports an unreachable server in a sentence, not its
    client.
    """
    set_up(level, form)
    for name in _CLIENTS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def set_up(level: Level = "info", form: Format = "auto", *, tracebacks: bool = False) -> None:
    """Send the logs of this process, ours and the libraries', to standard error.

    A fault that ends a thread or the process is a line of them, without its words unless `tracebacks` are wanted.
    """
    readable = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_exception,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    _set_up_libraries(level, _handler(readable, shared))
    if not tracebacks:
        sys.excepthook = lambda kind, error, frames: _ended("process_failed", error)
        threading.excepthook = lambda told: _ended("thread_failed", told.exc_value)
        sys.unraisablehook = lambda told: _ended("clean_up_failed", told.exc_value)


def _ended(event: str, error: BaseException | None) -> None:
    structlog.get_logger(__name__).error(event, exc_info=error)


@contextmanager
def tracing(settings: "TelemetrySettings") -> Iterator[Tracer]:
    """Trace the components if a collector is set; the remaining spans are sent at the end."""
    if settings.otlp_endpoint is None:
        yield OFF
        return
    from hotline.runtime.tracing import exporting  # a tenth of a second and 30 MB, only for installations that use it

    spans = exporting(settings.otlp_endpoint, settings.trace_ratio)
    try:
        yield spans
    finally:
        spans.close()


def _handler(readable: bool, shared: list[Any]) -> logging.Handler:
    render = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(ensure_ascii=False)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Calm())
    handler.addFilter(Wordless())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    return handler


def _set_up_libraries(level: Level, handler: logging.Handler) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    for name in _ROOMS:
        logging.getLogger(name).setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _MUTE:
        logging.getLogger(name).setLevel(logging.ERROR)


def _name_exception(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return the class and place of an exception; its own text may quote a citizen's words."""
    told = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if told is True else told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        entry["exception"] = type(error).__name__
        entry["at"] = [f"{frame.filename}:{frame.lineno}" for frame in frames[-5:]]
    return entry

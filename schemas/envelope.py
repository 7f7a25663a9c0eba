"""CloudEvents 1.0 in Kafka's binary mode: attributes in headers, the value untouched."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct, field
from msgspec.structs import astuple

from schemas import ids
from schemas.errors import MalformedError

Headers = list[tuple[str, bytes]]

TYPE_PREFIX = "cn.hotline12345."
"""`ce_type` is this + the record's name + `.v1`."""

VERSION = "1.3.0"
"""The version of the records' shapes: a minor adds optional fields, a major is a new topic."""


def type_of(record: str) -> str:
    """Return `ce_type` of a record such as `message`."""
    return f"{TYPE_PREFIX}{record}.v1"


def schema_of(record: str) -> str:
    """Return `ce_dataschema` of a record such as `message`: its JSON Schema's id."""
    return f"urn:hotline:{record}:{VERSION}"


class Envelope(Struct, frozen=True, kw_only=True):
    """The context attributes of one event; field names are the attribute names of the wire.

    `traceparent` is the trace under which the message began and never changes; `hop` is Kafka's own `traceparent`
    header: the span of whoever sent this very record (CloudEvents' Distributed Tracing extension).
    `notbefore` is what our own clock knows of when it was written, where a connector can tell: when it looked at that
    time the message was not there yet, or nobody had told of it.
    `foldedinto` is the earlier message of the same address that rings for this one, beyond the pace of urgent posts.
    `first` is said of the first snapshot that is written of a ticket, where that is not its first version.
    """

    id: str
    source: str
    type: str
    time: datetime
    recordedtime: datetime
    specversion: str = "1.0"
    datacontenttype: str = field(default="application/json")
    subject: str | None = None
    dataschema: str | None = None
    jurisdiction: str | None = None
    channel: str | None = None
    channelkind: str | None = None
    account: str | None = None
    sender: str | None = None
    sha256: str | None = None
    wiresha256: str | None = None
    dataref: str | None = None
    sequence: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    hop: str | None = None
    notbefore: datetime | None = None
    first: str | None = None
    foldedinto: str | None = None

    @property
    def first_trace(self) -> str:
        """Return where the trace began; a record of a sender that knows no traces begins one by its name."""
        return self.traceparent or self.hop or ids.traceparent(self.source, self.id)

    @property
    def last_hop(self) -> str:
        """Return the trace context that the next hop goes on with."""
        return self.hop or self.first_trace

    def headers(self) -> Headers:
        """Return the Kafka headers; absent attributes are left out."""
        return [
            (header, value.encode() if type(value) is str else written_time(value))
            for header, value in zip(_NAMES, astuple(self), strict=True)
            if value is not None
        ]

    @classmethod
    def of(cls, headers: Iterable[tuple[str, bytes]]) -> "Envelope":
        """Read the Kafka headers of a record; unknown ones are ignored.

        Raises MalformedError when a required attribute is missing or not readable.
        """
        known = _ATTRIBUTES
        try:
            values = {known[name]: value.decode() for name, value in headers if name in known}
            for name in _TRACES:
                if name in values and trace_context(values[name]) is None:
                    del values[name]
            times = _parsed(values.pop("time")), _parsed(values.pop("recordedtime"))
            before = _parsed(values.pop("notbefore")) if "notbefore" in values else None
            return cls(time=times[0], recordedtime=times[1], notbefore=before, **values)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise MalformedError(f"the record's CloudEvents headers cannot be read: {type(error).__name__}") from error


def header_of(attribute: str) -> str:
    """Return the Kafka header that carries an attribute."""
    return _OWN_HEADERS.get(attribute, f"ce_{attribute}")


FIRST_TRACE, HOP = "ce_traceparent", "traceparent"
"""The headers of the two trace contexts."""

FIRST_WRITTEN = ("ce_first", b"true")
"""The header of the first snapshot of a ticket that changed in the very chunk which opened it."""

WITHHELD = ("ce_withheld", b"true")
"""The header of a snapshot without a word, which takes the place of those of another level (保密)."""

_TRACES = ("traceparent", "hop")
_is_trace_context = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").fullmatch


def trace_context(text: str | None) -> str | None:
    """Return a W3C `traceparent`, None for anything else: it travels into the log of decisions, where no words are."""
    return text if text and _is_trace_context(text) else None


_OWN_HEADERS = {"datacontenttype": "content-type", "hop": HOP}

_NAMES = tuple(header_of(name) for name in Envelope.__struct_fields__)
_ATTRIBUTES = dict(zip(_NAMES, Envelope.__struct_fields__, strict=True))


@lru_cache(maxsize=4096)
def written_time(value: datetime) -> bytes:
    """Write a time in UTC; one that no year has there, as at the end of the calendar, keeps its own offset."""
    try:
        return value.astimezone(UTC).isoformat().encode()
    except OverflowError:
        return value.isoformat().encode()


def _parsed(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("a time without offset")
    return value.astimezone(UTC)

"""CloudEvents 1.0 in Kafka's binary mode: attributes in headers, the value untouched (contract.md C2)."""

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct, field

from schemas.errors import MalformedError

Headers = list[tuple[str, bytes]]

TYPE_PREFIX = "cn.hotline12345."
"""`ce_type` is this + the record's name + `.v1`."""


def type_of(record: str) -> str:
    """Return `ce_type` of a record such as `message`."""
    return f"{TYPE_PREFIX}{record}.v1"


class Envelope(Struct, frozen=True, kw_only=True):
    """The context attributes of one event; field names are the attribute names of the wire."""

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

    def headers(self) -> Headers:
        """Return the Kafka headers; absent attributes are left out."""
        out: Headers = []
        for name, header in _HEADERS:
            value = getattr(self, name)
            if value is not None:
                out.append((header, (_time(value) if isinstance(value, datetime) else value).encode()))
        return out

    @classmethod
    def of(cls, headers: Iterable[tuple[str, bytes]]) -> "Envelope":
        """Read the Kafka headers of a record; unknown ones are ignored.

        Raises MalformedError when a required attribute is missing or not readable.
        """
        known = _ATTRIBUTES
        try:
            values = {known[name]: value.decode() for name, value in headers if name in known}
            return cls(time=_parsed(values.pop("time")), recordedtime=_parsed(values.pop("recordedtime")), **values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedError(f"the record's CloudEvents headers cannot be read: {type(error).__name__}") from error


def _header_of(attribute: str) -> str:
    if attribute == "datacontenttype":
        return "content-type"
    return attribute if attribute == "traceparent" else f"ce_{attribute}"


_HEADERS = [(name, _header_of(name)) for name in Envelope.__struct_fields__]
_ATTRIBUTES = {header: name for name, header in _HEADERS}


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def _parsed(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("a time without offset")
    return value.astimezone(UTC)

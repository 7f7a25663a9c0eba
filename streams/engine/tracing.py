"""Trace context: the trace of an input continues in the records that follow from it."""

from collections.abc import Sequence

from schemas.codec import Inbound, Outbound
from schemas.envelope import FIRST_TRACE, HOP, Headers

_CAUSE = "ce_causationid"


def carried_on(outbounds: Sequence[Outbound], inputs: Sequence[Inbound]) -> list[Outbound]:
    """Return the records with the trace contexts of the input that caused each, found by its `ce_causationid`."""
    sources = {record.key: record for record in reversed(inputs)}
    traces: dict[bytes | None, Headers] = {}
    carried = []
    for topic, key, value, headers, jurisdiction in outbounds:
        cause = _cause(headers)
        trace = traces.get(cause)
        if trace is None:
            trace = traces[cause] = _trace(sources.get(cause))
        carried.append(Outbound(topic, key, value, headers + trace, jurisdiction))
    return carried


def _cause(headers: Headers) -> bytes | None:
    for name, value in reversed(headers):  # it stands near the end, and this is done four times a message
        if name == _CAUSE:
            return value
    return None


def _trace(record: Inbound | None) -> Headers:
    """Return the trace contexts of a record; a sender without a first context started one of its own."""
    if record is None:
        return []
    found = {name: value for name, value in record.headers if name in (FIRST_TRACE, HOP) and value}
    own = found.get(HOP) or found.get(FIRST_TRACE)
    return [(FIRST_TRACE, found.get(FIRST_TRACE, own)), (HOP, own)] if own else []

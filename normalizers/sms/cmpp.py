"""CMPP 2.0 and 3.0 (中国移动): one CMPP_DELIVER, with its 12 byte header as it came over the wire."""

from typing import NamedTuple

from msgspec import Struct

from normalizers.sms.coding import of_cmpp_format
from normalizers.sms.draft import Short
from normalizers.sms.reader import Reader, plain
from schemas.errors import MalformedError, UnsupportedError

HEADER_BYTES = 12
DELIVER = 5


class Layout(NamedTuple):
    """The fields whose size differs between the versions."""

    sender: int
    sender_type: int
    tail: int


LAYOUTS = {2: Layout(sender=21, sender_type=0, tail=8), 3: Layout(sender=32, sender_type=1, tail=20)}
"""By major version; the tail is Reserved in 2.0, LinkID in 3.0."""


class Deliver(Struct, frozen=True, kw_only=True):
    """The fields of a CMPP_DELIVER, as they came."""

    msg_id: bytes
    to: str
    headed: bool
    format: int
    sender: str
    report: bool
    content: bytes


def deliver(frame: bytes, version: int | None = None) -> Deliver:
    """Return the fields of a frame; without a version, of the one whose lengths fit. Raises RecordError."""
    reader = Reader(frame)
    reader.take(4)
    if reader.number(4) != DELIVER:
        raise UnsupportedError("a CMPP command without a message: only CMPP_DELIVER is published")
    if version is not None:
        return _deliver(frame, LAYOUTS[version])
    found = next((made for layout in LAYOUTS.values() if (made := _fitting(frame, layout))), None)
    if found is None:
        raise MalformedError("a CMPP_DELIVER whose lengths fit neither 2.0 nor 3.0: check the gateway's output")
    return found


def read(frame: bytes, version: int | None = None) -> Short:
    """Return the message of a frame. Raises as `deliver` does."""
    fields = deliver(frame, version)
    return Short(
        sender=fields.sender,
        to=fields.to,
        data=fields.content,
        format=of_cmpp_format(fields.format),
        headed=fields.headed,
        report=fields.report,
        extra=_report(fields.content) if fields.report else {},
    )


def _fitting(frame: bytes, layout: Layout) -> Deliver | None:
    try:
        return _deliver(frame, layout)
    except MalformedError:
        return None


def _deliver(frame: bytes, layout: Layout) -> Deliver:
    reader = Reader(frame)
    reader.take(HEADER_BYTES)
    msg_id, to = reader.take(8), reader.word(21)
    reader.take(11)  # Service_Id, TP_pid
    headed, coding, sender = reader.number(), reader.number(), reader.word(layout.sender)
    reader.take(layout.sender_type)
    report, length = reader.number(), reader.number()
    content = reader.take(length)
    if reader.left != layout.tail:
        raise MalformedError("a CMPP_DELIVER of the wrong length: check the gateway's protocol version")
    return Deliver(
        msg_id=msg_id,
        to=to,
        headed=headed == 1,
        format=coding,
        sender=sender,
        report=report == 1,
        content=content,
    )


def _report(content: bytes) -> dict[str, str]:
    """Return the fields of a status report (状态报告): 60 bytes in 2.0, 71 in 3.0, the same up to the number."""
    reader = Reader(content)
    if reader.left < 35:
        return {"report": content.hex()}
    msg_id = str(reader.number(8))
    stat, submitted, done = reader.word(7), reader.word(10), reader.word(10)
    return {"id": msg_id, "stat": stat, "submit_date": submitted, "done_date": done, "to": plain(content[35:-4])}

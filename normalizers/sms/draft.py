"""Short: one short message as every protocol has it, and the draft that is made of it."""

from msgspec import Struct, field

from normalizers.base import Draft, File
from normalizers.sms import alphabet, udh
from normalizers.sms.coding import Format, decode
from normalizers.sms.udh import Segment
from schemas.records import Part, Party


class Short(Struct, frozen=True, kw_only=True):
    """One received message: `data` holds a header if `headed`, and packed septets if `packed`.

    `septets` counts them, header included, if the network has the number. A `report` is about a sent message.
    """

    sender: str
    to: str
    data: bytes
    format: Format
    headed: bool = False
    packed: bool = False
    septets: int | None = None
    segment: Segment | None = None
    report: bool = False
    named_sender: bool = False
    extra: dict[str, str] = field(default_factory=dict)


def draft_of(short: Short, channel_kind: str) -> Draft:
    """Return a report as an event, a piece as a part with its bytes, and anything else as text or a file."""
    kind = "name" if short.named_sender else "phone"
    sender = Party(kind=kind, value=short.sender) if short.sender else None
    recipients = (Party(kind="phone", value=short.to),) if short.to else ()
    if short.report:
        return Draft(
            message_class="event",
            channel_kind=channel_kind,
            sender=sender,
            recipients=recipients,
            extra=short.extra,
        )
    data, segment = _body(short)
    text, read_as = decode(data, short.format)
    return Draft(
        message_class="person" if text is not None else "unsupported",
        channel_kind=channel_kind,
        sender=sender,
        recipients=recipients,
        text=text or "",
        part=_part(segment, short.format, data) if segment else None,
        files=(File(name="message.bin", data=data),) if text is None and segment is None else (),
        extra=short.extra | ({"coding": short.format, "read_as": read_as} if read_as else {}),
    )


def _body(short: Short) -> tuple[bytes, Segment | None]:
    """Return the bytes without their header, septets unpacked, and their piece."""
    header, segment = udh.split(short.data) if short.headed else (0, None)
    body = short.data[header:]
    if short.packed and short.format == "gsm7":
        taken = -(-header * 8 // 7)  # the text begins at the next septet's edge
        count = max(0, short.septets - taken) if short.septets is not None else None
        body = alphabet.unpack(body, count, taken * 7 - header * 8)
    return body, segment or short.segment


def _part(segment: Segment, coding: Format, data: bytes) -> Part:
    reference, total, number = segment
    return Part(reference=reference, total=total, number=number, format=coding, bytes=data)

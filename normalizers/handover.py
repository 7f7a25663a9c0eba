"""Handover (紧急转接) of an urgent message: the whole text for the emergency desk, from the message alone."""

from collections.abc import Sequence

from normalizers.parse.coordinates import COORDINATES
from normalizers.pipeline import NO_CITIZENS_WORDS, screened_text
from schemas import topics
from schemas.codec import Outbound, encode
from schemas.envelope import Envelope, schema_of, type_of
from schemas.records import Finding, Handover, Message


def handover(message: Message, folded_into: str | None = None) -> Handover | None:
    """Return the hand-over of a message that tells of an emergency; never suppressed for a person's message.

    Below title and text stand signature and quotation, where the emergency may be told, too.
    Mentioned emergencies (denied or past) are handed over too, at level `mentioned`; old ones are marked `stale`.
    One that is `folded_into` another rings no more than that one does; what it says is handed over whole.
    """
    found = message.emergency
    if found is None or message.message_class in NO_CITIZENS_WORDS:
        return None
    return Handover(
        handover_id=message.message_id,
        message_id=message.message_id,
        jurisdiction=message.jurisdiction,
        channel=message.channel,
        classes=found.classes,
        level=found.level,
        spans=found.spans,
        text="\n\n".join(filter(None, (screened_text(message), message.signature, message.quoted))),
        sender=message.sender,
        location=_place(message.findings),
        at=message.received_at,
        taken_at=message.ingested_at,
        stale=found.stale,
        folded_into=folded_into if folded_into != message.message_id else None,
    )


def record_of(
    urgent: Handover,
    stage: str,
    traceparent: str | None = None,
    hop: str | None = None,
    identifier: str | None = None,
) -> Outbound:
    """Return the hand-over for the topic of the emergency desk, as this stage tells of it."""
    envelope = Envelope(
        id=identifier or urgent.handover_id,
        source=f"/hotline/{stage}/{urgent.jurisdiction}",
        type=type_of("handover"),
        dataschema=schema_of("handover"),
        time=urgent.at,
        recordedtime=urgent.reinstated_at or urgent.taken_at,
        jurisdiction=urgent.jurisdiction,
        channel=urgent.channel,
        causationid=urgent.message_id,
        traceparent=traceparent,
        hop=hop,
    )
    key = urgent.message_id.encode()
    return Outbound(topics.HANDOVER, key, encode(urgent), envelope.headers(), urgent.jurisdiction)


def _place(findings: Sequence[Finding]) -> str | None:
    """Return the place in words, else the point as it was given: whoever goes there needs one of them."""
    said = {finding.kind: finding.value for finding in reversed(findings)}
    return said.get("place") or said.get(COORDINATES)

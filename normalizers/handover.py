"""Handover (紧急转接) of an urgent message: the whole text for the emergency desk, from the message alone."""

from normalizers.normalize import NO_CITIZENS_WORDS, screened_text
from schemas.records import Handover, Message


def handover(message: Message) -> Handover | None:
    """Return the hand-over of a message that tells of an emergency; never suppressed for a person's message.

    Below title and text stand signature and quotation, where the emergency may be told, too.
    Mentioned emergencies (denied or past) are handed over too, at level `mentioned`; old ones are marked `stale`.
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
        location=next((finding.value for finding in message.findings if finding.kind == "place"), None),
        at=message.received_at,
        taken_at=message.ingested_at,
        stale=found.stale,
    )

"""Files of a ticket: what a further message brings, and what became of one that was only named."""

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.records import Attachment, Message
from tickets import limits
from tickets.policy import TicketPolicy


def added(there: tuple[Attachment, ...], message: Message, policy: TicketPolicy) -> tuple[Attachment, ...]:
    """Add what is not there yet; without a digest only the very same entry is."""
    if not message.attachments:
        return there
    known = {file.sha256 or file for file in there}
    files = map(limits.short_file, message.attachments)
    return limits.ends((*there, *(one for one in files if (one.sha256 or one) not in known)), policy.max_attachments)


def settled(there: tuple[Attachment, ...], known: Iterable[Attachment]) -> tuple[Attachment, ...]:
    """Put what is known of a file in place of the entry that waits for it; the name is the message's."""
    fate = {file.id: file for file in known if file.dataref or file.unavailable}
    return tuple(
        replace(fate[one.id], name=one.name, media_type=_finer(one, fate[one.id]))
        if one.id in fate and not (one.dataref or one.unavailable)
        else one
        for one in there
    )


def _finer(told: Attachment, fetched: Attachment) -> str:
    """Return the type that the download showed; one that is only bytes tells less than `image/*`."""
    return told.media_type if fetched.media_type == "application/octet-stream" else fetched.media_type

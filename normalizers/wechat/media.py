"""A file of an earlier message, fetched or given up: it completes that ticket and is no message of its own."""

import msgspec

from normalizers.base import Draft, File, Policy
from schemas.codec import UNREADABLE
from schemas.errors import MalformedError
from schemas.records import RawMessage
from schemas.records.media import Media

_decoder = msgspec.json.Decoder(Media)


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of a record of `hotline run fetcher`.

    Raises MalformedError for an unreadable record, or one in the folder of another message.
    """
    try:
        told = _decoder.decode(raw.value)
    except UNREADABLE as error:
        raise MalformedError("the record of a fetched file cannot be read: check the raw bytes") from error
    if told.dataref is not None and not told.dataref.startswith(f"{raw.jurisdiction}/{told.message_id}/"):
        raise MalformedError("a fetched file is not in the folder of its message: it could never be erased")
    file = File(
        media_type=told.media_type,
        media_id=told.media_id,
        size=told.size,
        sha256=told.sha256,
        dataref=told.dataref,
        unavailable=told.unavailable,
    )
    extra = {"code": told.code} if told.code else {}
    return Draft(message_class="event", files=(file,), completes=told.message_id, extra=extra)

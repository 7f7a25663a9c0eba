"""What became of a file that a message only named: the record that `hotline run fetcher` puts behind the message."""

from msgspec import Struct

from schemas import ids
from schemas.codec import built

CONTENT_TYPE = "application/vnd.hotline.media+json"
"""Of such a raw record. Its bytes hold no person and no file name: the message has them."""


@built
class Media(Struct, frozen=True, kw_only=True):
    """One file of the message `message_id`: its bytes lie under `dataref`, or will never come (`unavailable`).

    `code` is what the platform answered then, in digits.
    """

    message_id: str
    media_id: str
    media_type: str = "application/octet-stream"
    size: int | None = None
    sha256: str | None = None
    dataref: str | None = None
    unavailable: str | None = None
    code: str | None = None


def identifier(message_id: str, media_id: str) -> str:
    """Return the `ce_id` of that record: one for each file of a message, however often it is fetched."""
    return f"media:{message_id}:{ids.b32(message_id, media_id)[:16]}"

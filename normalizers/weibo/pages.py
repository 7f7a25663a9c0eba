"""A page of one of the platform's lists, apart: whoever saved an answer whole has several messages in one file."""

import msgspec

from normalizers import mended
from schemas.codec import UNREADABLE

_LISTS = ("statuses", "comments", "direct_messages")


def items(data: bytes) -> list[bytes]:
    """Return the bytes of each item of a page; none for anything that is no page."""
    try:
        fields, _ = mended.read(data, dict[str, msgspec.Raw])
        found = (msgspec.json.decode(fields[name], type=list[msgspec.Raw]) for name in _LISTS if name in fields)
        return [bytes(item) for item in next(found, [])]
    except UNREADABLE:
        return []

"""Conversation and time of a mail."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from normalizers.mail.addresses import reply_to_of
from normalizers.mail.encoded_words import one_line
from normalizers.mail.headers import Headers
from schemas.codec import AHEAD
from schemas.records import Thread

MAX_REFERENCES = 200

_HOPS = 10
"""Servers whose times are read, the nearest first; a forger may write thousands."""

_TIME_BYTES = 100

_ID = re.compile(r"<\s*([^<>]{1,998})>|([^\s<>,;\"]{1,998}@[^\s<>,;\"]{1,998})")
_COMMENT = re.compile(r"\([^()]*\)|(?<=\d)\s+(?=:)|(?<=:)\s+(?=\d)")


def thread_of(headers: Headers) -> Thread:
    """Return the thread ids without their brackets: References, then In-Reply-To, oldest first, each once."""
    own = _ids(headers.text("message-id"), whole=True)
    found = dict.fromkeys(
        identifier
        for field in ("references", "in-reply-to")
        for value in headers.all(field)
        for identifier in _ids(value.decode("utf-8", "replace"), whole=False)
    )
    references = [identifier for identifier in found if identifier not in own]
    return Thread(
        message_id_header=own[0] if own else None,
        references=tuple(references[:1] + references[1:][1 - MAX_REFERENCES :]),
        reply_to=reply_to_of(headers),
    )


def _ids(value: str | None, *, whole: bool) -> list[str]:
    """Return the ids in a value; a malformed Message-ID is taken as it is, since answers will quote it so."""
    text = _COMMENT.sub("", one_line(value or ""))
    found = ["".join((bracketed or bare).split()) for bracketed, bare in _ID.findall(text)]
    if not found and whole and text.strip("<> "):
        found = [text.strip("<> ")[:998]]
    return [item for item in found if item]


def newest_date(headers: Headers, now: datetime) -> datetime | None:
    """Return the newest time that the citizen's program or a server on the way wrote; one after `now` is wrong."""
    told = [headers.first("date"), *(line.rpartition(b";")[2] for line in headers.all("received")[:_HOPS])]
    times = (_time(text[:_TIME_BYTES]) for text in told)
    return max((at for at in times if at is not None and at <= now + AHEAD), default=None)


def _time(text: bytes) -> datetime | None:
    try:
        at = parsedate_to_datetime(_COMMENT.sub("", text.decode("latin-1")))
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def claimed_date(headers: Headers) -> str | None:
    """Return the mail's Date in ISO 8601 if it is readable, else as written; it is only a claim."""
    text = headers.text("date")
    if text is None:
        return None
    try:
        return parsedate_to_datetime(_COMMENT.sub("", text)).isoformat()
    except (TypeError, ValueError, IndexError, OverflowError):
        return text[:200]

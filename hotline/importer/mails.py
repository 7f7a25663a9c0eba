"""Mails: one a file (.eml, Maildir), or many in an mbox, which is read line by line."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, NamedTuple

from hotline.importer.item import Item, Options
from hotline.importer.lines import numbered
from hotline.importer.sources import Source
from schemas.errors import TooLargeError
from schemas.records.raw import SIZE_LIMIT

_HEADER_BYTES = 64 * 1024
_SENDER_LIMIT = 320
_BARE = re.compile(rb"(?<!\r)\n")

_POSTMARK = re.compile(rb"From (?:.* )?.*\d{1,2}:\d{2}.*\b(?:19|20)\d{2}\b")
"""The line above each mail of an mbox: who, and when with hour and year; a sentence that begins with From is none."""

_QUOTED = re.compile(rb">+From ")


def read(source: Source, options: Options) -> Iterator[Item]:
    """Yield the one mail of a file."""
    with source.open() as file:
        data = file.read(SIZE_LIMIT + 1)
    yield _item(source, None, data, source.time)


def read_mbox(source: Source, options: Options) -> Iterator[Item]:
    """Yield the mails of an mbox (mboxrd: `>From ` in a body lost one `>`)."""
    with source.open() as file:
        letter = _Letter()
        for number, line in numbered(file):
            if line is not None and line.startswith(b"From ") and letter.may_end and _is_postmark(line, number):
                if letter.begins:
                    yield _item(source, letter.begins, letter.data(), letter.time)
                letter = _Letter(number, _postmarked(line))
            else:
                letter.take(line)
        if letter.begins:
            yield _item(source, letter.begins, letter.data(), letter.time)


class _Letter:
    """One mail of an mbox that is being read; of one over the limit only its size is kept."""

    def __init__(self, begins: int = 0, time: datetime | None = None) -> None:
        self.begins = begins
        self.time = time
        self.may_end = True
        self._lines: list[bytes] = []
        self._size = 0

    def take(self, line: bytes | None) -> None:
        """Add a line; None is one that is over the limit by itself."""
        self.may_end = line is not None and not line.strip(b"\r\n")
        self._size += len(line) if line is not None else SIZE_LIMIT + 1
        if self._size > SIZE_LIMIT + 2 or line is None:
            self._lines.clear()
        else:
            self._lines.append(line[1:] if _QUOTED.match(line) else line)

    def data(self) -> bytes:
        """Return the bytes without the blank line that parts it from the next; over the limit too many blanks."""
        if self._size > SIZE_LIMIT + 2:
            return bytes(SIZE_LIMIT + 1)
        if self._lines and not self._lines[-1].strip(b"\r\n"):
            self._lines.pop()
        return b"".join(self._lines)


def _is_postmark(line: bytes, number: int) -> bool:
    return number == 1 or _POSTMARK.match(line) is not None


def _postmarked(line: bytes) -> datetime | None:
    words = line.decode("ascii", "replace").split()
    days = [index for index, word in enumerate(words) if word[:3] in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")]
    return _date(" ".join(words[days[-1] :])) if days else None


def _item(source: Source, line: int | None, data: bytes, time: datetime | None) -> Item:
    if len(data) > SIZE_LIMIT:
        fault = TooLargeError(f"the mail is larger than {SIZE_LIMIT >> 20} MiB")
        return Item(place=source.name, line=line, channel="mailbox", fault=fault)
    return Item(
        place=source.name,
        line=line,
        channel="mailbox",
        data=data,
        identifier=identifier_of(data),
        time=time or about(data).time,
    )


def identifier_of(mail: bytes) -> str:
    """Return the digest that names a mail, as the mailbox connector names it.

    A mail server gives lines that end in CR LF; files of Unix programs hold the same mail with LF alone. So a mail
    without any CR LF has the digest that it would have with them.
    """
    return hashlib.sha256(mail if b"\r\n" in mail else _BARE.sub(b"\r\n", mail)).hexdigest()


class About(NamedTuple):
    """What the header says: who sent it, and when the last server took it; else when the writer says."""

    sender: str | None
    time: datetime | None


def about(mail: bytes) -> About:
    """Read the header. Never raises: what cannot be read is None."""
    head = re.split(rb"\r?\n\r?\n", mail[:_HEADER_BYTES], maxsplit=1)[0]
    with suppress(Exception):  # the standard library's parser has met stranger headers than its authors
        fields = BytesHeaderParser().parsebytes(head)
        address = _text(parseaddr(_text(fields.get("From")))[1]).lower()[:_SENDER_LIMIT]
        taken = _text(fields.get("Received")).rpartition(";")[2]
        return About(address if "@" in address else None, _date(taken) or _date(_text(fields.get("Date"))))
    return About(None, None)


def _text(value: Any) -> str:
    return str(value or "").encode("utf-8", "replace").decode()


def _date(text: str) -> datetime | None:
    """Return a time in UTC; one without a zone is UTC (RFC 4155)."""
    try:
        time = parsedate_to_datetime(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

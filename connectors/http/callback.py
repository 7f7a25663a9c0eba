"""Reads the fields of a callback, in XML or JSON, from which its message id is made; nothing else."""

import hashlib
import re
from collections import Counter
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring
from msgspec import Struct

from connectors.http.signature import moment
from normalizers.parse import json
from normalizers.parse.times import believed
from normalizers.wechat.callback import FIRST
from normalizers.wechat.fields import is_json
from schemas.codec import UNREADABLE
from schemas.ids import bounded

_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Control characters that citizens' keyboards send and XML forbids: removed for parsing, not from the message."""

_ENCRYPTED = re.compile(rb"<Encrypt><!\[CDATA\[([A-Za-z0-9+/=]+)\]\]></Encrypt>")

_LONGEST_OPENID = 128
_LONGEST_NUMBER = 20
_DIGITS = 16
"""Characters of the digest of the sender, which distinguishes two persons' messages with one MsgId."""


class Callback(Struct, frozen=True, kw_only=True):
    """Fields that identify a callback; `sender` is the openid, `time` is None for an invalid CreateTime.

    `account` is the addressed account; `is_words` is True if the callback holds a citizen's words.
    """

    identifier: str
    sender: str | None = None
    time: datetime | None = None
    account: str = ""
    is_words: bool = False


def read(body: bytes, now: datetime) -> Callback:
    """Return the fields; for a body that is no callback, the digest of its bytes."""
    fields = parse(body)
    if fields is None:
        return unread(body)
    return Callback(
        identifier=_identifier(fields) or _digest(body),
        sender=_openid(fields.get("FromUserName", "")),
        time=sensible(fields.get("CreateTime", ""), now),
        account=fields.get("ToUserName", ""),
        is_words=fields.get("MsgType", "event") != "event",
    )


def unread(body: bytes) -> Callback:
    """Return the identity of an unreadable callback, by its bytes."""
    return Callback(identifier=_digest(body))


def parse(body: bytes) -> dict[str, str] | None:
    """Return the texts under the root; None if it is neither XML nor JSON, has a DTD, or repeats a name."""
    if is_json(body):
        return _of_json(body)
    try:
        root: Element = fromstring(_CONTROLS.sub(b"", body), forbid_dtd=True)
    except (ParseError, ValueError, LookupError):  # defusedxml's and expat's decoding errors are ValueErrors
        return None
    twice = any(count > 1 for count in Counter(child.tag for child in root).values())
    return None if twice or root.tag != "xml" else {child.tag: (child.text or "").strip() for child in root}


def _of_json(body: bytes) -> dict[str, str] | None:
    try:
        found, _ = json.read(body, dict[str, object])
    except UNREADABLE:
        return None
    return {name: str(value).strip() for name, value in found.items() if isinstance(value, str | int)}


def encrypted(body: bytes) -> str:
    """Return the Encrypt field of an outer body, "" if there is none.

    In compatible mode the citizen's text stands beside it and may break the XML: the last Encrypt counts then, as the
    platform writes it last. Its signature is verified in any case.
    """
    fields = parse(body)
    if fields is not None:
        return fields.get("Encrypt", "")
    found = _ENCRYPTED.findall(body)
    return found[-1].decode() if found else ""


def _identifier(fields: dict[str, str]) -> str | None:
    """Return the message's id. Its MsgId alone is not unique: two simultaneous messages had the same one."""
    if fields.get("MsgType") != "event":
        number = fields.get("MsgId", "")
        whose = _digest(fields.get("FromUserName", "").encode())[:_DIGITS]
        return f"{number}:{whose}" if _is_number(number) else None
    parts = [fields.get(name, "") for name in ("FromUserName", "CreateTime", "Event")]
    if not all(parts):
        return None
    return bounded(":".join([*parts, fields["EventKey"]] if fields.get("EventKey") else parts))


def _is_number(text: str) -> bool:
    """Return whether this is a 64-bit number; a MsgId stays text, as many programs cannot hold such a number."""
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER and bool(text.strip("0"))


def _openid(text: str) -> str | None:
    return text if 0 < len(text) <= _LONGEST_OPENID else None


def sensible(text: str, now: datetime) -> datetime | None:
    """Return the time of a CreateTime; None for an invalid one."""
    return believed(moment(text), FIRST, now)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

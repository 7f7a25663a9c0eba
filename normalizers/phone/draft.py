"""Told: what one record of a call says, whatever its shape, and the draft that is made of it."""

import re
from datetime import UTC, datetime

from msgspec import Struct, field, structs

from normalizers.base import Draft, File
from normalizers.parse.codes import is_hotline
from normalizers.parse.contacts import phone_number
from normalizers.parse.times import believed
from normalizers.text.fold import cut, safe
from schemas.records import Call, Finding, Party, Recording, Thread

TRANSCRIPT_HEAD = "【通话转写】"
"""Separator between the agent's words and recognised speech."""

_FIRST = datetime(1990, 1, 1, tzinfo=UTC)
"""Before it no platform kept records of calls."""

_NOBODY = frozenset({"anonymous", "unknown", "<unknown>", "withheld", "restricted", "private", "unavailable", "s"})
"""Values for a withheld number (SIP, Asterisk), and Asterisk's extension for none."""

_EXTENSION = re.compile(r"[1-9]\d{1,5}")
_OUR_LINE = re.compile(r"(?:(?:\+|00)?86[- ]?|0)[1-9]\d{1,2}[- ]?12345")
"""With the city's area code, as a telephone shows it that is called."""

_MOBILE = re.compile(r"\+861[3-9]\d{9}")
"""No line of a hotline has such a number, so a call to it from an extension is one to a citizen."""


class Told(Struct, frozen=True, kw_only=True):
    """Contents of a record; texts as written, numbers as received, times aware."""

    call_id: str
    revision: int = 0
    direction: str = "inbound"
    caller: str = ""
    caller_name: str | None = None
    callee: str = ""
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    disposition: str | None = None
    agent: str | None = None
    subject: str = ""
    note: str = ""
    transcript: str = ""
    recordings: tuple[Recording, ...] = ()
    findings: tuple[Finding, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)


def draft_of(told: Told, platform: str, kind: str, recorded: datetime, max_text_bytes: int) -> Draft:
    """Return the draft; a record without words is an `event`: kept, and waiting for the record that has some."""
    asks, other = _ends(told)
    told = structs.replace(told, direction="outbound") if _calls_back(told) and is_worded(told) else told
    call = _call(told, platform, recorded, max_text_bytes)
    name = thread_id(platform, told.call_id)
    return Draft(
        message_class="person" if is_worded(call) else "event",
        channel_kind=kind,
        sender=Party(kind="phone", value=asks, name=told.caller_name or None) if is_number(asks) else None,
        recipients=(Party(kind="phone", value=other),) if is_number(other) else (),
        thread=Thread(message_id_header=name, references=(name,)),
        call=call,
        title=call.subject,
        text=text_of(told.note, told.transcript),
        files=tuple(File(name=_name(one), media_type=_AUDIO) for one in told.recordings),
        findings=(*told.findings, *_line(other, told.findings)),
        received_at=call.started_at,
        extra=told.extra,
    )


def text_of(note: str, transcript: str) -> str:
    """Return a call's text for the ticket: the agent's words, then the recognised speech."""
    if note.strip() and transcript.strip():
        return f"{note}\n\n{TRANSCRIPT_HEAD}\n{transcript}"
    return note if note.strip() else transcript


def is_worded(call: Call | Told) -> bool:
    """Return whether a record has words about the matter."""
    return bool(call.subject or call.note or call.transcript)


def thread_id(platform: str, call_id: str) -> str:
    """Return the conversation's name: one call, whichever account brings its records."""
    return f"call:{platform}:{call_id}"


def is_number(text: str) -> bool:
    """Return whether this is a person's number, not one that is withheld."""
    return bool(text.strip()) and text.strip().lower() not in _NOBODY


def _ends(told: Told) -> tuple[str, str]:
    """Return the numbers of the requester and of the other end.

    A called person may be an official whom an agent asks, or connects a citizen to: without words nobody is the
    requester. Two citizens for whom one official was called would become one person.
    """
    if told.direction == "outbound" or _calls_back(told):
        return (told.callee, told.caller) if is_worded(told) else ("", told.callee)
    return told.caller, told.callee


def _calls_back(told: Told) -> bool:
    """Return whether an agent's extension, or the hotline itself (12345), called a mobile telephone (回访)."""
    caller = told.caller.strip()
    from_us = _EXTENSION.fullmatch(caller) is not None or _OUR_LINE.fullmatch(caller) is not None
    return from_us and _MOBILE.fullmatch(phone_number(told.callee) or "") is not None


def sensible(at: datetime | None, recorded: datetime) -> datetime | None:
    """Return a time that a call can have."""
    return believed(at, _FIRST, recorded)


def _call(told: Told, platform: str, recorded: datetime, max_text_bytes: int) -> Call:
    """Return the record's own part of the message, its texts within the limit; the whole of them is in `text`."""
    return Call(
        platform=safe(platform),
        call_id=safe(told.call_id),
        revision=told.revision,
        direction=told.direction,
        started_at=sensible(told.started_at, recorded),
        answered_at=sensible(told.answered_at, recorded),
        ended_at=sensible(told.ended_at, recorded),
        disposition=told.disposition,
        agent=safe(told.agent) if told.agent else None,
        subject=safe(told.subject).strip() or None,
        note=cut(safe(told.note), max_text_bytes) if told.note.strip() else "",
        transcript=cut(safe(told.transcript), max_text_bytes) if told.transcript.strip() else "",
        recordings=tuple(structs.replace(one, reference=safe(one.reference)) for one in told.recordings),
    )


def _line(line: str, said: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the dialled line, if it is a short number and the record itself names none."""
    if not is_hotline(line) or any(finding.kind == "hotline_code" for finding in said):
        return ()
    return (Finding(kind="hotline_code", value=line, source="channel"),)


def _name(recording: Recording) -> str:
    return recording.reference.replace("\\", "/").split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]


_AUDIO = "audio/*"

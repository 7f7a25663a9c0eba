"""Values as call platforms write them: times with or without a zone, dispositions (通话结果), directions, kinds."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from normalizers.parse.codes import is_category, is_hotline, is_reference
from normalizers.parse.times import written
from normalizers.phone.draft import is_number
from normalizers.record import KINDS
from schemas.records import Finding

TIMES = ("started_at", "answered_at", "ended_at")
SAID = ("request_kind", "category", "place", "ticket_no", "hotline_code")
"""Names of a platform's fields about the call and the matter, in JSON as in a table."""

DISPOSITIONS: Mapping[str, str] = MappingProxyType(
    {
        "answered": "answered", "answer": "answered", "completed": "answered", "已接通": "answered", "接通": "answered",
        "已接": "answered", "no answer": "no_answer", "no_answer": "no_answer", "noanswer": "no_answer",
        "未接": "no_answer", "未接通": "no_answer", "busy": "busy", "忙": "busy", "忙线": "busy",
        "abandoned": "abandoned", "abandon": "abandoned", "放弃": "abandoned", "排队放弃": "abandoned",
        "failed": "failed", "congestion": "failed", "呼叫失败": "failed", "voicemail": "voicemail", "留言": "voicemail",
        "语音留言": "voicemail",
    }
)  # fmt: skip
"""Words of Asterisk, of call centres, and ours."""

_OUTBOUND = frozenset({"outbound", "out", "outgoing", "呼出", "外呼"})


def time_of(value: Any, zone: ZoneInfo) -> datetime | None:
    """Return a time; None for no sense. One without an offset is in `zone`; 0 and "" are "not yet"."""
    return written(text_of(value), zone)


def text_of(value: Any) -> str:
    """Return a value as text: numbers as written, null as nothing."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def disposition_of(text: str) -> str | None:
    """Return our word for how a call went."""
    word = text.strip().lower()
    return DISPOSITIONS.get(word, "other") if word else None


def direction_of(text: str) -> str:
    """Return the direction; a call without one is to the hotline."""
    return "outbound" if text.strip().lower() in _OUTBOUND else "inbound"


def revision_of(value: Any) -> int:
    """Return a revision; any other text than an integer is the first one."""
    return whole(text_of(value).strip()) or 0


def whole(text: str) -> int | None:
    """Return a number of 18 digits at most; None for any other text, and for digits outside of ASCII (², ٣)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def findings_of(said: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return the platform's own findings; an invalid code is left for `extra`."""
    kind = KINDS.get(said.get("request_kind", "").strip()) or said.get("request_kind", "").strip()
    found = {
        "request_kind": kind if kind in KINDS.values() else "",
        "category": _coded(said, "category", is_category),
        "place": said.get("place", "").strip(),
        "external_ticket_no": _coded(said, "ticket_no", is_reference),
        "hotline_code": _coded(said, "hotline_code", is_hotline),
    }
    return tuple(Finding(kind=name, value=value, source="channel") for name, value in found.items() if value)


def told_by(findings: Iterable[Finding]) -> set[str]:
    """Return the fields that these findings cover; those of another finding are kept elsewhere."""
    return {_NAMED.get(finding.kind, finding.kind) for finding in findings}


_NAMED = {"external_ticket_no": "ticket_no"}
"""Fields with another name than their finding."""


def _coded(said: Mapping[str, str], name: str, fits: Any) -> str:
    value = said.get(name, "").strip()
    return value if value and fits(value) else ""


def number_of(text: str) -> str:
    """Return a number as received, "" for one that is withheld."""
    return text.strip() if is_number(text) else ""

"""Call records by HTTP: the project's JSON shape (docs/how-to/channels/phone.md), and Kamailio's posts of SIP calls."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from normalizers import record
from normalizers.phone import values
from normalizers.phone.draft import Told
from schemas.errors import MalformedError
from schemas.records import Recording

_TEXTS = ("subject", "note", "caller", "callee", "caller_name")
_TAKEN = frozenset(
    {*_TEXTS, *values.TIMES, "call_id", "revision", "direction", "disposition", "agent", "transcript", "recording"}
)

_SPEAKERS: Mapping[str, str] = {"citizen": "市民", "caller": "市民", "agent": "坐席"}

_KAMAILIO = {"start": (1, "answered"), "end": (2, "answered"), "failed": (2, "no_answer")}
"""Revision and disposition by event: `start` is the answer, `failed` that there was none."""


def call(body: bytes, zone: ZoneInfo) -> Told:
    """Return the record of the project's JSON shape; a field of another type is kept as text under `extra`.

    Raises MalformedError for anything but an object with a call id.
    """
    fields = _object(body)
    said = {name: values.text_of(fields.get(name)) for name in values.SAID}
    findings = values.findings_of(said)
    times: dict[str, Any] = {name: values.time_of(fields.get(name), zone) for name in values.TIMES}
    texts: dict[str, Any] = {name: values.text_of(fields.get(name)) for name in _TEXTS}
    disposition = values.disposition_of(values.text_of(fields.get("disposition")))
    taken = _TAKEN | {name for name, kind in zip(values.SAID, _FINDINGS, strict=True) if _is_found(findings, kind)}
    rest = {name: values.text_of(value) for name, value in fields.items() if name not in taken}
    rest |= {
        name: values.text_of(fields.get(name)) for name in values.TIMES if fields.get(name) and times[name] is None
    }
    if disposition == "other":
        rest["disposition"] = values.text_of(fields.get("disposition"))
    return Told(
        call_id=_call_id(fields),
        revision=values.revision_of(fields.get("revision")),
        direction=values.direction_of(values.text_of(fields.get("direction"))),
        **texts,
        **times,
        disposition=disposition,
        agent=values.text_of(fields.get("agent")) or None,
        transcript=_transcript(fields.get("transcript")),
        recordings=_recordings(fields.get("recording")),
        findings=findings,
        extra={name: text for name, text in rest.items() if text},
    )


def kamailio(body: bytes, zone: ZoneInfo) -> Told:
    """Return the record of Kamailio's dialog events (`event_route[dialog:start|end|failed]`): no words, only the call.

    Raises as `call` does, and for any other event.
    """
    fields = _object(body)
    event = values.text_of(fields.pop("event", None))
    if event not in _KAMAILIO:
        raise MalformedError("a Kamailio record without event start, end or failed: see the page of the channel phone")
    revision, disposition = _KAMAILIO[event]
    told = {name: values.text_of(fields.pop(name, None)) for name in ("caller", "callee")}
    answered, at = (values.time_of(fields.pop(name, None), zone) for name in ("start", "time"))
    call_id = _call_id(fields)
    del fields["call_id"]
    return Told(
        call_id=call_id,
        revision=revision,
        caller=told["caller"],
        callee=told["callee"],
        started_at=answered or (at if event == "start" else None),
        answered_at=answered or (at if event == "start" else None),
        ended_at=at if event != "start" else None,
        disposition=disposition,
        extra={name: text for name, value in fields.items() if (text := values.text_of(value))},
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        return record.parse(body)
    except MalformedError as error:
        raise MalformedError("the record of a call is not a JSON object: see the page of the channel phone") from error


def _call_id(fields: Mapping[str, Any]) -> str:
    call_id = values.text_of(fields.get("call_id")).strip()
    if not call_id:
        raise MalformedError("the record of a call has no call_id: see the page of the channel phone")
    return call_id


def _transcript(value: Any) -> str:
    """Return a transcript, given as one text or as a list of {speaker, text}."""
    if not isinstance(value, list):
        return values.text_of(value)
    return "\n".join(filter(None, map(_said, value)))


def _said(turn: Any) -> str:
    if not isinstance(turn, dict):
        return values.text_of(turn)
    speaker, text = values.text_of(turn.get("speaker")).strip(), values.text_of(turn.get("text"))
    return f"{_SPEAKERS.get(speaker.lower(), speaker)}：{text}" if speaker and text else text


def _recordings(value: Any) -> tuple[Recording, ...]:
    """Return references, given as one text, as {reference, bytes, state}, or as a list of these."""
    several = value if isinstance(value, list) else [value]
    return tuple(made for one in several if (made := _recording(one)) is not None)


def _recording(value: Any) -> Recording | None:
    if not isinstance(value, dict):
        reference = values.text_of(value).strip()
        return Recording(reference=reference) if reference else None
    reference, state = (values.text_of(value.get(name)).strip() for name in ("reference", "state"))
    size = values.text_of(value.get("bytes"))
    if not reference:
        return None
    return Recording(reference=reference, state=state or None, size=values.revision_of(size) if size else None)


_FINDINGS = ("request_kind", "category", "place", "external_ticket_no", "hotline_code")


def _is_found(findings: Any, kind: str) -> bool:
    return any(finding.kind == kind for finding in findings)

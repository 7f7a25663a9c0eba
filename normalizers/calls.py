"""Calls: what all the records of one call tell together, and the whole understood anew."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from normalizers.completion import cut
from normalizers.identity import identity_of
from normalizers.normalize import understood
from normalizers.phone.told import is_worded, text_of
from normalizers.policy import Policy
from schemas.records import Call, Features, Finding, Message, Party, Recording

_EMERGENCY = "emergency"


def joined(messages: Sequence[Message], policy: Policy) -> Message:
    """Return the last of these messages with what all of them tell, each field by the greatest revision that has it.

    Of equal revisions the later message counts. What is an emergency stays the last message's own: those before it
    were screened, and handed over, when they came.
    """
    told = sorted(messages, key=lambda message: message.call.revision if message.call else 0)
    newest, call = messages[-1], _call([message.call for message in told if message.call])
    call = replace(call, note=_note(told) or call.note)
    whole = understood(
        replace(
            newest,
            call=call,
            title=call.subject,
            sender=_caller(told),
            recipients=_last(told, "recipients") or (),
            attachments=tuple(dict.fromkeys(file for message in messages for file in message.attachments)),
            received_at=call.started_at or newest.received_at,
            extra=dict(item for message in told for item in message.extra.items()),
        ),
        cut(text_of(call.note, call.transcript), policy.max_text_bytes),
        policy,
        said=_said(told),
    )
    own = tuple(finding for finding in newest.findings if finding.kind.startswith(_EMERGENCY))
    others = tuple(finding for finding in whole.findings if not finding.kind.startswith(_EMERGENCY))
    return replace(
        whole,
        message_class="person" if is_worded(call) else "event",
        emergency=newest.emergency,
        findings=(*others, *own),
        features=_features(whole.features, newest.features),
    )


def _call(calls: Sequence[Call]) -> Call:
    fields: dict[str, Any] = {}
    recordings: dict[str, Recording] = {}
    for call in calls:
        fields |= {name: value for name in Call.__struct_fields__ if (value := getattr(call, name))}
        recordings |= {one.reference: one for one in call.recordings}
    return Call(**{"platform": "", "call_id": ""} | fields | {"recordings": tuple(recordings.values())})


def _note(messages: Sequence[Message]) -> str:
    """Return what agents wrote of several matters, of each its last record; "" where one of them tells all.

    A platform that gives two numbers (工单编号) in a call tells of two, and so does a second caller who is put into it.
    """
    found: dict[tuple[str, str], str] = {}
    matter = number, caller = "", ""
    for message in messages:
        if message.call and (message.call.note or message.call.subject):
            own = _number(message) or number, _identity(message) or caller
            if own[0] == (number or own[0]) and own[1] == (caller or own[1]):  # more is known of the same
                found.pop(matter, None)
            matter = number, caller = own
            subject, note = message.call.subject or "", message.call.note
            found[matter] = note if subject in note else f"{subject}\n{note}".strip()
    notes = tuple(dict.fromkeys(found.values()))
    told = [one for one in notes if not any(one != other and one in other for other in notes)]
    return "\n\n".join(told) if len(told) > 1 else ""


def _number(message: Message) -> str:
    return next((one.value for one in message.findings if one.kind == "external_ticket_no"), "")


def _identity(message: Message) -> str:
    return "" if message.sender is None or _is_outbound(message) else identity_of(message.sender) or ""


def _caller(messages: Sequence[Message]) -> Party | None:
    """Return who called, else who was; a leg of the call that only tells the agent's extension tells nobody.

    An agent who calls an official in a citizen's call asks nothing of the city.
    """
    newest = [(_is_outbound(message), message.sender) for message in reversed(messages)]
    told = [sender for kind in (False, True) for is_out, sender in newest if sender is not None and is_out is kind]
    return next((one for one in told if identity_of(one) is not None), next(iter(told), None))


def _is_outbound(message: Message) -> bool:
    return message.call.direction == "outbound" if message.call else False


def _last(messages: Sequence[Message], name: str) -> Any:
    return next((value for message in reversed(messages) if (value := getattr(message, name))), None)


def _said(messages: Sequence[Message]) -> tuple[Finding, ...]:
    """Return what the platform itself said, of each kind the latest."""
    said = {one.kind: one for message in messages for one in message.findings if one.source == "channel"}
    return tuple(said.values())


def _features(whole: Features, own: Features) -> Features:
    mine = tuple(code for code in own.codes if code.startswith(_EMERGENCY))
    others = tuple(code for code in whole.codes if not code.startswith(_EMERGENCY))
    return replace(
        whole,
        codes=tuple(sorted({*others, *mine})),
        message_key=own.message_key,
        message_known_as=own.message_known_as,
        threads=own.threads,
        call_revision=own.call_revision,
        call_began=own.call_began,
        call_ended=own.call_ended,
    )

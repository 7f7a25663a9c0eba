"""Calls: what all the records of one call tell together, and the whole understood anew."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET
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
    notes = _notes(told)
    call = replace(call, note="\n\n".join(notes) if len(notes) > 1 else call.note)
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
        features=_features(whole.features, newest.features, call_adds=_adds(told, newest, notes)),
    )


def _call(calls: Sequence[Call]) -> Call:
    fields: dict[str, Any] = {}
    recordings: dict[str, Recording] = {}
    for call in calls:
        fields |= {name: value for name in Call.__struct_fields__ if (value := getattr(call, name))}
        recordings |= {one.reference: one for one in call.recordings}
    return Call(**{"platform": "", "call_id": ""} | fields | {"recordings": tuple(recordings.values())})


def _notes(messages: Sequence[Message]) -> tuple[str, ...]:
    """Return what agents wrote, of each matter its last note.

    A note takes the place of one that it is a new version of: alike, or of the same number (工单编号).
    What has another number, or is said by a second caller who is put into the call, stands beside it.
    """
    standing: list[tuple[Message, str]] = []
    for message in messages:
        may_be = [place for place, (earlier, _) in enumerate(standing) if _may_be_of_one_matter(message, earlier)]
        words = _words(message)
        if not words or (may_be and message.call and not message.call.note):  # a title alone is that of a note
            continue
        old = [place for place in may_be if _is_version_of(message, words, *standing[place])]
        standing = [one for place, one in enumerate(standing) if place not in old]
        standing.insert(old[0] if old else len(standing), (message, words))
    told = tuple(dict.fromkeys(words for _, words in standing))
    return tuple(one for one in told if not any(one != other and one in other for other in told))


def _words(message: Message) -> str:
    subject, note = (message.call.subject or "", message.call.note) if message.call else ("", "")
    return note if subject in note else f"{subject}\n{note}".strip()


def _may_be_of_one_matter(message: Message, earlier: Message) -> bool:
    number, caller = _number(message), _identity(message)
    is_others = bool(caller) and _identity(earlier) not in ("", caller)
    return not is_others and (not number or _number(earlier) in ("", number))


def _is_version_of(message: Message, words: str, earlier: Message, before: str) -> bool:
    """Say whether a note is an earlier one written anew; of two that have too little in common both stay."""
    is_numbered = bool(_number(message) and _number(earlier))
    is_title = isinstance(earlier.call, Call) and not earlier.call.note
    return is_numbered or is_title or _names_nothing(earlier.features) or _are_alike(words, before)


def _names_nothing(features: Features) -> bool:
    return not (features.places or features.objects or features.text_objects or features.papers)


def _are_alike(words: str, other: str) -> bool:
    """Say whether two notes share half of what the shorter one says, in pairs of characters."""
    ours, theirs = ({text[at : at + 2] for at in range(len(text) - 1)} for text in (words, other))
    return bool(common := ours & theirs) and 2 * len(common) >= min(len(ours), len(theirs))


def _number(message: Message) -> str:
    return next((one.value for one in message.findings if one.kind == "external_ticket_no"), "")


def _identity(message: Message) -> str:
    return "" if message.sender is None or _is_outbound(message) else identity_of(message.sender) or ""


def _caller(messages: Sequence[Message]) -> Party | None:
    """Return who called, else who was; a leg of the call that only tells the agent's extension tells nobody.

    An agent who calls an official in a citizen's call asks nothing of the city. Where nobody called us, whom we called
    (回访) is who asks, though another record than that of the call has the words.
    """
    newest = [(_is_outbound(message), message.sender) for message in reversed(messages)]
    told = [sender for kind in (False, True) for is_out, sender in newest if sender is not None and is_out is kind]
    known = next((one for one in told if identity_of(one) is not None), next(iter(told), None))
    return known or next((party for one in messages if _is_outbound(one) for party in one.recipients), None)


def _is_outbound(message: Message) -> bool:
    return message.call.direction == "outbound" if message.call else False


def _last(messages: Sequence[Message], name: str) -> Any:
    return next((value for message in reversed(messages) if (value := getattr(message, name))), None)


def _said(messages: Sequence[Message]) -> tuple[Finding, ...]:
    """Return what the platform itself said, of each kind the latest."""
    said = {one.kind: one for message in messages for one in message.findings if one.source == "channel"}
    return tuple(said.values())


def _adds(told: Sequence[Message], newest: Message, notes: tuple[str, ...]) -> bool:
    """Say whether the newest record notes another matter than those before it."""
    before = _notes([message for message in told if message is not newest])
    return 0 < len(before) < len(notes)


def _features(whole: Features, own: Features, *, call_adds: bool) -> Features:
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
        call_adds=call_adds or UNSET,
    )

"""Calls: what all the records of one call tell together, and the whole understood anew."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from msgspec import UNSET
from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.parse.contacts import identity_of
from normalizers.phone.draft import is_worded, text_of
from normalizers.pipeline import understood
from normalizers.sms.coding import Format, decode
from normalizers.text.fold import cut
from schemas.records import Call, Features, Finding, Message, Part, Party, Recording

_EMERGENCY = "emergency"
_GAP = "\n\n"


def joined(messages: Sequence[Message], policy: Policy) -> Message:
    """Return the last of these records with what all of them tell: each field by the greatest revision that has it.

    Of equal revisions the later message counts. Notes and transcripts stand all of them (`texts_of`). What is an
    emergency stays the last message's own: those before it were screened, and handed over, when they came.
    """
    told = _by_revision(messages)
    newest, call = messages[-1], _call([message.call for message in told if message.call])
    text = text_of_records(told)
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
        cut(text, policy.max_text_bytes),
        policy,
        said=_said(told),
    )
    own = tuple(finding for finding in newest.findings if finding.kind.startswith(_EMERGENCY))
    others = tuple(finding for finding in whole.findings if not finding.kind.startswith(_EMERGENCY))
    return replace(
        whole,
        message_class="person" if is_worded(call) else "event",
        text=text,
        emergency=newest.emergency,
        findings=(*others, *own),
        features=_features(whole.features, newest.features, call_adds=_adds(told, newest)),
    )


def _call(calls: Sequence[Call]) -> Call:
    fields: dict[str, Any] = {}
    recordings: dict[str, Recording] = {}
    for call in calls:
        fields |= {name: value for name in Call.__struct_fields__ if (value := getattr(call, name))}
        recordings |= {one.reference: one for one in call.recordings}
    return Call(**{"platform": "", "call_id": ""} | fields | {"recordings": tuple(recordings.values())})


def texts_of(messages: Iterable[Message]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what agents noted and what was heard, in the order of the revisions: no word of any record is left out.

    A text stands once: one that is a part of another, as in a record that is told again, stands within that.
    """
    told = [message.call for message in _by_revision(messages) if message.call]
    return _each_once(call.note for call in told), _each_once(call.transcript for call in told)


def text_of_records(messages: Iterable[Message]) -> str:
    """Return the text that a ticket shows of a call's records."""
    notes, transcripts = texts_of(messages)
    return text_of(_GAP.join(notes), _GAP.join(transcripts))


def _each_once(texts: Iterable[str]) -> tuple[str, ...]:
    told = tuple(dict.fromkeys(text for text in texts if text.strip()))
    return tuple(one for one in told if not any(one != other and one in other for other in told))


def _by_revision(messages: Iterable[Message]) -> list[Message]:
    return sorted(messages, key=lambda message: message.call.revision if message.call else 0)


def _adds(told: Sequence[Message], newest: Message) -> bool:
    """Return True if the newest record notes another matter than those before it: another number, or other words."""
    note = newest.call.note if newest.call else ""
    before = [one for one in told if one is not newest and one.call and one.call.note.strip()]
    return bool(note.strip() and before) and not any(_are_of_one_matter(newest, note, one) for one in before)


def _are_of_one_matter(message: Message, note: str, earlier: Message) -> bool:
    numbers = {_number(message), _number(earlier)} - {""}
    if numbers:
        return len(numbers) == 1
    return isinstance(earlier.call, Call) and _are_alike(note, earlier.call.note)


def _are_alike(words: str, other: str) -> bool:
    """Return True if two notes share half of what the shorter one says, in pairs of characters."""
    ours, theirs = ({text[at : at + 2] for at in range(len(text) - 1)} for text in (words, other))
    return bool(common := ours & theirs) and 2 * len(common) >= min(len(ours), len(theirs))


def _number(message: Message) -> str:
    return next((one.value for one in message.findings if one.kind == "external_ticket_no"), "")


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


# Parts: the pieces of a long SMS, joined as bytes first and decoded then, and the whole understood anew.

GAP = "〔……〕"
"""Stands where parts are still missing."""


def parts_joined(messages: Sequence[Message], policy: Policy) -> Message:
    """Return the last of these messages with the text of them all, in the order of their numbers.

    Of two parts with one number the first counts. Neighbours are decoded together: a character can lie in two parts.
    """
    parts = {message.part.number: message.part for message in reversed(messages) if message.part is not None}
    newest = messages[-1]
    whole = understood(newest, GAP.join(map(_text, _runs(parts[number] for number in sorted(parts)))), policy)
    own = newest.features
    features = replace(
        whole.features,
        part_key=own.part_key,
        part_known_as=own.part_known_as,
        part_number=own.part_number,
        part_total=own.part_total,
        part_digest=own.part_digest,
        part_digest_known_as=own.part_digest_known_as,
    )
    return replace(whole, features=features)


def _runs(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Yield stretches of neighbouring parts, an empty one in front where the first parts are missing."""
    run: list[Part] = []
    number = 0
    total = 0
    for part in parts:
        if part.number != number + 1:
            yield run
            run = []
        run.append(part)
        number, total = part.number, part.total
    yield run
    if number < total:
        yield []


def _text(run: Sequence[Part]) -> str:
    if not run:
        return ""
    named: Format = next((name for name in get_args(Format) if name == run[0].format), "binary")
    return decode(b"".join(part.bytes for part in run), named).text or ""

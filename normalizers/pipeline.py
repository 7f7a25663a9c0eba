"""normalize(raw, policy): the one way from a channel's bytes to a Message and the blobs beside it."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import UNSET, structs

from normalizers import finalize, registry
from normalizers.base import Draft, Policy
from normalizers.enrich import annotators, emergency
from normalizers.enrich.annotators import Annotations, Failure
from normalizers.finalize import Blob, Stored, cleaned, stored
from normalizers.parse import ticket_tokens
from normalizers.parse.codes import is_category
from normalizers.rules import Rules
from normalizers.similarity.features import features_of
from normalizers.similarity.requester import giver_of
from normalizers.text.fold import fold
from schemas.errors import MissingBlobError, UnsupportedError
from schemas.records import Emergency, Features, Finding, Message, RawMessage, RawRef

__all__ = ["NORMALIZER_VERSION", "Blob", "Normalized", "alarming", "normalize", "screened_text", "titled"]

NORMALIZER_VERSION = 35
"""The version of everything in this room: one more whenever the same bytes give another message."""

NO_CITIZENS_WORDS = frozenset({"auto_reply", "bounce", "event"})
"""Classes of message that hand nothing over: machines wrote them. Lists and calendars stay: a person may be behind."""

MAX_APART = 256 * 1024
"""Characters that are screened of a text which is not the citizen's own, such as a file."""


class Normalized(NamedTuple):
    """A message, the bytes it names in the blob store (store them first), and what could not be found in it."""

    message: Message
    blobs: tuple[Blob, ...]
    failures: tuple[Failure, ...] = ()
    """Annotators that failed: the message lacks their findings."""


def normalize(raw: RawMessage, policy: Policy) -> Normalized:
    """Return the message that `raw` holds. Pure; raises only RecordError."""
    return _normalized(raw, cleaned(_draft(raw, policy)), policy, is_whole=True)


def alarming(raw: RawMessage, policy: Policy) -> Message | None:
    """Return the message of `normalize` when it tells of an emergency, else None. Pure; raises only RecordError.

    Nothing is made out that a hand-over does not tell: it has no features, and of findings the place and the channel's.
    """
    draft = cleaned(_draft(raw, policy))
    if draft.message_class in NO_CITIZENS_WORDS:
        return None
    found = _emergency(draft, draft, None, 0, policy)
    return _normalized(raw, draft, policy, is_whole=False).message if found is not None else None


def _normalized(raw: RawMessage, draft: Draft, policy: Policy, *, is_whole: bool) -> Normalized:
    message_id = raw.message_id
    kept = stored(draft, raw.jurisdiction, message_id, policy.max_text_bytes)
    message, failures = _message(raw, message_id, draft, kept, policy, is_whole=is_whole)
    return Normalized(message, kept.blobs, failures)


def _draft(raw: RawMessage, policy: Policy) -> Draft:
    normalizer = registry.normalizer_of(raw)
    if normalizer is None:
        raise UnsupportedError("no normalizer is registered for this channel: add it to normalizers/registry.py")
    if raw.envelope.dataref is not None and not raw.value:
        raise MissingBlobError("the bytes are in the blob store: read them into the raw record before normalizing it")
    return _without_names(normalizer(raw, policy), policy.rules)


def _without_names(draft: Draft, rules: Rules) -> Draft:
    """Return the draft with the words for a class in `extra` where they name a person by the city's own rules."""
    if rules.folder is None:  # the parsers have checked by the shipped rules
        return draft
    named = [one for one in draft.findings if one.kind == "category" and not is_category(one.value, rules)]
    if not named:
        return draft
    findings = tuple(one for one in draft.findings if one not in named)
    return structs.replace(draft, findings=findings, extra=draft.extra | {"category": named[0].value})


def _message(
    raw: RawMessage, message_id: str, whole: Draft, kept: Stored, policy: Policy, *, is_whole: bool
) -> tuple[Message, tuple[Failure, ...]]:
    envelope, answers = raw.envelope, ticket_tokens.named(kept.draft, policy)
    draft = _answering(kept.draft, answers) if answers != ticket_tokens.NOTHING else kept.draft
    received_at = draft.received_at or envelope.time
    search_text = fold(titled(draft.title, draft.text))
    seconds_old = finalize.seconds_of(raw, received_at, draft.newest_at)
    urgent = _emergency(whole, kept.draft, search_text, seconds_old, policy)
    account = draft.account or envelope.account or ""
    if is_whole:
        annotations = annotators.annotate(draft, search_text, raw.jurisdiction, policy)
        findings = _findings(draft, annotations, urgent, policy)
        giver = giver_of(envelope.source, account)
        features = features_of(
            draft, search_text, kept.attachments, findings, policy, answers, message_id, received_at, giver
        )
    else:
        annotations = annotators.place(draft, search_text, raw.jurisdiction, policy)
        findings, features = draft.findings + annotations.findings, Features()
    message = Message(
        message_id=message_id,
        source=envelope.source,
        id=envelope.id,
        channel=draft.channel or raw.channel,
        channel_kind=draft.channel_kind or draft.channel or envelope.channelkind or raw.channel,
        account=account,
        jurisdiction=raw.jurisdiction,
        received_at=received_at,
        ingested_at=envelope.recordedtime,
        message_class=draft.message_class,
        sender=draft.sender,
        recipients=draft.recipients,
        thread=draft.thread,
        part=draft.part,
        call=draft.call or UNSET,
        title=draft.title,
        text=draft.text,
        search_text=search_text,
        quoted=draft.quoted,
        signature=draft.signature,
        attachments=kept.attachments,
        findings=findings,
        features=features,
        emergency=urgent,
        raw=_raw_ref(raw),
        normalizer_version=NORMALIZER_VERSION,
        trace=envelope.traceparent or envelope.hop,
        extra=draft.extra,
    )
    return message, annotations.failures


def understood(message: Message, text: str, policy: Policy, said: tuple[Finding, ...] = ()) -> Message:
    """Return the message as if this had been its text: findings, emergency and features are made anew.

    `said` are findings of the channel itself.
    """
    draft = Draft(
        message_class="person" if text else message.message_class,
        account=message.account,
        sender=message.sender,
        recipients=message.recipients,
        thread=message.thread,
        title=message.title,
        text=text,
        findings=said,
        extra=message.extra,
    )
    draft, giver = _without_names(draft, policy.rules), giver_of(message.source, message.account)
    search_text, answers = fold(titled(draft.title, text)), ticket_tokens.named(draft, policy)
    urgent = _emergency(draft, draft, search_text, finalize.seconds(message), policy)
    annotations = annotators.annotate(draft, search_text, message.jurisdiction, policy)
    findings = _findings(draft, annotations, urgent, policy)
    return structs.replace(
        message,
        message_class=draft.message_class,
        thread=_answering(draft, answers).thread,
        text=text,
        search_text=search_text,
        findings=findings,
        emergency=urgent,
        features=features_of(
            draft, search_text, message.attachments, findings, policy, answers, at=message.received_at, giver=giver
        ),
        extra=draft.extra,
    )


def _findings(draft: Draft, annotations: Annotations, urgent: Emergency | None, policy: Policy) -> tuple[Finding, ...]:
    """Return what the channel says, what the text is about, and the classes of its emergency."""
    found = draft.findings + annotations.findings
    return found + emergency.findings(urgent, draft.title, policy.rules) if urgent is not None else found


def _answering(draft: Draft, answers: ticket_tokens.Named) -> Draft:
    thread = structs.replace(draft.thread, token=answers.token, quoted_ticket_nos=answers.numbers)
    return structs.replace(draft, thread=thread)


def titled(title: str | None, text: str) -> str:
    """Return title and text as written, as a person reads them."""
    return f"{title}\n{text}" if title else text


def screened_text(message: Message) -> str:
    """Return the text that `Emergency.spans` point into: title, LF, text; the text alone without a title."""
    return titled(message.title, message.text)


def _emergency(whole: Draft, draft: Draft, folded: str | None, seconds_old: float, policy: Policy) -> Emergency | None:
    """Screen all that was written, also what is cut off or stands apart; spans beyond the cut are left out."""
    text = titled(whole.title, whole.text)
    own = emergency.screen(text, folded if draft is whole else None, policy.rules)
    if own is not None:
        end = len(titled(draft.title, draft.text)) if draft is whole or draft.title == whole.title else 0
        own = structs.replace(own, spans=tuple(span for span in own.spans if span[1] <= end))
    found = emergency.together((own, *_apart(whole, policy.rules))) if _has_words_apart(whole) else own
    return structs.replace(found, stale=seconds_old > policy.stale_after_seconds) if found is not None else None


def _has_words_apart(whole: Draft) -> bool:
    return bool(whole.signature or whole.quoted or whole.passed_on or whole.in_files)


def _apart(whole: Draft, rules: Rules) -> Iterator[Emergency | None]:
    """Screen what stands beside title and text; what may be old or another's is only mentioned.

    What is quoted was heard before when the mail answers one, else it may be the citizen's own, taken for a quotation.
    """
    is_answer = bool(whole.thread.references) and not whole.answers_nothing
    yield _beside(whole.signature, rules)
    passed_on = _beside(whole.passed_on, rules)
    yield emergency.mentioned(passed_on, rules) if is_answer else passed_on
    yield emergency.mentioned(_beside(whole.in_files, rules), rules)
    yield None if is_answer else emergency.mentioned(_beside(whole.quoted, rules), rules)


def _beside(text: str | None, rules: Rules) -> Emergency | None:
    """Screen a text that stands apart; spans point into title and text alone."""
    if not text:
        return None
    found = emergency.screen(text[:MAX_APART], rules=rules)
    return structs.replace(found, spans=()) if found is not None else None


def _raw_ref(raw: RawMessage) -> RawRef:
    position, envelope = raw.position, raw.envelope
    sha256 = envelope.sha256 or hashlib.sha256(raw.value).hexdigest()
    if position is None:
        return RawRef(sha256=sha256, dataref=envelope.dataref)
    return RawRef(
        topic=position.topic,
        partition=position.partition,
        offset=position.offset,
        sha256=sha256,
        dataref=envelope.dataref,
    )

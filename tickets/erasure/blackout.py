"""The snapshot after personal data went: blacked out where it stood, or an empty one that only says so."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from msgspec.structs import replace

from normalizers.pii.detect import address_spans, known_spans, personal_spans
from normalizers.pii.variants import in_other_forms
from normalizers.rules import Rules
from normalizers.text.fold import fold
from schemas.records import Event, Ticket, event
from schemas.records.ticket import Category, Location, Requester
from tickets.erasure import redaction_digests
from tickets.masking.mask import drawn_title, known_of, origin_without
from tickets.model.ticket_state import with_more
from tickets.snapshot import build

Spans = Sequence[tuple[int, int]]

BLACK = "■"
"""Another sign than the mask's: this text is gone for everybody."""

_TOLD = ("title", "requester", "location", "attachments", "category", "origin")
"""Fields in which a message that is told again may say what was redacted."""

_LINES = frozenset({"title", "text", "summary", "result"})
"""Fields of which each line, and who is named in it, stays known by a digest when they are emptied."""

_EMPTY: dict[str, Any] = {
    "title": None,
    "text": "",
    "summary": None,
    "requester": Requester(),
    "location": None,
    "attachments": (),
    "result": None,
}


def redacted(ticket: Ticket, change: event.Redacted, key: bytes, rules: Rules) -> Ticket:
    """Return the ticket without these fields, and without the words of the spans wherever they stand.

    So do the names, numbers and doors in these words, each for itself, a number in whatever form. Where a span tells
    of the place, its point leaves the map. A title that is only the beginning of the text goes the way of the text.
    What was known of a requester who goes leaves the words as well, those of another system, too: nobody could hide it
    from analysts any more. Digests under `key` stay of all that went, so that it stays black in what is said later.
    `rules` may hold the city's own names.
    """
    known = known_of(ticket.requester, rules) if "requester" in change.fields else ()
    secrets = set(_secrets((ticket.text[start:end] for start, end in change.spans), rules)) - {""}
    text = _black_spans(ticket.text, change.spans)
    drawn = drawn_title(ticket)
    title = ticket.title if drawn is None else text[drawn]
    fields = {*change.fields, "title"} if drawn is not None and "text" in change.fields else {*change.fields}
    doors = [one for one in address_spans(ticket.text, rules) if _overlap(change.spans, [one])]
    told = (ticket.text[start:end] for start, end in doors)
    words = [*secrets, *known, *_secrets(_emptied(ticket, fields), rules)]
    gone = redaction_digests.digests(words, ticket.ticket_id, key, told, rules)
    is_off_map = "location" in fields or bool(doors)
    gone = (*gone, *redaction_digests.emptied_digests(ticket, fields, key, is_off_map=is_off_map))
    black = partial(_blackened, secrets=secrets, known=known, rules=rules)
    origin = origin_without(ticket.origin, known)
    if origin is not None:
        origin = replace(origin, external_ticket_no=black(origin.external_ticket_no))
    ticket = replace(
        ticket,
        text=black(text) or "",
        title=black(title),
        summary=black(ticket.summary),
        location=_place_without(ticket.location, ticket.text, change.spans, black, is_off_map)
        if ticket.location
        else None,
        result=replace(ticket.result, text=black(ticket.result.text)) if ticket.result else None,
        attachments=tuple(replace(file, id=black(file.id) or "", name=black(file.name)) for file in ticket.attachments),
        origin=origin,
        category=_category_without(ticket.category, black),
    )
    ticket = replace(ticket, **{name: _EMPTY[name] for name in fields if name in _EMPTY})
    ticket = replace(ticket, redacted_words=with_more(ticket.redacted_words or (), gone)[-redaction_digests.MOST :])
    return replace(ticket, search_text=fold("\n".join(one for one in (ticket.title, ticket.text) if one)))


def still_redacted(ticket: Ticket, key: bytes, rules: Rules) -> Ticket:
    """Return a ticket without what was taken from it before, whatever message or clerk says it again."""
    if not ticket.redacted_words:
        return ticket
    black = partial(black_again, ticket=ticket, key=key, rules=rules)
    ticket = redaction_digests.not_again(ticket, key)
    place = ticket.location
    if place is not None and (words := black(place.text)) != place.text:
        place = replace(place, text=words, longitude=None, latitude=None, datum=None)
    return replace(
        ticket,
        title=black(ticket.title),
        text=black(ticket.text) or "",
        search_text=black(ticket.search_text) or "",
        summary=black(ticket.summary),
        location=place,
        result=ticket.result and replace(ticket.result, text=black(ticket.result.text)),
        attachments=tuple(replace(file, id=black(file.id) or "", name=black(file.name)) for file in ticket.attachments),
        category=_category_without(ticket.category, black),
    )


def black_again(text: str | None, ticket: Ticket, key: bytes, rules: Rules) -> str | None:
    """Return words without those that were taken from the ticket before."""
    kept = frozenset(ticket.redacted_words or ())
    if not text or not kept:
        return text
    return _black_spans(text, redaction_digests.spans_again(text, kept, ticket.ticket_id, key, rules))


def without_repeats(filed: Ticket, before: Ticket, decision: Event) -> Ticket:
    """Return a redacted ticket with one more message; one that only repeats brings back nothing that was taken away."""
    if build.says_more(decision):
        return filed
    return replace(filed, **{name: getattr(before, name) for name in _TOLD})


def redacted_by(decision: Event) -> Iterator[str]:
    """Yield the tickets of which a decision takes words away; what only empties a message takes none."""
    for change in decision.changes:
        if isinstance(change, event.Redacted) and (change.fields or change.spans):
            yield change.ticket_id


def levelled_by(decision: Event) -> Iterator[str]:
    """Yield the tickets whose level (保密) a decision changes; of one that it opens nobody holds another."""
    opened = {change.ticket_id for change in decision.changes if isinstance(change, event.Opened)}
    for change in decision.changes:
        if isinstance(change, event.ConfidentialitySet) and change.ticket_id not in opened:
            yield change.ticket_id


def erased(ticket: Ticket) -> Ticket:
    """Return the empty snapshot: ids, times, the stage and the cluster; nothing of anybody."""
    return Ticket(
        ticket_id=ticket.ticket_id,
        ticket_no=ticket.ticket_no,
        version=ticket.version,
        jurisdiction=ticket.jurisdiction,
        status="archived",
        status_at=ticket.updated_at,
        closed_at=ticket.updated_at,
        channel=ticket.channel,
        channel_kind=ticket.channel_kind,
        channel_account=ticket.channel_account,
        anonymous="withheld_on_request",
        confidentiality="restricted",
        received_at=ticket.received_at,
        ingested_at=ticket.ingested_at,
        updated_at=ticket.updated_at,
        first_message_id=ticket.first_message_id,
        message_count=ticket.message_count,
        edges=ticket.edges,
        cluster_id=ticket.cluster_id,
        cluster_no=ticket.cluster_no,
        erased=True,
    )


def withheld(ticket: Ticket) -> Ticket:
    """Return a ticket for a reader who must not see it any more: its stage, and none of its words."""
    return replace(
        erased(ticket),
        status=ticket.status,
        status_at=ticket.status_at,
        closed_at=ticket.closed_at,
        masked=ticket.masked,
        erased=False,
        redacted_version=ticket.redacted_version,
    )


def unknown(ticket_id: str, jurisdiction: str, at: datetime) -> Ticket:
    """Return what stands for a ticket that only the archive has, before it is erased there."""
    return Ticket(
        ticket_id=ticket_id,
        ticket_no="",
        version=0,
        jurisdiction=jurisdiction,
        status="archived",
        status_at=at,
        channel="unknown",
        channel_kind="unknown",
        channel_account="unknown",
        received_at=at,
        ingested_at=at,
        updated_at=at,
        first_message_id="",
        message_count=0,
        cluster_id=ticket_id,
    )


def _emptied(ticket: Ticket, fields: Iterable[str]) -> Iterator[str]:
    """Yield the words of what is emptied."""
    for name in _LINES.intersection(fields):
        words = (ticket.result and ticket.result.text) if name == "result" else getattr(ticket, name)
        yield words or ""


def _black_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    characters = list(text)
    for start, end in spans:
        characters[start:end] = BLACK * len(characters[start:end])
    return "".join(characters)


def _secrets(words: Iterable[str], rules: Rules) -> Iterator[str]:
    """Yield these words, those of each line, and what in them names or reaches somebody.

    A title may say the name without the number, and no other place has the end of the line.
    """
    for one in words:
        yield one
        personal = (one[start:end] for start, end in personal_spans(one, rules=rules))
        yield from (found for found in (*map(str.strip, one.splitlines()), *personal) if len(found) > 1)


def _place_without(
    place: Location, text: str, spans: Spans, black: Callable[[str | None], str | None], is_off_map: bool
) -> Location:
    """Return the place without these words; without its point, too, if they named it: a point shows the very door."""
    words = black(place.text)
    if words and place.text:
        words = _covered(words, place.text, text, spans)
    if words == place.text and not is_off_map:
        return place
    return replace(place, text=words, longitude=None, latitude=None, datum=None)


def _covered(words: str, named: str, text: str, spans: Spans) -> str:
    """Black out what the spans cover of a place where the text names it; all of one that they hold in other signs."""
    if any(fold(named) in fold(text[start:end]) for start, end in spans):
        return BLACK * len(named)
    for found in re.finditer(re.escape(named), text):
        words = _black_spans(words, [(max(0, a - found.start()), max(0, b - found.start())) for a, b in spans])
    return words


def _overlap(spans: Spans, others: Spans) -> bool:
    return any(start < end_of and start_of < end for start, end in spans for start_of, end_of in others)


def _category_without(category: Category | None, black: Callable[[str | None], str | None]) -> Category | None:
    """Return the category, but none in words that hold one of these."""
    return category if category is None or black(category.code) == category.code else None


def _blackened(text: str | None, secrets: Iterable[str], known: Sequence[str], rules: Rules) -> str | None:
    """Return the words without the secrets, and without what is known of a requester, wherever it stands."""
    if text is None:
        return None
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, BLACK * len(secret))
    text = _black_spans(text, in_other_forms(text, [*secrets, *known], rules))
    return _black_spans(text, known_spans(text, known)) if known else text

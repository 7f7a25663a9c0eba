"""What was forgotten and comes again: a later record of a call, a late part or file, a mail that is delivered twice,
an SMS under another id that was sent before it was forgotten.

So does what a machine answers to an erased ticket: a bounce quotes all of it. None of it is filed, and the archive
empties it. A new message of the same citizen is none of these, and is heard.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct

from tickets.assembly import call_records, sms_parts
from tickets.model.keys import names_of, part, scoped, texts_of

if TYPE_CHECKING:
    from tickets.decision_input import Incoming
    from tickets.model.ticket_state import TicketState
    from tickets.state.state import State


METHOD = "forgotten_before"
"""Method of a decision about what comes again."""

OF_ONE_DAY = timedelta(days=2)
"""So long equal words tell of the same day: sent further off they are no repeat.

`one_day_hours` of `near.toml` is as long by default and does not count here: no number about likeness brings back what
was erased, or swallows what was not.
"""

TIMED = frozenset({"sms", "wechat", "weibo", "web"})
"""Channels that tell when something was sent. A mail has a name that tells more; an import repeats what is old."""

_MACHINES = frozenset({"auto_reply", "bounce"})


class Forgotten(Struct, frozen=True, array_like=True, gc=False):
    """What is kept under the hashed thread id of an erased message or a redacted call, and under who said what.

    `name` is that of its ticket, or its own. `told_at` is when it was last told of; `of_nobody` that nothing said
    whose it was. Whose it was, and which texts went, `State.left` says of those alone that are named to it.
    """

    name: str
    at: datetime
    told_at: datetime
    of_nobody: bool


def remember(
    state: "State", keys: Iterable[str], known: Forgotten, *, people: Iterable[str], texts: Iterable[str] = ()
) -> None:
    """Note under these keys what is erased, so that it is known when it comes again."""
    kept = dict.fromkeys(keys, known)
    if kept:
        state.forgotten.update(kept)
        for one in (*people, *texts):
            state.left.keep(part(_ours(known.name), one))


def comes_again(state: "State", incoming: "Incoming") -> bool:
    """Say whether this is of a message or a call that was erased, and nothing that anybody told since."""
    features = incoming.features
    if features.part_key is not None:
        city, sent_at, is_rare = incoming.jurisdiction, incoming.sent_at, incoming.has_rare_reference
        return sms_parts.is_of_erased(state, city, features, sent_at, is_rare=is_rare)
    if not state.forgotten:
        return False
    if call_records.is_record(features):
        return _is_of_a_call(state, incoming)
    if features.completes or features.message_class in _MACHINES:
        named = (*features.completes, *features.threads, *filter(None, (features.token,)))
        return any(scoped(incoming.jurisdiction, key) in state.forgotten for key in named)
    if incoming.channel in TIMED:
        return _was_said_before(state, incoming)
    return incoming.channel == "mailbox" and _is_the_same_mail(state, incoming)


def said_by(jurisdiction: str, text: str, person: str) -> str:
    """Return the key under which it is known that this person said this text: a digest, that tells neither of them."""
    return scoped(jurisdiction, hashlib.blake2b(part(text, person).encode(), digest_size=16).hexdigest())


def remember_undated(state: "State", names: Iterable[str], known: Forgotten, *, people: Iterable[str]) -> None:
    """Note the ids of the calls among these names as erased or redacted, for records that do not tell their day."""
    keys = {call_records.undated(name) for name in names if call_records.is_name(name)}
    named = (call_records.further(key, one) for key in keys for one in people)
    state.forgotten.update(dict.fromkeys((*keys, *named), known))


def redacted_ticket(state: "State", incoming: "Incoming") -> "TicketState | None":
    """Return the redacted ticket of a call that a record may be of, which does not tell its day."""
    known = _undated(state, incoming)
    ticket = _live(state, known) if known is not None else None
    return None if ticket is None or (incoming.id, ticket.ticket_id) in state.never else ticket


def _is_of_a_call(state: "State", incoming: "Incoming") -> bool:
    """Return True for a record of an erased call: of its caller, or of nobody known where no other call has its id."""
    features, city, at = incoming.features, incoming.jurisdiction, incoming.at
    if call_records.call_of(state, city, features, at) is not None:
        return False
    if any(_is_of_erased(state, incoming, first) for first in call_records.names_of_key(features, at)):
        return True
    known = _undated(state, incoming)
    return known is not None and _live(state, known) is None


def _live(state: "State", known: Forgotten) -> "TicketState | None":
    ticket = state.tickets.get(known.name)
    return None if ticket is None or ticket.erased else ticket


def _undated(state: "State", incoming: "Incoming") -> Forgotten | None:
    """Return what is known of the erased or redacted call that a record may be of, which does not tell its day.

    The call may be of any day before. Nothing says that the record is of another one, and what was blacked out or
    erased comes back by no file that is delivered at night: so the record is of that call for as long as records of
    a call come, from the redaction or erasure on.
    """
    features, city = incoming.features, incoming.jurisdiction
    if features.call_began is not UNSET or call_records.call_of(state, city, features, incoming.at) is not None:
        return None
    callers = features.requesters
    if not callers and any(
        scoped(city, one) in state.by_thread for one in call_records.names_of_key(features, incoming.at)
    ):
        return None
    for key in (scoped(city, one) for one in features.threads):
        own = [state.forgotten.get(call_records.further(key, one)) for one in callers]
        known = state.forgotten.get(key)
        if known is not None and (not callers or known.of_nobody or _is_theirs(state, known, incoming)):
            own.append(known)
        found = [one for one in own if one is not None and incoming.at - one.at <= call_records.REMEMBERED]
        if found:
            return found[0]
    return None


def _is_of_erased(state: "State", incoming: "Incoming", first: str) -> bool:
    """Return True if a record is of an erased call under the id and day of `first`."""
    city, callers = incoming.jurisdiction, incoming.features.requesters
    known = state.forgotten.get(scoped(city, first))
    if callers and known is not None and (known.of_nobody or _is_theirs(state, known, incoming)):
        return True
    if not callers and scoped(city, first) in state.by_thread:
        return False
    names = [call_records.further(first, one) for one in callers] or [first, call_records.further(first)]
    return any(scoped(city, name) in state.forgotten for name in names)


def _is_the_same_mail(state: "State", incoming: "Incoming") -> bool:
    """Say whether an erased mail is delivered again: its name, its very text, its sender."""
    keys = [scoped(incoming.jurisdiction, name) for name in names_of(incoming.features)]
    known = next((state.forgotten[key] for key in keys if key in state.forgotten), None)
    if known is None or all(part(_ours(known.name), text) not in state.left for text in texts_of(incoming.features)):
        return False
    return _is_theirs(state, known, incoming) if incoming.features.requesters else known.of_nobody


def _was_said_before(state: "State", incoming: "Incoming") -> bool:
    """Say whether the same person sent the very same words before they were erased: they were heard in that ticket.

    A gateway may deliver again, under another id, what it says was sent then. What is said since is heard.
    """
    city, features, at = incoming.jurisdiction, incoming.features, incoming.sent_at
    keys = (said_by(city, text, one) for text in texts_of(features) for one in features.requesters)
    found = (state.forgotten[key] for key in keys if key in state.forgotten)
    return any(at <= known.at and abs(at - known.told_at) <= OF_ONE_DAY for known in found)


def _is_theirs(state: "State", known: Forgotten, incoming: "Incoming") -> bool:
    """Say whether one of these people took part; of a ticket that had left the memory `left` knew it before."""
    people = incoming.features.requesters
    return any(part(name, one) in state.left for one in people for name in (_ours(known.name), known.name))


def _ours(name: str) -> str:
    return f"forgotten {name}"

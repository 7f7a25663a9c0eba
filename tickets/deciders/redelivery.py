"""Repeats of erased input: a later record of a call, a late part or file, a mail that is delivered twice, an SMS under
another id that was sent before the erasure.

So is an automatic reply to an erased ticket: a bounce quotes all of it. None of it is filed, and the archive empties
it. A new message of the same citizen is none of these, and is filed.
"""

from datetime import timedelta

from msgspec import UNSET

from tickets.assembly import call_records
from tickets.decision_input import Incoming
from tickets.model.keys import names_of, scoped, texts_of
from tickets.model.ticket_state import TicketState
from tickets.state.state import State
from tickets.state.tombstones import Forgotten, said_by

METHOD = "forgotten_before"
"""Method of a decision about such a repeat."""

OF_ONE_DAY = timedelta(days=2)
"""How long equal words refer to the same day: beyond it they are no repeat.

`one_day_hours` of `near.toml` has the same default and is not used here: no setting of similarity may bring back what
was erased, or drop what was not.
"""

TIMED = frozenset({"sms", "wechat", "weibo", "web"})
"""Channels whose messages have a time of sending. A mail has its Message-ID; an import repeats old messages."""

_MACHINES = frozenset({"auto_reply", "bounce"})


def comes_again(state: State, incoming: Incoming) -> bool:
    """Return True if this belongs to an erased message or call, and is not new."""
    features = incoming.features
    if features.part_key is not None:
        city, sent_at, is_rare = incoming.jurisdiction, incoming.sent_at, incoming.has_rare_reference
        return state.parts.is_of_erased(city, features, sent_at, is_rare=is_rare)
    if not state.tombstones:
        return False
    if call_records.is_record(features):
        return _is_of_a_call(state, incoming)
    if features.completes or features.message_class in _MACHINES:
        named = (*features.completes, *features.threads, *filter(None, (features.token,)))
        return any(scoped(incoming.jurisdiction, key) in state.tombstones for key in named)
    if incoming.channel in TIMED:
        return _was_said_before(state, incoming)
    return incoming.channel == "mailbox" and _is_the_same_mail(state, incoming)


def redacted_ticket(state: State, incoming: Incoming) -> TicketState | None:
    """Return the redacted ticket of a call to which a record without a day may belong."""
    known = _undated(state, incoming)
    ticket = _live(state, known) if known is not None else None
    return None if ticket is None or (incoming.id, ticket.ticket_id) in state.separations else ticket


def _is_of_a_call(state: State, incoming: Incoming) -> bool:
    """Return True for a record of an erased call: of its caller, or of an unknown one if no other call has the id."""
    features, city, at = incoming.features, incoming.jurisdiction, incoming.at
    if state.calls.call_of(city, features, at) is not None:
        return False
    if any(_is_of_erased(state, incoming, first) for first in call_records.names_of_key(features, at)):
        return True
    known = _undated(state, incoming)
    return known is not None and _live(state, known) is None


def _live(state: State, known: Forgotten) -> TicketState | None:
    ticket = state.tickets.get(known.name)
    return None if ticket is None or ticket.erased else ticket


def _undated(state: State, incoming: Incoming) -> Forgotten | None:
    """Return the erased or redacted call to which a record without a day may belong.

    The call may be of any earlier day. Nothing proves that the record belongs to another one, and a file delivered at
    night must not bring back what was blacked out or erased: the record counts as that call's for as long as records
    of a call come, from the redaction or erasure on.
    """
    features, city = incoming.features, incoming.jurisdiction
    if features.call_began is not UNSET or state.calls.call_of(city, features, incoming.at) is not None:
        return None
    callers = features.requesters
    if not callers and any(
        scoped(city, one) in state.threads for one in call_records.names_of_key(features, incoming.at)
    ):
        return None
    for key in (scoped(city, one) for one in features.threads):
        own = [state.tombstones.get(call_records.further(key, one)) for one in callers]
        known = state.tombstones.get(key)
        if known is not None and (not callers or known.of_nobody or state.tombstones.is_of(known, callers)):
            own.append(known)
        found = [one for one in own if one is not None and incoming.at - one.at <= call_records.REMEMBERED]
        if found:
            return found[0]
    return None


def _is_of_erased(state: State, incoming: Incoming, first: str) -> bool:
    """Return True if a record is of an erased call under the id and day of `first`."""
    city, callers = incoming.jurisdiction, incoming.features.requesters
    known = state.tombstones.get(scoped(city, first))
    if callers and known is not None and (known.of_nobody or state.tombstones.is_of(known, callers)):
        return True
    if not callers and scoped(city, first) in state.threads:
        return False
    names = [call_records.further(first, one) for one in callers] or [first, call_records.further(first)]
    return any(scoped(city, name) in state.tombstones for name in names)


def _is_the_same_mail(state: State, incoming: Incoming) -> bool:
    """Return True if an erased mail is delivered again: the same Message-ID, text and sender."""
    keys = [scoped(incoming.jurisdiction, name) for name in names_of(incoming.features)]
    people, texts = incoming.features.requesters, texts_of(incoming.features)
    known = next(filter(None, map(state.tombstones.get, keys)), None)
    if known is None or not any(state.tombstones.had_text(known, text) for text in texts):
        return False
    return state.tombstones.is_of(known, people) if people else known.of_nobody


def _was_said_before(state: State, incoming: Incoming) -> bool:
    """Return True if the same person sent the very same words before the erasure: they were filed in that ticket.

    A gateway may deliver an old message again under another id. A message that was sent after the erasure is new.
    """
    city, features, at = incoming.jurisdiction, incoming.features, incoming.sent_at
    keys = (said_by(city, text, one) for text in texts_of(features) for one in features.requesters)
    found = filter(None, map(state.tombstones.get, keys))
    return any(at <= known.at and abs(at - known.told_at) <= OF_ONE_DAY for known in found)

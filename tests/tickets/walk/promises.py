"""What a desk promises, whatever comes in whatever order: each a function that yields what breaks it."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

from msgspec import UNSET
from msgspec.structs import replace

from normalizers import assembly
from normalizers.phone.draft import TRANSCRIPT_HEAD
from schemas import topics
from schemas.codec import decode, encode
from schemas.records import Event, Link, Message, Outbox, Ticket, event
from tests.tickets.walk import clerks_words, orders_kept
from tests.tickets.walk.citizens import CITIZENS
from tests.tickets.walk.desks import Seat
from tests.tickets.walk.told import Told
from tickets.codes import INCOMPLETE
from tickets.commands.registry import LAST_VERSION
from tickets.erasure import blackout
from tickets.erasure.blackout import BLACK
from tickets.records_out import link_of
from tickets.reducers import fold

TELLS_NOTHING = {topics.EVENT, topics.LINK, topics.AUDIT}
NAMES_NOBODY = TELLS_NOTHING | {topics.TICKET_MASKED}

_PIECES = re.compile(rf"\n\n|{assembly.GAP}|{TRANSCRIPT_HEAD}\n")
"""Between what is said at one time and at another."""

_TICKETS = re.compile(r"\b([0-9]{6})-[a-z2-7]{20}\b")

_MESSAGES = re.compile(r"\b[a-z2-7]{26}\b")

_WORDS = re.compile("[\u4e00-\u9fff]{6}")


class BrokenError(AssertionError):
    """A promise that does not hold, and of what."""

    def __init__(self, promise: str, *of: object) -> None:
        super().__init__("\n".join([promise, *map(str, of)]))
        self.promise = promise


def the_log_gives_the_state(told: Told) -> Iterator[object]:
    """The log alone folds to what the desk knows, but the bodies."""
    by_log = fold(told.events, told.seat.policy).dump()
    if replace(by_log, bodies={}) != replace(told.state.dump(), bodies={}):
        yield "folded otherwise"


def versions_have_no_gap(told: Told) -> Iterator[object]:
    """Every decision raises the version of each ticket that it changes by one; what is erased at last ends it."""
    known = Counter[str]()
    for decision in told.events:
        for one in decision.tickets:
            if one.version not in (known[one.ticket_id] + 1, LAST_VERSION):
                yield one, known[one.ticket_id], decision
            known[one.ticket_id] = one.version
    for ticket_id, ticket in told.tickets.items():
        if ticket.version != known[ticket_id]:
            yield ticket_id, ticket.version, known[ticket_id]


def snapshots_tell_the_state(told: Told) -> Iterator[object]:
    """Stage, number, count, edges and cluster of the newest snapshot are those that decisions go by."""
    for ticket_id, held in told.state.tickets.items():
        one = told.tickets[ticket_id]
        shown = (one.version, one.status, one.closed_at is None, one.ticket_no, one.message_count, one.edges)
        known = (held.version, held.status, held.closed_at is None, held.ticket_no, len(held.messages), held.edges)
        if shown != known or one.cluster_id != told.state.clusters.of(ticket_id):
            yield ticket_id, shown, known
    numbers = Counter(one.ticket_no for one in told.tickets.values() if one.ticket_no)
    yield from (number for number, times in numbers.items() if times > 1)


def marks_name_the_first_snapshot(told: Told) -> Iterator[object]:
    """A ticket says which of its written versions was the first without the words that it lost, or of its level."""
    lost, levelled = dict[str, int](), dict[str, int]()
    for decision in told.events:
        versions = {one.ticket_id: one.version for one in decision.tickets}
        lost |= {name: versions[name] for name in blackout.redacted_by(decision)}
        levelled |= {name: versions[name] for name in blackout.levelled_by(decision)}
    for ticket_id in told.tickets.keys() - told.erased:
        written = [version for name, version in told.versions if name == ticket_id]
        shown = (told.tickets[ticket_id].redacted_version, told.tickets[ticket_id].confidentiality_version)
        known = tuple(
            min(one for one in written if one >= since[ticket_id]) if ticket_id in since else UNSET
            for since in (lost, levelled)
        )
        if shown != known:
            yield ticket_id, shown, known


def no_message_is_lost(told: Told) -> Iterator[object]:
    """Every message has a link, and lies in the one live ticket which that names."""
    holders = Counter(one for ticket in told.state.tickets.values() for one in ticket.messages)
    yield from (one for one, times in holders.items() if times > 1)
    for message_id in told.messages:
        link = told.links.get(message_id)
        if link is None and message_id in told.gone:
            continue
        held = told.state.tickets.get(link.ticket_id or "") if link else None
        if link is None or (held and message_id not in {**held.messages, **held.noted}):
            yield message_id, link
    for ticket_id, held in told.state.tickets.items():
        yield from ((one, ticket_id) for one in held.messages if told.links[one].ticket_id != ticket_id)


def links_only_grow(told: Told) -> Iterator[object]:
    """A later link of a message has a higher version: compaction keeps the right one."""
    known = dict[str, int]()
    for link in told.seat.told(topics.LINK, Link):
        if link.version <= known.get(link.message_id, 0):
            yield link
        known[link.message_id] = link.version


def tickets_say_all_that_was_said(told: Told) -> Iterator[object]:
    """Every word of a message that is filed in a ticket stands in it, unless somebody took it away."""
    for ticket_id in told.state.tickets.keys() - told.erased - told.redacted:
        if INCOMPLETE in told.tickets[ticket_id].labels and told.tickets[ticket_id].text == "":
            continue  # it may be the end of what was erased, and shows nothing before its own message is whole
        said = [one.text for one in told.in_ticket(ticket_id)]
        for words in (words.strip() for text in said for words in _PIECES.split(text)):
            if words not in told.tickets[ticket_id].text:
                yield ticket_id, words, told.tickets[ticket_id].text


def tickets_say_nothing_else(told: Told) -> Iterator[object]:
    """A ticket says only what its own messages say: nothing of another's, nothing that was taken away."""
    for ticket_id in told.state.tickets.keys() - told.erased:
        messages = [one for one in told.in_ticket(ticket_id) if one.message_id not in told.gone]
        said = [f"{one.title}\n{one.text}" if one.title else one.text for one in messages]
        said += _wholes(messages, told)
        for words in filter(None, _PIECES.split(told.tickets[ticket_id].text)):
            if BLACK not in words and not any(words in text for text in said):
                yield ticket_id, words, said


def _wholes(messages: list[Message], told: Told) -> Iterator[str]:
    """Yield what the parts of each long message in a ticket say together."""
    keys = dict.fromkeys(one.features.part_key for one in messages if one.part)
    for key in keys:
        some = [one for one in messages if one.features.part_key == key]
        yield assembly.parts_joined(some, told.seat.policy.joining).text


def analysts_see_nobody(told: Told) -> Iterator[object]:
    """No number, name or address by which a channel knows somebody, in no record that is for others, and no header."""
    secrets = [value for one in CITIZENS for value in one]
    for record in told.seat.written:
        body = record.value.decode() if record.topic in NAMES_NOBODY else ""
        headers = "\n".join(value.decode() for _, value in record.headers)
        yield from ((record.topic, one, body, headers) for one in secrets if one in body or one in headers)


def the_log_holds_no_words(told: Told) -> Iterator[object]:
    """Events, links and the audit log have none of what citizens said."""
    said = {words for one in told.messages.values() for words in _WORDS.findall(one.text)}
    for record in told.seat.written:
        if record.topic in TELLS_NOTHING:
            body = record.value.decode()
            yield from ((record.topic, one, body) for one in said if one in body)


def what_is_erased_stays_so(told: Told) -> Iterator[object]:
    """Of a ticket that is erased the snapshots are empty, nothing is filed in it any more, and nothing is known."""
    erased, gone = set[str](), set[str]()
    for decision in told.events:
        for change in decision.changes:
            if isinstance(change, event.MessageFiled) and (change.ticket_id in erased or change.message_id in gone):
                yield decision
            if isinstance(change, event.Erased):
                erased.add(change.ticket_id)
        if not any(isinstance(change, event.Redacted) for change in decision.changes):
            gone |= {*told.taken_away(decision)}
    for ticket in map(told.tickets.__getitem__, erased):
        shown = (ticket.title, ticket.text, ticket.search_text, ticket.attachments, ticket.requester.identities)
        if not ticket.erased or any(shown):
            yield ticket.ticket_id, shown
    state = told.state
    named = {*state.threads.dump()[0].values(), *state.handovers.waiting.values()} & erased
    yield from named
    for held in (state.tickets[one] for one in erased if one in state.tickets):
        known = (held.requesters, held.participants, held.contacts, held.text_keys, held.codes, held.proposals)
        if any(known) or held.order in state.dedupe:
            yield held
    records = {one for calls in state.calls.dump().values() for call in calls for one in call.told}
    kept = {one for one in records if not any(state.tickets.having(one))}
    yield from kept & gone


def what_is_blacked_out_stays_so(told: Told) -> Iterator[object]:
    """Words that a clerk took out of a text come back only when somebody says them anew."""
    texts = {(one.ticket_id, one.version): one.text for one in told.seat.told(topics.TICKET, Ticket)}
    for number, decision in enumerate(told.events, 1):
        for change in decision.changes:
            if not isinstance(change, event.Redacted) or not change.spans or change.ticket_id in told.erased:
                continue
            before = texts.get((change.ticket_id, decision.tickets[0].version - 1), "")
            later = [one.text for one in _filed(told, told.events[number:], change.ticket_id)]
            for words in (before[start:end] for start, end in change.spans):
                is_said = any(words in text for text in later) or BLACK in words
                if words in told.tickets[change.ticket_id].text and not is_said and words:
                    yield change.ticket_id, words, told.tickets[change.ticket_id].text


def _filed(told: Told, decisions: list[Event], ticket_id: str) -> Iterator[Message]:
    """Yield the messages that these decisions file in a ticket."""
    for change in chain.from_iterable(decision.changes for decision in decisions):
        match change:
            case event.MessageFiled(ticket_id=there) | event.Moved(to_ticket_id=there) if there == ticket_id:
                yield told.messages[change.message_id]


def strangers_share_no_ticket(told: Told) -> Iterator[object]:
    """By itself a message is filed only in a ticket of somebody who is in it; parts and records name their own."""
    people = dict[str, set[str]]()
    for decision in told.events:
        link = link_of(decision)
        if decision.features is None or link is None or link.ticket_id is None or decision.relation == "no_ticket":
            continue
        own, there = {*decision.features.requesters}, people.setdefault(link.ticket_id, set())
        if own and there and own.isdisjoint(there) and decision.relation not in ("part_of", "command"):
            yield decision.method, decision.input.message_id, link.ticket_id
        there |= {*own, *decision.features.participants}


def cities_never_meet(told: Told) -> Iterator[object]:
    """No decision of a city is about a message or a ticket of another, whatever that one's clerks order."""
    of_message = {one.message_id: one.jurisdiction for one in told.messages.values()}
    for decision in told.events:
        if decision.method in ("acknowledge_handover", "forget") and not decision.tickets:
            continue  # by the id of a message of which nobody knows yet where it belongs
        body, city = encode(replace(decision, features=None)).decode(), decision.jurisdiction
        tickets = {found[1] for found in _TICKETS.finditer(body)}
        messages = {of_message[one] for one in _MESSAGES.findall(body) if one in of_message}
        if not tickets | messages <= {city}:
            yield decision


def each_receipt_goes_out_once(told: Told) -> Iterator[object]:
    """Nobody is answered twice about one ticket."""
    intents = [one for one in told.seat.written if one.topic == topics.OUTBOX and b'"recipient"' in one.value]
    sent = Counter(decode(one.value, Outbox).outbox_id for one in intents)
    yield from (one for one, times in sent.items() if times > 1)


PROMISES: tuple[Callable[[Told], Iterator[object]], ...] = (
    the_log_gives_the_state,
    versions_have_no_gap,
    snapshots_tell_the_state,
    marks_name_the_first_snapshot,
    no_message_is_lost,
    links_only_grow,
    tickets_say_all_that_was_said,
    tickets_say_nothing_else,
    analysts_see_nobody,
    the_log_holds_no_words,
    what_is_erased_stays_so,
    what_is_blacked_out_stays_so,
    strangers_share_no_ticket,
    cities_never_meet,
    each_receipt_goes_out_once,
    *clerks_words.PROMISES,
    *orders_kept.PROMISES,
)


def keep(seat: Seat) -> None:
    """Raise BrokenError for the first promise that a seat did not keep."""
    told = Told(seat)
    for promise in PROMISES:
        for what in promise(told):
            raise BrokenError(promise.__name__, what)

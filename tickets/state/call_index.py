"""Call index: the records of each call that came in the last two days, and the way from a call to its ticket.

key and day of a record --> name of the call --> thread index --> live ticket
|
+--> records that wait for a ticket, and callers (`CallRecords`)
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import UNSET
from msgspec.structs import replace

from schemas.records import Event, Features, Message, event
from tickets.assembly import call_records
from tickets.assembly.call_records import CallRecords
from tickets.decision_input import Incoming
from tickets.model.keys import scoped
from tickets.model.ticket_state import Filed, TicketState, month_of
from tickets.state.separations import Separations
from tickets.state.thread_index import ThreadIndex
from tickets.state.tombstones import Forgotten, Tombstones


class CallIndex:
    """Calls by the scoped hash of platform and call id, in the order of their last records."""

    def __init__(
        self,
        tickets: Mapping[str, TicketState],
        threads: ThreadIndex,
        tombstones: Tombstones,
        separations: Separations,
        by_key: Mapping[str, list[CallRecords]],
    ) -> None:
        self._tickets = tickets
        self._threads = threads
        self._tombstones = tombstones
        self._separations = separations
        self._by_key = dict(by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def dump(self) -> dict[str, list[CallRecords]]:
        """Return all of it as it stands, for a checkpoint."""
        return self._by_key.copy()

    def call_of(self, jurisdiction: str, features: Features, at: datetime) -> str | None:
        """Return the name of the known call that a record is of; None for a record of a call that is not known yet."""
        callers = features.requesters
        for first in call_records.names_of_key(features, at):
            names = [call_records.further(first, one) for one in callers] if callers else [call_records.further(first)]
            if (known := next((one for one in names if self._is_known(jurisdiction, one)), None)) is not None:
                return known
            if not self._is_known(jurisdiction, first):
                continue
            known_callers = self._callers(jurisdiction, first)
            if not known_callers.isdisjoint(callers):
                return first
            is_open = not known_callers or not callers
            return first if is_open and not self._is_shared(jurisdiction, first) else None
        return None

    def likely(self, incoming: Incoming) -> TicketState | None:
        """Return the live ticket to which a record that opens one may belong, for a clerk to judge.

        It tells no caller where several are known, or no day where its id is known of the day before.
        """
        features, city = incoming.features, incoming.jurisdiction
        names = [] if features.requesters else [*call_records.names_of_key(features, incoming.at)]
        if features.call_began is UNSET:
            names += call_records.names_of_key(features, incoming.at - timedelta(days=1))
        for name in names:
            ticket = self._live(city, name)
            is_anothers = bool(features.requesters) and self._callers(city, name).isdisjoint(features.requesters)
            if ticket is not None and not is_anothers and (incoming.id, ticket.ticket_id) not in self._separations:
                return ticket
        return None

    def ticket_of(self, jurisdiction: str, features: Features, message_id: str, at: datetime) -> TicketState | None:
        """Return the live ticket of a record's call."""
        name = self.call_of(jurisdiction, features, at) if call_records.is_record(features) else None
        ticket = self._live(jurisdiction, name) if name is not None else None
        return None if ticket is None or (message_id, ticket.ticket_id) in self._separations else ticket

    def records_of(self, jurisdiction: str, features: Features, at: datetime) -> CallRecords | None:
        """Return the records of this record's call that came before it and are not forgotten."""
        name = self.call_of(jurisdiction, features, at) if call_records.is_record(features) else None
        return next((one for one in self._under(jurisdiction, features) if one.name == name), None)

    def holding(self, jurisdiction: str, features: Features, message_id: str) -> CallRecords | None:
        """Return the call whose records this message is among."""
        return next((one for one in self._under(jurisdiction, features) if message_id in one.told), None)

    def waiting(self, incoming: Incoming) -> tuple[str, ...]:
        """Return the records of this call that came before it and have no ticket yet."""
        known = self.records_of(incoming.jurisdiction, incoming.features, incoming.at)
        return known.waiting if known is not None else ()

    def apply(self, decision: Event) -> None:
        """Remember a record that is decided, before the decision alters anything else; the newest id is the last."""
        features, message_id = decision.features, decision.input.message_id
        if features is None or message_id is None or features.message_key is None:
            return
        if not call_records.is_record(features):
            return
        city = decision.jurisdiction
        call = self.records_of(city, features, decision.at)
        if call is None:
            name = self.call_of(city, features, decision.at) or self._new_name(city, features, decision.at)
            call = CallRecords(name=name, told_at=decision.at, callers=tuple(self._callers(city, name)))
        there = (one for one in self._under(city, features) if one is not call)
        others = [one for one in there if not call_records.is_over(one, decision.at)]
        filed = {one.message_id for one in decision.changes if isinstance(one, event.MessageFiled)}
        call = replace(
            call,
            told_at=decision.at,
            told={**call.told, message_id: Filed(decision.input.offset, 1, month_of(decision.at))},
            callers=tuple(dict.fromkeys((*call.callers, *features.requesters))),
            waiting=(*call.waiting, message_id),
        )
        key = scoped(city, call_records.undated(call.name))
        self._by_key.pop(key, None)
        self._by_key[key] = [_without_waiting(one, filed) for one in (*others, call)]

    def lead(self, jurisdiction: str, name: str, ticket_id: str, *, takes_over: bool) -> None:
        """Let a call's name lead to the ticket of its records; `takes_over` if it led to another one before."""
        key = scoped(jurisdiction, name)
        self._threads.set(key, ticket_id, takes_over=takes_over)
        if (first := call_records.first_of(name)) != name:
            self._threads.set(scoped(jurisdiction, call_records.mark_of(first)), ticket_id, takes_over=True)

    def evict(self, now: datetime) -> None:
        """Let calls go in the order of their last records."""
        while self._by_key:
            key, known = next(iter(self._by_key.items()))
            if not all(call_records.is_over(one, now) for one in known):
                return
            del self._by_key[key]

    def erase(self, jurisdiction: str, gone: Collection[str], known: Forgotten, people: Iterable[str] = ()) -> None:
        """Forget the calls that have one of these records; tombstones keep their names."""
        for key, calls in [one for one in self._by_key.items() if one[0].startswith(scoped(jurisdiction, ""))]:
            left = [call for call in calls if call.told.keys().isdisjoint(gone)]
            for call in calls if len(left) != len(calls) else ():
                if call not in left:
                    callers = (*people, *call.callers)
                    erased = replace(known, told_at=call.told_at, of_nobody=not callers)
                    name = scoped(jurisdiction, call.name)
                    self._tombstones.bury((name,), erased, people=callers)
                    self._tombstones.bury_undated((name,), erased, people=callers)
            if not left:
                del self._by_key[key]
            elif len(left) != len(calls):
                self._by_key[key] = left

    def erase_records(self, jurisdiction: str, gone: Collection[str], known: Forgotten) -> None:
        """Forget single records; the whole call if it has no ticket, as later records are of its ticket otherwise."""
        there = [key for key, calls in self._by_key.items() for call in calls if not call.told.keys().isdisjoint(gone)]
        for key in there:
            self._by_key[key] = [
                _without_records(call, gone) if scoped(jurisdiction, call.name) in self._threads else call
                for call in self._by_key[key]
            ]
        self.erase(jurisdiction, gone, known)

    def offsets(self, message: Message) -> list[int]:
        """Return where the records before this one stand in the input, if it takes them to understand this one.

        One without words tells its own facts by itself, unless it is the first that tells who called.
        """
        known = self.records_of(message.jurisdiction, message.features, message.ingested_at)
        if known is None or (message.message_class != "person" and not self._tells_who(message)):
            return []
        return sorted(one.offset for one in known.told.values())

    def own(self, message: Message, earlier: Sequence[Message]) -> Sequence[Message]:
        """Return the call's records before this one that are filed where it goes; not those that a clerk moved.

        In an input that was made anew others stand at their places.
        """
        known = self.records_of(message.jurisdiction, message.features, message.ingested_at)
        if known is None:
            return ()
        ticket = self.ticket_of(message.jurisdiction, message.features, message.message_id, message.ingested_at)
        there = {*ticket.messages, *known.waiting} if ticket is not None else known.told.keys()
        return [one for one in earlier if one.message_id in known.told and one.message_id in there]

    def _tells_who(self, message: Message) -> bool:
        ticket = self.ticket_of(message.jurisdiction, message.features, message.message_id, message.ingested_at)
        is_outbound = message.call is not UNSET and message.call.direction == "outbound"
        people = message.features.participants if is_outbound else message.features.requesters
        return ticket is not None and not ticket.requesters and bool(people)

    def _under(self, jurisdiction: str, features: Features) -> list[CallRecords]:
        """Return the calls that are remembered under a record's id, of any day and caller."""
        keys = (scoped(jurisdiction, key) for key in features.threads)
        return next((self._by_key[key] for key in keys if key in self._by_key), [])

    def _in_memory(self, jurisdiction: str, name: str) -> CallRecords | None:
        known = self._by_key.get(scoped(jurisdiction, call_records.undated(name)), ())
        return next((one for one in known if one.name == name), None)

    def _is_known(self, jurisdiction: str, name: str) -> bool:
        return scoped(jurisdiction, name) in self._threads or self._in_memory(jurisdiction, name) is not None

    def _is_shared(self, jurisdiction: str, first: str) -> bool:
        """Return True if there was a further call under an id and day, or an erased one.

        Then nobody knows whose a record without a caller is.
        """
        known = self._by_key.get(scoped(jurisdiction, call_records.undated(first)), ())
        if any(one.name.startswith(call_records.further(first)) for one in known):
            return True
        mark = scoped(jurisdiction, call_records.mark_of(first))
        return mark in self._threads or mark in self._tombstones or scoped(jurisdiction, first) in self._tombstones

    def _callers(self, jurisdiction: str, name: str) -> frozenset[str]:
        """Return who called, by the ticket where the records are forgotten."""
        known = self._in_memory(jurisdiction, name)
        if known is not None:
            return frozenset(known.callers)
        ticket = self._live(jurisdiction, name)
        return frozenset(ticket.requesters) if ticket is not None else frozenset()

    def _live(self, jurisdiction: str, name: str) -> TicketState | None:
        ticket = self._tickets.get(self._threads.find(jurisdiction, name) or "")
        return None if ticket is None or ticket.erased else ticket

    def _new_name(self, jurisdiction: str, features: Features, at: datetime) -> str:
        known = self._under(jurisdiction, features)
        key = call_records.undated(known[0].name) if known else features.message_key
        first = f"{key} {call_records.day_of(features, at)}"
        taken = [one for one in call_records.names_of_key(features, at) if self._is_known(jurisdiction, one)]
        return call_records.further(taken[0], *features.requesters[:1]) if taken else first


# A call is replaced and never changed in place, as a checkpoint may refer to the former one.


def _without_waiting(call: CallRecords, filed: Collection[str]) -> CallRecords:
    left = tuple(name for name in call.waiting if name not in filed)
    return call if left == call.waiting else replace(call, waiting=left)


def _without_records(call: CallRecords, gone: Collection[str]) -> CallRecords:
    return replace(call, told={name: filed for name, filed in call.told.items() if name not in gone})

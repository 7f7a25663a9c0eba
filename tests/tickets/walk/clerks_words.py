"""What a desk promises to clerks: what they said, joined or parted stays so, whatever comes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, permutations, product

from msgspec import UNSET
from msgspec.structs import replace

from schemas.records import Event, Ticket, event
from tests.tickets.walk.told import Told
from tickets.dedupe.clusters import CONNECTING
from tickets.sla.clocks import BY_HAND

Pair = tuple[str, str]


def what_a_clerk_said_stands(told: Told) -> Iterator[object]:
    """Kind, category, confidentiality and minor are what a clerk said last, also after a restart and by other rules."""
    said = dict[Pair, object]()
    for change in chain.from_iterable(decision.changes for decision in told.events):
        match change:
            case event.KindSet(source="clerk"):
                said[change.ticket_id, "kind"] = change.kind
            case event.CategorySet(source="clerk"):
                said[change.ticket_id, "category"] = change.code
            case event.ConfidentialitySet(source="clerk"):
                said[change.ticket_id, "confidentiality"] = change.level
            case event.MinorFlagged(source="clerk"):
                said[change.ticket_id, "minor"] = change.flag
    for (ticket_id, name), word in said.items():
        if ticket_id not in told.erased and _shown(told.tickets[ticket_id], name) != word:
            yield ticket_id, name, word, _shown(told.tickets[ticket_id], name)


def _shown(ticket: Ticket, name: str) -> object:
    shown: dict[str, object] = {
        "kind": ticket.request_kind,
        "category": ticket.category.code if ticket.category else None,
        "confidentiality": ticket.confidentiality,
        "minor": ticket.minor_protection.flag if ticket.minor_protection else None,
    }
    return shown[name]


def an_office_keeps_its_ticket(told: Told) -> Iterator[object]:
    """Whom a clerk gave a ticket, no rule gives it to another."""
    given = set[str]()
    for decision in told.events:
        for change in decision.changes:
            if isinstance(change, event.Dispatched) and decision.relation != "command" and change.ticket_id in given:
                yield decision
            if isinstance(change, event.Dispatched) and decision.relation == "command":
                given.add(change.ticket_id)


def what_a_clerk_parted_stays_apart(told: Told) -> Iterator[object]:
    """By no rule does a message come back into a ticket, or a ticket to another, from which a clerk parted it."""
    never, edges, proposed = set[Pair](), Counter[Pair](), dict[str, Pair]()
    for decision in told.events:
        if decision.relation != "command":
            yield from ((decision, pair) for pair in _joined(decision, edges) & never)
        for change in decision.changes:
            if isinstance(change, event.NeverLink):
                never.add((change.message_id, change.ticket_id))
            elif isinstance(change, event.Proposed):
                proposed[change.proposal_id] = (change.ticket_id, change.target)
            elif isinstance(change, event.Rejected):
                never |= {*permutations(proposed[change.proposal_id])}
            elif isinstance(change, event.EdgeRemoved):
                never |= {(change.ticket_id, change.other_id), (change.other_id, change.ticket_id)}
            elif isinstance(change, event.Moved):
                never.discard((change.message_id, change.to_ticket_id))
                never |= {*permutations((change.from_ticket_id, change.to_ticket_id))}
        _count(edges, decision)


def _joined(decision: Event, edges: Counter[Pair]) -> set[Pair]:
    """Return what a decision brings together: messages and tickets, tickets of two clusters, what it proposes."""
    joined = set[Pair]()
    for change in decision.changes:
        match change:
            case event.MessageFiled():
                joined.add((change.message_id, change.ticket_id))
            case event.EdgeAdded(kind="cluster" | "merged"):
                joined |= {*product(_cluster(edges, change.ticket_id), _cluster(edges, change.other_id))}
            case event.Proposed():
                joined.add((decision.input.message_id or "", change.target))
                if change.relation == "same_matter_other_person":  # who answers another's ticket tells something new
                    joined.add((change.ticket_id, change.target))
    return joined


def _count(edges: Counter[Pair], decision: Event) -> None:
    for change in decision.changes:
        if isinstance(change, event.EdgeAdded | event.EdgeRemoved) and change.kind in CONNECTING:
            edges[change.ticket_id, change.other_id] += 1 if isinstance(change, event.EdgeAdded) else -1


def _cluster(edges: Counter[Pair], ticket_id: str) -> set[str]:
    reached, waiting = {ticket_id}, [ticket_id]
    while waiting:
        one = waiting.pop()
        more = {other for pair, times in edges.items() if times > 0 and one in pair for other in pair} - reached
        reached |= more
        waiting += more
    return reached


def edges_make_the_clusters(told: Told) -> Iterator[object]:
    """After each decision every ticket shows the cluster that the edges make, named by its oldest ticket."""
    if any((one.ticket_id, one.version) not in told.versions for made in told.events for one in made.tickets):
        return  # of what a chunk changes more than once only the last is written
    opened, edges, shown = dict[str, int](), Counter[Pair](), dict[str, str]()
    for decision in told.events:
        before = dict(edges)
        _count(edges, decision)
        for change in decision.changes:
            if isinstance(change, event.Opened):
                opened[change.ticket_id] = len(opened)
        shown |= {after.ticket_id: after.cluster_id for _, after in told.before_and_after(decision)}
        touched = {one for pair in {*edges, *before} if edges[pair] != before.get(pair, 0) for one in pair}
        for one in {one for end in touched for one in _cluster(edges, end)}:
            oldest = min(_cluster(edges, one), key=opened.__getitem__)
            if shown[one] != oldest:
                yield decision, one, shown[one], oldest


def to_join_or_part_changes_nothing_else(told: Told) -> Iterator[object]:
    """A merge, and what takes it back, alters the edges of both tickets and their cluster alone."""
    for decision in told.events:
        if decision.method not in ("merge", "unmerge") or any(
            not isinstance(one, event.EdgeAdded | event.EdgeRemoved) for one in decision.changes
        ):
            continue
        for before, after in told.before_and_after(decision):
            if before is not None and _without_edges(before) != _without_edges(after):
                yield decision, before, after


def _without_edges(ticket: Ticket) -> Ticket:
    return replace(ticket, edges=(), cluster_id="", cluster_no=None, version=0, updated_at=ticket.received_at)


def what_is_restricted_is_only_proposed(told: Told) -> Iterator[object]:
    """By no rule is a ticket joined to another while one of both is restricted, or tells of a minor.

    Unless a clerk took back what restricts it: that it is a report, or that a minor is concerned.
    """
    restricted = dict[Pair, bool]()
    for decision in told.events:
        for change in decision.changes:
            if isinstance(change, event.ConfidentialitySet):
                restricted[change.ticket_id, "level"] = change.level == "restricted"
            elif isinstance(change, event.MinorFlagged):
                restricted[change.ticket_id, "minor"] = change.flag
            match change:
                case event.KindSet(source="clerk") | event.MinorFlagged(source="clerk", flag=False):
                    restricted[change.ticket_id, "level"] = False
        for change in decision.changes:
            if isinstance(change, event.EdgeAdded) and decision.relation != "command":
                ends = product((change.ticket_id, change.other_id), ("level", "minor"))
                if change.kind == "cluster" and any(restricted.get(end) for end in ends):
                    yield decision


def deadlines_are_those_of_the_clocks(told: Told) -> Iterator[object]:
    """A ticket shows when its clocks run out, and each but a person's own does so when its limit says."""
    limits = told.seat.policy.limits
    for ticket_id in told.state.tickets.keys() - told.erased:
        clocks, deadlines = told.state.tickets[ticket_id].clocks, told.tickets[ticket_id].deadlines
        shown = {one.clock: one.due_at for one in (() if deadlines is UNSET else deadlines)}
        if shown != {name: clock.due_at for name, clock in clocks.items()}:
            yield ticket_id, shown, clocks
        for name, clock in clocks.items():
            if clock.calendar_version != BY_HAND:
                again = limits.by(clock.policy_id, clock.started_at, clock.extension)
                if again.due_at != clock.due_at:
                    yield ticket_id, name, clock, again


PROMISES: Iterable[Callable[[Told], Iterator[object]]] = (
    what_a_clerk_said_stands,
    an_office_keeps_its_ticket,
    what_a_clerk_parted_stays_apart,
    edges_make_the_clusters,
    to_join_or_part_changes_nothing_else,
    what_is_restricted_is_only_proposed,
    deadlines_are_those_of_the_clocks,
)

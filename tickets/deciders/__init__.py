"""One relation a file; the first decider that is sure decides, the unsure ones leave proposals."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tickets.deciders import duplicate_other_person, duplicate_same_person, follow_up, new, no_ticket, part
from tickets.deciders.base import Verdict
from tickets.decision_input import Incoming
from tickets.state.state import State

Decider = Callable[[State, Incoming], Verdict | None]

DECIDERS: Mapping[str, Decider] = MappingProxyType(
    {
        "part_of": part.judge,
        "no_ticket": no_ticket.judge,
        "follow_up": follow_up.judge,
        "same_person_same_matter": duplicate_same_person.judge,
        "same_matter_other_person": duplicate_other_person.judge,
        "new": new.judge,
    }
)
"""In the order they are asked."""

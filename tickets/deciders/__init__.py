"""One relation a file; the first decider that is sure decides, the unsure ones leave proposals."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tickets.deciders import follow_up, new, no_ticket, part_of, same_matter, same_person
from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State

Decider = Callable[[State, Incoming], Verdict | None]

DECIDERS: Mapping[str, Decider] = MappingProxyType(
    {
        "part_of": part_of.judge,
        "no_ticket": no_ticket.judge,
        "follow_up": follow_up.judge,
        "same_person_same_matter": same_person.judge,
        "same_matter_other_person": same_matter.judge,
        "new": new.judge,
    }
)
"""In the order they are asked."""

"""Reducers: how each kind of change alters the state, one file for each family of events.

`tickets/state/state.py:apply` is their only caller.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from schemas.records import Event
from tickets.state.reducers import erasure, handling, handovers, messages

if TYPE_CHECKING:
    from tickets.state.state import State

REDUCERS: dict[type, Callable[["State", Event, Any], None]] = {
    **messages.REDUCERS,
    **handovers.REDUCERS,
    **erasure.REDUCERS,
    **handling.REDUCERS,
}
"""By the kind of change."""

"""What later decisions need of one live ticket; its body is the last snapshot, kept beside it."""

from datetime import datetime

from msgspec import Struct, field

from schemas.records import Edge


class TicketState(Struct, kw_only=True):
    """One live ticket. `order` counts the tickets of the partition in the order they were opened."""

    ticket_id: str
    ticket_no: str
    jurisdiction: str
    order: int
    version: int = 0
    status: str = "received"
    closed_at: datetime | None = None
    requesters: list[str] = field(default_factory=list)
    participants: list[str] = field(default_factory=list)
    text_keys: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

"""A desk that hears of calls, as a call platform tells of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas import topics
from schemas.codec import Position
from schemas.records import Command, Event, Message, Ticket, raw_message
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

START = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
CITY = "210100"
OURS = Policy()
LAMP = "中山路12号门口的路灯坏了三天，晚上看不见路"


def record(
    number: int,
    told: dict[str, Any],
    minutes: float,
    *,
    platform: str = "cti",
    jurisdiction: str = CITY,
    policy: Policy = OURS,
) -> Message:
    at = START + timedelta(minutes=minutes)
    raw = raw_message(
        channel="phone",
        channel_kind="phone_http",
        account="cti",
        jurisdiction=jurisdiction,
        identifier=str(number),
        value=msgspec.json.encode({"call_id": "c1", **told}),
        content_type=f"application/json; platform={platform}",
        time=at,
        recorded=at,
    )
    return normalize(raw, policy).message


class Calls:
    """A desk, and the input that it looks back into."""

    def __init__(self, state: State | None = None) -> None:
        self.desk = Desk(state or State(TicketPolicy()))
        self.input: list[Message | Command] = []
        self.events: list[Event] = []

    def tell(self, minutes: float | None = None, **told: Any) -> Event:
        return self.take(record(len(self.input) + 1, told, len(self.input) if minutes is None else minutes))

    def take(self, one: Message | Command) -> Event:
        earlier = [found for offset in self.desk.looks_back(one) if isinstance(found := self.input[offset], Message)]
        decision = self.desk.take(one, Position(topics.MESSAGE, 0, len(self.input)), earlier)
        self.input.append(one)
        assert decision is not None
        self.events.append(decision)
        return decision

    order = take

    @property
    def messages(self) -> list[Message]:
        return [one for one in self.input if isinstance(one, Message)]

    @property
    def state(self) -> State:
        return self.desk.state

    @property
    def tickets(self) -> list[Ticket]:
        return [self.desk.ticket(ticket_id) for ticket_id in self.state.tickets]

    @property
    def ticket(self) -> Ticket:
        (one,) = self.tickets
        return one

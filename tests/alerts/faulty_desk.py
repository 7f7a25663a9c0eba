"""`hotline` with a fault of ours in it: its desk fails over every message that speaks of `FAULT`."""

from collections.abc import Sequence

from hotline.cli import main
from schemas.records import Command, Event, Message
from schemas.wire import Position
from tickets.desk import Desk

FAULT = "路牌倒了"

honest = Desk.take


def take(self: Desk, record: Message | Command, position: Position, earlier: Sequence[Message] = ()) -> Event | None:
    if isinstance(record, Message) and FAULT in record.text:
        raise IndexError
    return honest(self, record, position, earlier)


if __name__ == "__main__":
    Desk.take = take
    main()

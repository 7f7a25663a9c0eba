"""`hotline` with faults of ours in it: its desk fails over what speaks of `FAULT`, its screen over `UNHEARD`."""

from typing import Any

from hotline.cli import main
from schemas.records import Command, Event, Handover, Message
from streams import screen
from tickets.processor import Desk

FAULT = "路牌倒了"
UNHEARD = "四楼着火了，快来人"

honest, hands_over = Desk.take, screen.handover


def take(self: Desk, record: Message | Command, *given: Any) -> Event | None:
    if isinstance(record, Message) and FAULT in record.text:
        raise IndexError
    return honest(self, record, *given)


def handover(message: Message, *given: Any) -> Handover | None:
    if UNHEARD in message.text:
        raise IndexError
    return hands_over(message, *given)


if __name__ == "__main__":
    Desk.take, screen.handover = take, handover
    main()

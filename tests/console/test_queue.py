"""The desk's queue: worst and oldest first, gone only by the event log, bounded."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from console.desk import queue
from console.desk.queue import Queue
from schemas.codec import encode
from schemas.records import Event, InputRef, event
from tests.console.doors import CITY, NOW, OTHER_CITY, handover

TICKET = f"{CITY}-" + "a" * 20


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


class Desk:
    """A queue and the records that come to it."""

    def __init__(self) -> None:
        self.queue = Queue()

    def hand_over(self, name: str, age: float = 0, city: str = CITY, **changes: Any) -> None:
        one = handover(name, age, city, **changes)
        self.queue.hand_over(encode(one), milliseconds(one.taken_at))

    def decide(self, *changes: Any, city: str = CITY, by: str = "console/liu.y", at: datetime = NOW) -> None:
        decision = Event(
            event_id="command:1", jurisdiction=city, at=at, author=by, relation="command", policy_version="1",
            input=InputRef(command_id="1", topic="t", partition=0, offset=0), changes=changes,
        )  # fmt: skip
        self.queue.decide(encode(decision), milliseconds(at))

    @property
    def waiting(self) -> list[str]:
        return [one.urgent.handover_id for one in self.queue.snapshot(NOW).waiting]


def test_the_worst_come_first_and_of_these_the_oldest() -> None:
    desk = Desk()
    desk.hand_over("m", 90, level="mentioned")
    desk.hand_over("u", 60)
    desk.hand_over("young", 10, level="critical")
    desk.hand_over("old", 40, level="critical")
    desk.hand_over("stale", 99, level="critical", stale=True)
    desk.queue.hand_over(b"of a stranger", 0)
    assert desk.waiting == ["old", "young", "u", "m"]
    assert desk.queue.oldest == NOW - timedelta(seconds=90)


def test_only_an_answer_of_its_own_city_takes_one_away_and_its_text_goes_with_it() -> None:
    desk = Desk()
    desk.hand_over("a", 30)
    desk.decide(event.Acknowledged(handover_id="a"), city=OTHER_CITY)
    desk.decide(event.HandedOver(ticket_id=TICKET, handover_id="a", classes=("fire",), level="urgent"))
    assert desk.queue.snapshot(NOW).waiting[0].ticket_id == TICKET
    desk.decide(event.Acknowledged(handover_id="a", ticket_id=TICKET))
    desk.decide(event.Acknowledged(handover_id="a", ticket_id=TICKET), by="console/late")
    told = desk.queue.snapshot(NOW)
    assert told.waiting == ()
    (one,) = told.answered
    assert (one.by, one.location, one.at - one.since, one.ticket_id) == (
        "console/liu.y",
        "解放路88号",
        timedelta(seconds=30),
        TICKET,
    )
    assert "三楼着火了" not in str(desk.queue.__dict__)
    desk.hand_over("a", 30)  # `screen` repeats one after a crash
    assert desk.waiting == []


def test_others_of_the_same_address_stand_beside_and_go_with_it() -> None:
    desk = Desk()
    desk.hand_over("a", 30, level="critical")
    desk.hand_over("b", 20, folded_into="a", text="四楼冒烟")
    (one,) = desk.queue.snapshot(NOW).waiting
    assert [other.text for other in one.beside] == ["四楼冒烟"]
    desk.decide(event.Acknowledged(handover_id="a"))
    assert desk.waiting == []
    assert len(desk.queue.snapshot(NOW).answered) == 1


@pytest.mark.parametrize("read_at", [0, 1, 2], ids=["before both events", "between them", "after them"])
def test_what_a_clerk_reinstates_rings_again_with_its_text_whichever_is_read_first(read_at: int) -> None:
    again = event.HandoverReinstated(ticket_id=TICKET, handover_id="a", classes=("fire",), level="critical")
    desk, at = Desk(), NOW - timedelta(seconds=20)
    dismissed = event.HandoverDismissed(ticket_id=TICKET, handover_id="a", reason_code="drill")
    desk.hand_over("a", 60)
    told = [
        lambda: desk.decide(dismissed, at=NOW - timedelta(seconds=40)),
        lambda: desk.decide(again, at=at),
    ]
    told.insert(read_at, lambda: desk.hand_over("a", 60, reinstated_at=at))
    for tell in told:
        tell()
    (one,) = desk.queue.snapshot(NOW).waiting
    assert (one.urgent.since, one.urgent.level) == (at, "critical")
    assert one.handover is not None
    assert "三楼着火了" in one.handover.text
    assert desk.queue.snapshot(NOW).answered == ()
    desk.decide(event.Acknowledged(handover_id="a", ticket_id=TICKET))
    assert "三楼着火了" not in str(desk.queue.__dict__)


def test_why_a_command_was_refused_is_known_by_its_id() -> None:
    desk = Desk()
    desk.decide(event.CommandRefused(command_id="desk:1", reason="x", code="not_filed"))
    assert desk.queue.snapshot(NOW).refused == {"desk:1": "not_filed"}


def test_people_see_their_cities_alone() -> None:
    desk = Desk()
    desk.hand_over("a")
    desk.hand_over("b", city=OTHER_CITY)
    desk.decide(event.Acknowledged(handover_id="b"), city=OTHER_CITY)
    told = desk.queue.snapshot(NOW)
    assert [one.name for one in told.of((CITY,)).waiting] == [(CITY, "a")]
    assert told.of((CITY,)).answered == ()
    assert told.of((OTHER_CITY,)).waiting == ()
    assert told.find("a", (CITY,)) is not None
    assert told.find("a", (OTHER_CITY,)) is None


def test_a_flood_keeps_the_texts_of_the_worst_and_says_that_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST_WHOLE", 4)
    desk = Desk()
    for number in range(6):
        desk.hand_over(f"u{number}", 60 - number)
    desk.hand_over("worst", 1, level="critical")
    told = desk.queue.snapshot(NOW)
    assert told.is_cut
    assert [one.urgent.handover_id for one in told.waiting if one.handover] == ["worst", "u0", "u1", "u2"]
    assert len(told.waiting) == 7
    assert not desk.queue.needs_reading
    for name in ("worst", "u0", "u1"):
        desk.decide(event.Acknowledged(handover_id=name))
    assert desk.queue.needs_reading

"""The event log keeps for years that a command was refused, and none of its words."""

import pytest

from schemas.records import Command
from schemas.records.command import KINDS
from schemas.wire import encode
from tests.tickets.build import CITY, START, position
from tickets.desk import Desk
from tickets.policy import TicketPolicy
from tickets.state import State


def refused(kind: str) -> str:
    desk = Desk(State(TicketPolicy()))
    command = Command(command_id="c1", jurisdiction=CITY, kind=kind, author="clerk", at=START, reason="李小龙不满意")
    decision = desk.take(command, position(0))
    assert decision is not None
    return encode(decision).decode()


def test_words_given_as_a_kind_are_not_repeated() -> None:
    event = refused("退给李小龙 13812345678")
    assert "command_refused" in event
    assert not any(secret in event for secret in ("李小龙", "13812345678", "不满意"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_known_kind_is_named(kind: str) -> None:
    assert f"commands of kind {kind}" in refused(kind)

"""A part of a long SMS that comes alone may begin or end inside a number: its pieces are masked as the whole is."""

import re
from collections.abc import Iterator
from itertools import combinations

import pytest

from tests.rows import each_row
from tests.tickets.commands.orders import Office
from tests.tickets.pieces import parts_of
from tests.tickets.test_parts import Assigned
from tickets.masking.mask import mask_ticket

TEXT = "市长您好路灯坏了请打13764520918或lili33@mail.cn谢谢一三七六四五二零九一八再说"
SHOWN = re.compile("[0-9零一二三四五六七八九]{2}|lili")


def shown_of_some(text: str, size: int) -> Iterator[str]:
    """Yield what analysts see of a long SMS while any of its parts are missing."""
    parts = parts_of(text, size)
    for count in range(1, len(parts)):
        for some in combinations(parts, count):
            assigned = Assigned()
            assigned.take(some)
            (ticket,) = assigned.tickets
            masked = mask_ticket(ticket)
            yield f"{masked.title} {masked.text} {masked.search_text}"


@pytest.mark.parametrize("size", range(20, 60, 2))
def test_no_piece_of_a_number_is_shown_while_parts_are_missing(size: int) -> None:
    for told in shown_of_some(TEXT, size):
        assert SHOWN.search(told) is None, told


NAMED = "学校食堂的饭菜不新鲜，请管一管，我叫周海燕，电话13764520918"


@each_row("size", range(16, 60, 2))
def test_nor_is_a_name_whose_cue_is_in_another_part(size: int) -> None:
    for told in shown_of_some(NAMED, size):
        assert re.search("周海|海燕", told) is None, told


def test_what_came_whole_keeps_its_ordinary_numbers() -> None:
    assigned = Assigned()
    assigned.take(parts_of("2026年路灯坏了，请打12345", 20))
    (ticket,) = assigned.tickets
    assert mask_ticket(ticket).text == "2026年路灯坏了，请打12345"


@each_row("size", range(16, 40, 4))
def test_nor_in_the_ticket_that_a_later_part_opens_when_the_part_before_it_was_redacted(size: int) -> None:
    first, *others = parts_of(TEXT, size)
    at_office = Office([first])
    ticket = at_office.ticket(at_office.tickets[0])
    at_office.order("redact", ticket.ticket_id, spans=[[0, len(ticket.text)]], if_version=ticket.version)
    for one in others:
        at_office.take(one)
    tickets = {made.ticket_id for decision in at_office.decisions for made in decision.tickets}
    assert len(tickets) > 1
    for masked in map(mask_ticket, map(at_office.ticket, tickets)):
        told = f"{masked.title} {masked.text} {masked.search_text}"
        assert SHOWN.search(told) is None, told

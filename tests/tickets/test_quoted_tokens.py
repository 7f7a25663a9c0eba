"""A token or an official number that several people quote tells which ticket they mean, and makes no copies of them."""

import pytest

from normalizers.base import Policy
from normalizers.parse.ticket_tokens import make
from tests.tickets.said import decided, said, take, ticket_of


@pytest.mark.parametrize("by_number", [True, False])
def test_two_strangers_who_quote_one_ticket_about_two_matters_are_not_joined(by_number: bool) -> None:
    desk, (opened,) = decided([said(0, "", "翠屏花园停水一天了物业不管，没有人通知")])
    ticket = ticket_of(desk, opened)
    quoted = ticket.ticket_no if by_number else make(ticket.ticket_id, Policy())
    decisions = take(desk, [said(1, "", f"站台没有雨棚 {quoted}"), said(2, "", f"收了两次钱 {quoted}")])
    assert [decision.relation for decision in decisions] == ["new", "new"]
    assert [[one.target for one in ticket_of(desk, decision).proposals] for decision in decisions] == [
        [ticket.ticket_id]
    ] * 2

"""One account, several who are written for: each has a ticket of their own, and a proposal says that it may be one."""

import pytest

from tests.rows import each_row
from tests.tickets.said import decided, said, take, ticket_of

OPENID = {"kind": "openid", "value": "oA1b2C3d4E5f6G7h8I9j0K1l2M3n"}
PENSION = "柳荫公寓3号楼的老人高龄津贴三个月没发了"
OF_MOTHER, OF_FATHER = f"替我妈问，{PENSION}", f"替我爸问，{PENSION}"


@each_row("sender", ["13900000001", OPENID])
@each_row(
    ("first", "second"),
    [
        (OF_MOTHER, OF_FATHER),
        (OF_MOTHER, f"帮邻居张大爷反映，{PENSION}"),
        (f"帮邻居张大爷反映，{PENSION}", f"帮邻居李阿姨反映，{PENSION}"),
        (PENSION, OF_MOTHER),
    ],
)
def test_another_who_is_written_for_has_another_ticket(first: str, second: str, sender: str | dict[str, str]) -> None:
    desk, (one, two) = decided([said(n, "", text, sender=sender) for n, text in enumerate((first, second))])
    assert two.tickets[0].ticket_id != one.tickets[0].ticket_id
    assert one.tickets[0].ticket_id in [found.target for found in ticket_of(desk, two).proposals]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (OF_MOTHER, f"我替母亲再问一次，{PENSION}"),
        (OF_MOTHER, PENSION),
        (f"帮邻居问，{PENSION}", f"帮邻居张大爷问，{PENSION}"),
    ],
)
def test_the_same_one_s_matter_is_heard_once(first: str, second: str) -> None:
    assert decided([said(n, "", text, sender=OPENID) for n, text in enumerate((first, second))])[1][1].relation == (
        "same_person_same_matter"
    )


@pytest.mark.parametrize("first", [OF_MOTHER, PENSION])
def test_an_answer_for_another_about_something_else_is_only_proposed(first: str) -> None:
    desk, (asked,) = decided([said(0, "", first, sender=OPENID)])
    number = ticket_of(desk, asked).ticket_no
    (other,) = take(desk, [said(1, "", f"帮邻居反映，宏发服装厂拖欠三个月的工资，工单{number}", sender=OPENID)])
    assert other.relation == "new"
    assert [found.relation for found in ticket_of(desk, other).proposals] == ["follow_up"]
    (more,) = take(desk, [said(2, "", f"还是没有发，工单{number}", sender=OPENID)])
    assert (more.relation, more.tickets[0].ticket_id) == ("follow_up", asked.tickets[0].ticket_id)

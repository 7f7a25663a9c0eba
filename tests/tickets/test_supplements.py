"""What somebody adds to a matter of their own and does not name is a ticket, proposed to the few that it may mean."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from schemas.records import Event, Message
from tests.rows import each_row
from tests.tickets.build import START
from tests.tickets.commands.orders import Office, refusal, same
from tests.tickets.said import decided, said, take, ticket_of
from tickets.policy import TicketPolicy, near_policy
from tickets.processor import Desk

WE = "13845671201"
LIFT, LIGHTS, PENSION = (
    "幸福里小区12号楼的电梯停了三天，老人下不了楼",
    "解放路与青年大街路口的红绿灯不亮",
    "我爸的养老金这个月没到账，社保局说让等",
)
HOUR, DAY = 60, 24 * 60


def at(minutes: int, text: str, **more: str) -> Message:
    return said(minutes, "", text, sender=WE, **more)


def proposed(*messages: Message, **near: float) -> list[int]:
    """Return to which of the messages before it the last one is proposed; all open tickets. `near` is other policy."""
    desk, decisions = decided(messages, TicketPolicy(near=replace(near_policy(), **near)))
    tickets = [one.tickets[0].ticket_id for one in decisions]
    assert len(set(tickets)) == len(messages)
    return [tickets.index(one.target) for one in ticket_of(desk, decisions[-1]).proposals]


@each_row(
    "text",
    [
        "还没解决",
        "根本没解决，电梯又停了",
        "同上，请尽快处理",
        "催一下我上周反映的电梯问题",
        "为什么没人联系我",
        "不满意",
        "谢谢，修好了",
        "补充：电梯里昨天还困过人，物业电话没人接",
        "不用处理了，电梯已经修好，撤销投诉",
        "幸福里的事怎么样了",
    ],
)
def test_a_few_words_days_later_are_proposed_to_the_ticket(text: str) -> None:
    assert proposed(at(0, LIFT), at(2 * DAY, text)) == [0]


@pytest.mark.parametrize("text", ["更正一下，是13号楼不是12号楼", "说错了，是13号楼", "在青年大街56号"])
def test_a_place_alone_belongs_to_what_was_just_said(text: str) -> None:
    assert proposed(at(0, LIFT), at(5, text)) == [0]


def test_of_three_matters_the_one_is_meant_that_is_named() -> None:
    assert proposed(at(0, LIFT), at(1, LIGHTS), at(2, PENSION), at(2 * DAY, "电梯还是没修好")) == [0]


def test_where_none_is_named_all_are_proposed_what_had_news_last_first() -> None:
    assert proposed(at(0, LIFT), at(1, LIGHTS), at(2, PENSION), at(2 * DAY, "还没解决")) == [2, 1, 0]


def test_the_newest_of_many_are_proposed() -> None:
    other = at(3, "河边小学门口天天堵车")
    assert proposed(at(0, LIFT), at(1, LIGHTS), at(2, PENSION), other, at(2 * DAY, "还没解决")) == [3, 2, 1]


@each_row(
    "text",
    [
        LIGHTS,
        "幸福里小区15号楼门口的垃圾没人收",
        "建设路8号的电梯坏了",
        "我今年13岁，爸爸天天打我",
        "举报他们收钱不办事",
    ],
)
def test_a_matter_of_its_own_is_proposed_to_none(text: str) -> None:
    assert proposed(at(0, LIFT), at(2 * DAY, text)) == []


def test_nobody_else_s_ticket_is_meant() -> None:
    assert proposed(said(0, "", LIFT, sender="13845671202"), at(5, "还没解决")) == []


def test_who_states_another_name_means_none() -> None:
    assert proposed(at(0, f"我叫王建国，{LIFT}"), at(2 * DAY, "我叫李梅，还没解决")) == []


def test_a_picture_is_proposed_to_what_was_said_before_it() -> None:
    picture = at(5, "")
    assert proposed(at(0, LIFT), replace(picture, features=replace(picture.features, grams=()))) == [0]


@pytest.mark.parametrize("first", ["你好", "我要投诉", ""], ids=["greeting", "announced", "picture"])
def test_what_follows_at_once_is_proposed_to_what_named_nothing(first: str) -> None:
    begun = at(0, first)
    begun = begun if first else replace(begun, features=replace(begun.features, grams=(), names=()))
    assert proposed(begun, at(2, f"{LIFT}，请领导尽快派人来修，我们天天爬楼梯，家里还有八十岁的老人")) == [0]
    assert proposed(begun, at(2 * HOUR, LIFT)) == []


def test_how_long_and_to_how_many_a_few_words_belong_is_the_policys() -> None:
    long = f"{LIFT}，请领导尽快派人来修，我们天天爬楼梯，家里还有八十岁的老人"
    assert proposed(at(0, "你好"), at(50, long)) == [0]
    assert proposed(at(0, "你好"), at(50, long), at_once_minutes=30) == []
    assert proposed(at(0, LIFT), at(2 * DAY, "还没解决"), short_grams=1) == []
    assert len(proposed(at(0, LIFT), at(1, LIGHTS), at(2, PENSION), at(2 * DAY, "还没解决"))) == 3
    assert len(proposed(at(0, LIFT), at(1, LIGHTS), at(2, PENSION), at(2 * DAY, "还没解决"), max_supplemented=2)) == 2


def again(minutes: int, *between: Message) -> tuple[Desk, Event, Event]:
    desk, (_, first) = decided([at(0, LIFT), at(1, "不满意")])
    take(desk, between)
    (second,) = take(desk, [at(minutes, "不满意")])
    return desk, first, second


def test_few_words_that_come_twice_at_once_are_one() -> None:
    _, first, second = again(30)
    assert (second.relation, second.tickets[0].ticket_id) == ("same_person_same_matter", first.tickets[0].ticket_id)


@pytest.mark.parametrize(
    "said_again",
    [lambda: again(3 * HOUR), lambda: again(30, at(9, LIGHTS))],
    ids=["hours later", "after another matter"],
)
def test_the_same_few_words_may_mean_another_matter_later(said_again: Callable[[], tuple[Desk, Event, Event]]) -> None:
    """As a repeat they would not be written down, and whoever works on the second matter would not see them."""
    desk, first, second = said_again()
    assert second.relation == "new"
    assert first.tickets[0].ticket_id in [one.target for one in ticket_of(desk, second).proposals]


def test_who_only_calls_again_and_again_has_no_ticket_each_time() -> None:
    desk, _ = decided([at(minute, text) for minute, text in enumerate(["你好", "在吗", "有人吗"] * 8)])
    assert len(desk.state.tickets) == 3


def test_what_names_something_is_meant_before_what_names_nothing() -> None:
    assert proposed(at(0, "你好"), at(1, LIFT), at(2, "在吗"), at(3, "怎么没人回")) == [1, 2, 0]


def test_so_they_may_in_an_archive_that_brings_both_at_once() -> None:
    taken = START + timedelta(days=60)
    _, (_, _, again) = decided(
        [replace(at(n * DAY, text), ingested_at=taken) for n, text in enumerate((LIFT, "不满意", "不满意"))]
    )
    assert again.relation == "new"


def test_one_proposal_is_confirmed_and_the_others_stay() -> None:
    at_office = Office([at(0, LIFT), at(1, LIGHTS), at(2 * DAY, "还没解决")])
    lift, lights, unsolved = at_office.tickets
    of_lights, of_lift = at_office.ticket(unsolved).proposals
    assert refusal(at_office.order("confirm_proposal", unsolved, proposal_id=of_lift.proposal_id)) is None
    assert at_office.ticket(unsolved).cluster_id == lift
    assert refusal(at_office.order("reject_proposal", unsolved, proposal_id=of_lights.proposal_id)) is None
    assert at_office.ticket(lights).cluster_id == lights
    same(at_office)


def test_what_was_forgotten_is_not_proposed() -> None:
    at_office = Office([at(0, LIFT)])
    at_office.order("forget", at_office.tickets[0])
    later = at_office.take(at(2 * DAY, "还没解决"))
    assert at_office.ticket(later.tickets[0].ticket_id).proposals == ()
    same(at_office)


AGAIN = (
    "我上次打电话反映过，你们给我转接到了市场监管的12315，他们那边说这个事情不属于他们的受理范围，"
    "让我重新打12345找卫生部门，到底谁来管我这个事情，能不能给个说法"
)
ROACH = "我在人民路的福满楼吃饭吃出蟑螂，老板不赔，要求处理"


def sent_on(second: str, *, status: str = "not_accepted", days: int = 3, first: str = ROACH) -> list[int]:
    """Return to which ticket is proposed what its citizen says after they were sent to another line."""
    at_office = Office([at(0, first)])
    reason = {"reason_code": "out_of_jurisdiction"} if status == "not_accepted" else {}
    assert refusal(at_office.order("set_status", at_office.tickets[0], status=status, **reason)) is None
    (decision,) = take(at_office.desk, [at(days * DAY, second)])
    assert decision.relation == "new"
    ticket = ticket_of(at_office.desk, decision)
    return [at_office.tickets.index(one.target) for one in ticket.proposals]


def test_who_was_sent_on_to_another_line_and_calls_again_is_proposed() -> None:
    assert sent_on(AGAIN) == [0]


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (AGAIN, {"status": "registered"}),
        (AGAIN, {"days": 15}),
        (
            "我在解放路的聚香阁吃饭也吃坏了肚子，找他们经理理论，经理让我去找卫生部门开证明，我不知道去哪里开这个证明",
            {},
        ),
    ],
)
def test_who_was_not_sent_on_or_names_another_place_is_not(second: str, told: dict[str, object]) -> None:
    assert sent_on(second, **told) == []  # type: ignore[arg-type]


@each_row("line", ["12315", "12345", ""])
@each_row("own", [WE, "13999999999"])
def test_what_another_line_passes_on_is_proposed_by_the_telephone_that_it_names(line: str, own: str) -> None:
    desk, (first,) = decided([at(0, ROACH)])
    text = f"12315转来：消费者投诉餐饮店食品卫生，来电号码{own}，请贵市热线办理"
    passed_on = said(3 * DAY, "", text, sender=line or {"kind": "name", "value": "12315平台"})
    (decision,) = take(desk, [passed_on])
    assert decision.relation == "new"
    proposed = [one.target for one in ticket_of(desk, decision).proposals]
    assert proposed == ([first.tickets[0].ticket_id] if own == WE else [])

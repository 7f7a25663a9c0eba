"""One telephone of an office, a shop or a family, or one account: who states another name or telephone is another."""

from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import Event, Message, Ticket, event, raw_message
from tests.rows import each_row
from tests.tickets.build import START, message
from tests.tickets.commands.orders import Office, refusal, same
from tests.tickets.said import decided, said, take, ticket_of

LIFT = "柳荫公寓的电梯总是坏，物业不修"
SHARED = "13900000001"
FIRST = f"210100-{said(0, '', LIFT).message_id[:20]}"


def relation(first: str, second: str) -> tuple[str, list[tuple[str, str]], str]:
    """Return what becomes of the second message of one telephone, its proposals, and the first one's ticket."""
    desk, (one, two) = decided([said(n, "", text, sender=SHARED) for n, text in enumerate((first, second))])
    proposals = [(proposal.relation, proposal.target) for proposal in ticket_of(desk, two).proposals]
    return two.relation, proposals, one.tickets[0].ticket_id


@each_row(
    ("first", "second"),
    [
        (f"我叫王建国，{LIFT}", f"我叫李梅，{LIFT}"),
        (f"我叫王建国，{LIFT}", f"我叫王建军，{LIFT}"),
        (f"市民王先生来电反映{LIFT}", f"市民王女士来电反映{LIFT}"),
        (f"我姓王，{LIFT}", f"来电人：李某，{LIFT}"),
        (f"{LIFT}。签名：王建国", f"{LIFT}。签名：李梅"),
        (f"{LIFT}。业主签名 王建国", f"{LIFT}。业主签名 李梅"),
        (f"{LIFT}。户主：王建国", f"{LIFT}。户主：李梅"),
        (f"{LIFT}。签名：阿依古丽", f"{LIFT}。签名：其其格"),
        (f"我叫扎西，{LIFT}", f"我叫卓玛，{LIFT}"),
        (f"{LIFT}\n\n王建国", f"{LIFT}\n\n李梅"),
        (f"{LIFT}。\n此致\n敬礼！\n王建国\n2026年11月25日", f"{LIFT}。\n此致\n敬礼！\n李梅\n二〇二六年十一月二十五日"),
        (f"{LIFT}\n王先生", f"{LIFT}\n  买买提·艾力 "),
        (f"我叫买买提·艾力，{LIFT}", f"我叫王建国，{LIFT}"),
        (f"业主阿依古丽反映{LIFT}", f"业主扎西次仁反映{LIFT}"),
        (f"{LIFT}。联系电话：13911112222", f"{LIFT}。联系电话：13933334444"),
        (f"{LIFT}。联系电话024-31234567", f"{LIFT}。联系电话31287654"),
        (f"市民张女士（13911112222）反映{LIFT}", f"市民张女士（13933334444）反映{LIFT}"),
        (f"来信人：张伟，电话13911112222。{LIFT}", f"来信人：张伟，电话13933334444。{LIFT}"),
        (f"{LIFT}\n张伟 13911112222", f"{LIFT}\n张伟 13933334444"),
        (
            f"{LIFT}。联系电话：13911112222\n信访科电话：024-31234567",
            f"{LIFT}。我的电话是139 3333 4444\n信访科电话：024-31234567",
        ),
    ],
)
def test_two_names_or_telephones_are_two_persons_with_a_ticket_each_and_a_proposal(first: str, second: str) -> None:
    found, proposals, ticket = relation(first, second)
    assert found == "same_matter_other_person"
    assert ("same_person_same_matter", ticket) in proposals


@each_row(
    ("first", "second"),
    [
        (f"我叫王建国，{LIFT}", LIFT),
        (LIFT, f"我叫王建国，{LIFT}"),
        (f"我叫王建国，{LIFT}", f"市民王先生来电反映{LIFT}"),
        (f"我叫买买提·艾力，{LIFT}", f"{LIFT}。签名：买买提·艾力"),
        (f"我叫买买提·艾力，{LIFT}", f"来电人：买买提，反映{LIFT}"),
        (f"我叫马玉山，{LIFT}", f"市民马先生来电反映{LIFT}"),
        (f"{LIFT}\n谢谢", f"{LIFT}\n王建国"),
        (f"{LIFT}\n高兴", f"{LIFT}\n张贴"),
        (f"{LIFT}\n王建国", f"我叫王建国，{LIFT}"),
        (f"我是王女士的丈夫，{LIFT}", f"我姓李，{LIFT}"),
        (f"{LIFT}，业主签名都是假的", f"{LIFT}，签名是王建国一个人代签的"),
        (f"{LIFT}。联系电话：13911112222", f"{LIFT}，还没修。电话：13911112222"),
        (f"{LIFT}。联系电话：024-31234567", f"{LIFT}，还没修。联系电话31234567"),
        (f"{LIFT}", f"{LIFT}。联系电话：13911112222"),
        (f"{LIFT}，物业电话13911112222没人接", f"{LIFT}，维修公司电话13933334444也没人接"),
    ],
)
def test_who_states_no_other_name_or_telephone_is_heard_once(first: str, second: str) -> None:
    assert relation(first, second)[0] == "same_person_same_matter"


def answering(text: str) -> tuple[Event, Ticket]:
    """Return what becomes of an answer from the telephone from which 王建国 told of a lift."""
    first = said(0, "", f"我叫王建国，{LIFT}", sender=SHARED)
    desk, (asked,) = decided([first])
    (decision,) = take(desk, [said(1, "", f"{text}，工单{ticket_of(desk, asked).ticket_no}", sender=SHARED)])
    return decision, ticket_of(desk, decision)


@pytest.mark.parametrize("text", ["我叫李梅，宏发服装厂拖欠我三个月的工资", "我叫李梅，我要举报隔壁麻将馆赌博，请保密"])
def test_who_states_another_name_and_tells_of_something_else_is_not_read_in_the_first_one_s_ticket(text: str) -> None:
    decision, ticket = answering(text)
    assert (decision.relation, ticket.message_count) == ("new", 1)
    assert [(one.relation, one.target) for one in ticket.proposals] == [("follow_up", FIRST)]


@each_row(
    "text",
    [
        "我叫李梅，电梯还没修",
        "李女士：还是没人来",
        "我叫王建国，我要举报隔壁麻将馆赌博，请保密",
        "宏发服装厂拖欠我工资",
    ],
)
def test_who_answers_for_the_other_or_states_no_other_name_is_filed(text: str) -> None:
    decision, ticket = answering(text)
    assert (decision.relation, ticket.ticket_id) == ("follow_up", FIRST)


def test_the_same_name_makes_no_two_matters_one() -> None:
    assert relation("我叫王建国，柳荫公寓的电梯总是坏", "我叫王建国，城南早市的摊贩占道")[0] == "new"


def test_the_very_same_text_is_of_two_persons_when_the_form_has_two_names() -> None:
    def written(number: int, name: str) -> Message:
        return said(number, "", LIFT, sender={"kind": "phone", "value": "024-31234567", "name": name})

    desk, (one, two, again) = decided([written(0, "王建国"), written(1, "李梅"), written(2, "李梅")])
    assert two.relation == "same_matter_other_person"
    assert [found.target for found in ticket_of(desk, two).proposals] == [one.tickets[0].ticket_id]
    assert again.tickets[0].ticket_id == two.tickets[0].ticket_id


def named(number: int, *stated: str, text: str = LIFT) -> Message:
    made = message(number, text)
    return replace(made, features=replace(made.features, stated=stated))


def test_messages_that_were_decided_before_names_were_kept_are_decided_as_before() -> None:
    at_office = Office([named(0), named(1, "surname-wang")])
    assert [one.relation for one in at_office.decisions] == ["new", "same_person_same_matter"]
    same(at_office)


def test_a_name_leaves_the_ticket_with_its_message() -> None:
    at_office = Office([named(0), named(1, "surname-wang")])
    ticket, (_, wrong) = at_office.tickets[0], (one.event_id for one in at_office.decisions)
    assert refusal(at_office.order("move", ticket, message_id=wrong)) is None
    tickets = at_office.desk.state.tickets
    assert not tickets[ticket].stated()
    assert {name for one in tickets.values() for name in one.stated()} == {"surname-wang"}
    same(at_office)


@pytest.mark.parametrize(("kind", "args"), [("forget", {}), ("redact", {"fields": ["requester"]})])
def test_an_erased_name_is_gone_from_memory_and_checkpoint(kind: str, args: dict[str, object]) -> None:
    at_office = Office([named(0, "surname-wang")])
    assert "surname-wang" in repr(list(at_office.desk.state.tickets.values()))
    assert refusal(at_office.order(kind, at_office.tickets[0], **args)) is None
    assert "surname-wang" not in repr(list(at_office.desk.state.tickets.values()))
    same(at_office)


def test_a_redacted_message_alone_loses_its_name() -> None:
    at_office = Office([named(0, "surname-wang"), named(1, "surname-wang", "name-wang-jian")])
    first, _ = (one.event_id for one in at_office.decisions)
    at_office.order("redact", at_office.tickets[0], fields=["requester"], message_ids=[first])
    (kept,) = (one for one in at_office.desk.state.tickets.values())
    assert [filed.stated for filed in kept.messages.values()] == [(), ("surname-wang", "name-wang-jian")]
    assert not [one for one in at_office.decisions[1].changes if isinstance(one, event.Proposed)]


WECHAT, MEMBER = ({"kind": "openid", "value": one} for one in ("oZfS86Ll3Xxa0Xn1hQeWQ5zPbT2k", "zhangsan"))
DESK = {"kind": "uid", "value": "1001"}
"""A citizen's own, that of a worker of a neighbourhood, and of a desk at which people are helped to write."""


@each_row("account", [WECHAT, MEMBER, DESK])
@each_row(
    ("first", "second"),
    [
        (f"{LIFT}。业主签名：王建国", f"{LIFT}。业主签名：李梅"),
        (f"{LIFT}。联系电话：13911112222", f"{LIFT}。联系电话：13933334444"),
        (f"居民王建国（13911112222）：{LIFT}", f"居民李梅（13933334444）：{LIFT}"),
    ],
)
def test_one_account_from_which_several_are_helped_to_write_is_several_persons(
    first: str, second: str, account: dict[str, str]
) -> None:
    one, two = decided([said(n, "", text, sender=account) for n, text in enumerate((first, second))])[1]
    assert two.tickets[0].ticket_id != one.tickets[0].ticket_id


def entered(number: int, name: str) -> Message:
    """Return what somebody enters for a citizen at a desk whose app knows its own user, and no telephone of theirs."""
    form = {"description": LIFT, "account_id": "desk-1", "last_name": name[0], "first_name": name[1:]}
    raw = raw_message(
        channel="web", channel_kind="app", account="city", jurisdiction="210100", identifier=str(number),
        value=urlencode(form).encode(), content_type="application/x-www-form-urlencoded; client=desk",
        time=START, recorded=START,
    )  # fmt: skip
    return normalize(raw, Policy()).message


def test_a_desk_where_the_same_is_entered_for_two_citizens_opens_two_tickets() -> None:
    desk, (one, two, again) = decided([entered(1, "王建国"), entered(2, "李梅"), entered(3, "李梅")])
    assert two.relation == "same_matter_other_person"
    assert [found.target for found in ticket_of(desk, two).proposals] == [one.tickets[0].ticket_id]
    assert again.tickets[0].ticket_id == two.tickets[0].ticket_id


def test_the_nickname_of_an_account_is_no_name() -> None:
    _, (one, two) = decided(
        [said(n, "", LIFT, sender=WECHAT | {"name": name}) for n, name in enumerate(("王建国", "李梅"))]
    )
    assert two.tickets[0].ticket_id == one.tickets[0].ticket_id

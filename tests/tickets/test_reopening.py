"""Which message opens a closed ticket again: any but mere thanks, and but what adds nothing to one not accepted."""

import pytest
from msgspec.structs import replace

from schemas.records import Attachment, event
from tests.rows import each_row
from tests.tickets.commands.orders import Office
from tests.tickets.said import said

OWNER = "13900000001"
COMPLAINT = "绿杨家园东边的烤鱼店半夜还在排油烟，全楼都不敢开窗"
FOUGHT = "绿杨家园东边的烤鱼店里有人拿刀砍人，快来救命"

WAY_TO = {
    "not_accepted": (("set_status", {"status": "not_accepted", "reason_code": "malicious"}),),
    "resolved": (
        ("set_status", {"status": "registered"}),
        ("dispatch", {"organizer": "chengguan"}),
        *(("set_status", {"status": stage}) for stage in ("signed", "in_progress", "resolved")),
    ),
}
"""The commands that lead to each status that closes."""


def closed(status: str, text: str = COMPLAINT) -> tuple[Office, str]:
    """Return an office whose only ticket has been closed, and the ticket's id."""
    at_office = Office([said(1, "", text, sender=OWNER)])
    (ticket,) = at_office.tickets
    for one in at_office.ticket(ticket).handovers:
        at_office.order("acknowledge_handover", handover_id=one.handover_id)
    for kind, args in WAY_TO[status]:
        at_office.order(kind, ticket, **args)
    assert at_office.ticket(ticket).status == status
    return at_office, ticket


def status_after(status: str, text: str, first: str = COMPLAINT) -> str:
    """Return the stage of a closed ticket after its owner has written once more, quoting its number where `{}` is."""
    at_office, ticket = closed(status, first)
    words = text.format(at_office.ticket(ticket).ticket_no)
    decision = at_office.take(said(2, "", words, sender=OWNER))
    assert [one.ticket_id for one in decision.tickets] == [ticket]
    assert any(isinstance(change, event.MessageFiled) for change in decision.changes)
    assert at_office.ticket(ticket).message_count == 2
    return at_office.ticket(ticket).status


@pytest.mark.parametrize("text", [COMPLAINT, "工单{}，请重新处理", "工单号{}，为什么不受理？烤鱼店油烟还在排"])
def test_what_a_clerk_did_not_accept_stays_so_until_something_new_is_said(text: str) -> None:
    assert status_after("not_accepted", text) == "not_accepted"


@pytest.mark.parametrize("text", ["工单{}，我录了视频，柳荫公寓的住户也能作证", "工单{}，现在连地下室的电表箱都熏黑了"])
def test_what_is_new_about_it_opens_it_again(text: str) -> None:
    assert status_after("not_accepted", text) == "reopened"


@pytest.mark.parametrize("text", [FOUGHT, "工单{}，烤鱼店的人拿刀砍人，救命"])
def test_an_emergency_opens_whatever_was_closed(text: str) -> None:
    assert status_after("not_accepted", text, FOUGHT) == "reopened"


@each_row(
    "text",
    [
        "工单号{}，问题已经解决了，非常感谢！",
        "工单{}，谢谢你们，问题解决了",
        "{}这个工单的事办好了，给你们点赞",
        "工单{}，油烟的事处理好了，辛苦了，谢谢",
        "工单{}，再次感谢，没想到这么快就解决了，态度不错，给你们点赞",
        "工单{}，谢谢12345，问题解决了，没有其他问题，希望继续保持，再接再厉",
    ],
)
def test_mere_thanks_leave_a_ticket_closed(text: str) -> None:
    assert status_after("resolved", text) == "resolved"


@each_row(
    "text",
    [
        COMPLAINT,
        "工单{}，根本没有解决，谢谢你们的敷衍",
        "工单{}，回复说已经解决了，可是昨晚又在排烟，谢谢",
        "工单{}，油烟解决了，谢谢，但楼下的水管又爆了",
        "工单{}，什么时候能解决了？谢谢",
        "工单{}，辛苦了，烤鱼店的烟道还没改",
        "工单{}，请重新处理",
    ],
)
def test_anything_else_opens_what_was_resolved(text: str) -> None:
    assert status_after("resolved", text) == "reopened"


@each_row(
    "text",
    [
        "谢谢12345，工作人员态度很好，但烟道没改",
        "点赞！就是还没人来",
        "给你们点赞，三天了没人理",
        "谢谢你们的热心，可惜没用",
        "服务态度点赞，窗照样开不了",
        "感谢接线员耐心，处理结果不满意",
        "谢谢领导，希望尽快修好",
        "表揚接線員，但是問題依舊",
        "表扬你们，这就算解决了吗？",
    ],
)
def test_thanks_beside_which_something_is_wanted_open_it_again(text: str) -> None:
    assert status_after("resolved", f"工单{{}}，{text}") == "reopened"


def test_so_they_are_news_that_an_office_has_to_read() -> None:
    at_office = Office([said(1, "", COMPLAINT, sender=OWNER)])
    (ticket,) = at_office.tickets
    number = at_office.ticket(ticket).ticket_no
    at_office.take(said(2, "", f"工单{number}，谢谢你们的热心，可惜没用", sender=OWNER))
    assert at_office.desk.state.tickets[ticket].heard_at is not None


def test_a_file_opens_it_again_beside_words_that_name_nothing_new() -> None:
    at_office, ticket = closed("not_accepted")
    words = f"工单{at_office.ticket(ticket).ticket_no}，请重新处理"
    at_office.take(
        replace(said(2, "", words, sender=OWNER), attachments=(Attachment(id="1", sha256="a" * 64, size=9),))
    )
    assert at_office.ticket(ticket).status == "reopened"

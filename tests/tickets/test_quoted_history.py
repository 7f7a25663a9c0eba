"""A mail that repeats our letter below a few words of its own: whose ticket it means, and what is heard of it."""

from datetime import timedelta
from email.message import EmailMessage

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import Event, Message, raw_message
from tests.rows import each_row
from tests.tickets.build import CITY, START
from tests.tickets.said import decided, take, ticket_of
from tickets.processor import Desk

OWNER, STRANGER = "王建国 <wang@mail.example>", "li@mail.example"
LAMP = "中山路12号门口的路灯坏了三天，晚上老人摔跤，请派人来修。"

HEADS = {
    "qq": "------------------ 原始邮件 ------------------\n发件人: 热线 <a@b.cn>;\n发送时间: 上午9:10\n主题: 回执\n\n",
    "outlook": "________________________________\n发件人: 热线 <a@b.cn>\n发送时间: 昨天\n收件人: a\n主题: 回执\n\n",
    "foxmail": "\nwang@mail.example\n \n发件人： 热线\n发送时间： 2026-11-25 09:10\n收件人： wang\n主题： 回执\n",
    "netease": "---- 回复的原邮件 ----\n| 发件人 | 热线<a@b.cn> |\n| 日期 | 2026年11月25日 |\n| 主题 | 回执 |\n",
    "iphone": "发自我的iPhone\n\n> 在 2026年11月25日，09:10，热线 <a@b.cn> 写道：\n> \n> ",
}


def mail(number: int, text: str, *, sender: str = OWNER, title: str = "回复：受理回执") -> Message:
    """Return a mail that names no other in its headers, as one does that was written in a web mailer."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = sender, "mayor@12345.example", title
    letter["Message-ID"] = f"<{number}@mail.example>"
    letter.set_content(text, charset="utf-8")
    at = START + timedelta(days=number)
    raw = raw_message(
        channel="mailbox",
        channel_kind="imap",
        account="mayor",
        jurisdiction=CITY,
        identifier=f"<{number}@mail.example>",
        value=bytes(letter),
        content_type="message/rfc822",
        time=at,
        recorded=at,
    )
    return normalize(raw, Policy()).message


def answered(own: str, head: str, sender: str = OWNER) -> tuple[Desk, Event, str]:
    """Return what becomes of a reply to the receipt of the first of two tickets of the owner's."""
    desk, (lamp, _) = decided([mail(0, LAMP, title="路灯"), mail(1, "和平小区物业乱收费", title="物业")])
    number = ticket_of(desk, lamp).ticket_no
    (decision,) = take(desk, [mail(9, f"{own}\n\n{head}您的诉求已受理，工单编号{number}。内容：{LAMP}", sender=sender)])
    return desk, decision, lamp.tickets[0].ticket_id


@each_row("client", HEADS)
@each_row("own", ["不满意", "十天了还没人来修", "刚才路灯杆倒了砸到人，头上一直流血，快叫救护车"])
def test_a_reply_whose_ticket_is_named_in_what_it_quotes_is_filed_there(client: str, own: str) -> None:
    desk, decision, lamp = answered(own, HEADS[client])
    assert (decision.method, decision.tickets[0].ticket_id) == ("number_of_owner", lamp)
    assert desk.ticket(lamp).text == f"{LAMP}\n\n受理回执\n{own}"
    assert desk.ticket(lamp).urgency == ("critical" if "救护车" in own else "normal")


def test_a_stranger_who_quotes_it_has_a_ticket_of_their_own_that_is_proposed() -> None:
    desk, decision, lamp = answered("我们楼的电梯也坏了", HEADS["qq"], STRANGER)
    assert decision.relation == "new"
    assert [(one.relation, one.target) for one in ticket_of(desk, decision).proposals] == [("follow_up", lamp)]

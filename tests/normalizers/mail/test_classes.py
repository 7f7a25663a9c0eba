"""Person or machine; in doubt a person."""

from collections.abc import Callable

import pytest

from normalizers.base import Draft

CALENDAR = b"Content-Type: text/calendar; method=%s\n\nBEGIN:VCALENDAR\nMETHOD:%s\nEND:VCALENDAR\n"

CLASSES = {
    "plain": (b"From: a@b.cn\n\nhello", "person"),
    "auto-replied": (b"Auto-Submitted: auto-replied (vacation)\n\nhello", "auto_reply"),
    "auto-generated is a web form": (
        "Subject: 网站留言\nAuto-Submitted: auto-generated\n\n公厕没有水".encode(),
        "person",
    ),
    "auto-generated reply": ("Subject: 自动回复：x\nAuto-Submitted: auto-generated\n\nx".encode(), "auto_reply"),
    "auto-submitted no": (b"Auto-Submitted: no\n\nhello", "person"),
    "x-autoreply": (b"X-Autoreply: yes\n\nhello", "auto_reply"),
    "x-autoreply no": (b"X-Autoreply: no\n\nhello", "person"),
    "precedence auto_reply": (b"Precedence: auto_reply\n\nhello", "auto_reply"),
    "suppression alone": (b"X-Auto-Response-Suppress: All\n\nhello", "person"),
    "subject with suppression": (b"Subject: Automatic reply: x\nX-Auto-Response-Suppress: All\n\nhi", "auto_reply"),
    "subject with words": ("Subject: 自动回复：x\n\n我正在出差".encode(), "auto_reply"),
    "subject alone": ("Subject: 自动回复：x\n\n请真人联系我".encode(), "person"),
    **{
        f"who complains of machines {number}": (f"Subject: {subject}\n\n{text}".encode(), "person")
        for number, (subject, text) in enumerate(
            [
                ("自动回复，没人管", "发了三封信都是自动回复，没有人处理我的问题"),
                ("自动回复!!!", "只会自动回复，我家漏水一个月了"),
                ("自动回复: 电梯", "你们的自动回复说三天内处理，现在一周了"),
                ("自动回复：我的工资", "这都是自动回复。我外出打工三个月，工资一分没发"),
                ("自动回复: 我的留言", "村干部出差旅费乱报，我在外出租房，没法回去，只给我自动回复"),
                ("自动回复：路灯", "政府系统的自动回复没有用，路灯还是坏的"),
                ("Auto reply: lift", "Your automatic reply promised three days. The lift is still broken."),
                ("Automatic reply: the lift", "It was out of order on every holiday"),
            ]
        )
    },
    **{
        f"who is away {number}": (f"Subject: {subject}\n\n{text}".encode(), "auto_reply")
        for number, (subject, text) in enumerate(
            [
                ("自动回复: 电梯", "这是一封自动回复邮件。您的来信我已收到。"),
                ("自动回复：Re: 电梯", "您好，我目前休假，至12月3日"),
                ("自動回覆：來信", "本郵件由系統自動回覆，請勿直接回信"),
                ("自动回复：来信", "我外出期间不能及时回信"),
                ("自动回复：来信", "我不在办公室"),
                ("Automatic reply: your letter", "I am out of the office until Monday"),
                ("Automatic reply: your letter", "I'm on annual leave."),
                ("Auto reply: x", "This is an automated message."),
            ]
        )
    },
    "subject within": ("Subject: 为什么总是自动回复\nPrecedence: bulk\n\nx".encode(), "person"),
    "report": (b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b--", "bounce"),
    "read receipt": (
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nx\n--b--",
        "auto_reply",
    ),
    "daemon without a return path": (b"Return-Path: <>\nFrom: MAILER-DAEMON@b.cn\n\nx", "bounce"),
    "postmaster who returns": ("From: postmaster@b.cn\nSubject: 系统退信\n\nx".encode(), "bounce"),
    **{
        f"daemon that says so {number}": (f"From: Mailer-Daemon@b.cn\nSubject: {subject}\n\nx".encode(), "bounce")
        for number, subject in enumerate(
            [
                "Return to sender",
                "Mail returned to you: 受理回执",
                "Message bounced",
                "Non-Delivery Report",
                "Unzustellbar: x",
                "Your message was not delivered",
                "Delivery problem",
                "邮件被退回",
                "邮件发送失败通知",
                "投遞失敗",
            ]
        )
    },
    "citizen who asks for a parcel": ("From: a@b.cn\nSubject: 包裹被退回 return to sender\n\nx".encode(), "person"),
    "daemon under which a form writes": ("From: mailer-daemon@b.cn\nSubject: 网站留言\n\n路灯坏了".encode(), "person"),
    "postmaster who complains": ("From: postmaster@b.cn\nSubject: 路灯\n\nx".encode(), "person"),
    "citizen on returned mail": ("From: a@b.cn\nSubject: 你们的邮件退信了\n\nx".encode(), "person"),
    "null path alone": (b"Return-Path: <>\nFrom: a@b.cn\n\nx", "person"),
    "list": (b"List-Id: <news.example.cn>\n\nx", "list"),
    "newsletter": (b"List-Unsubscribe: <https://example.cn/u>\nPrecedence: bulk\n\nx", "list"),
    "newsletter of an old mailer": (b"List-Unsubscribe: <mailto:u@example.cn>\nPrecedence: List\n\nx", "list"),
    "a form or a company sends through a mailing service": (
        b"Reply-To: a@b.cn\nList-Unsubscribe: <https://example.cn/u>\n\nx",
        "person",
    ),
    "with one click": (
        b"List-Unsubscribe: <https://example.cn/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n\nx",
        "person",
    ),
    "bulk alone": (b"Precedence: bulk\n\nx", "person"),
    "our own group": (
        b"To: 12345@City.example.cn\nList-Id: Hotline <12345.city.example.cn>\nList-Unsubscribe: <mailto:x@y>\n\nx",
        "person",
    ),
    "our own group in Cc": (b"To: a@b.cn\nCc: <12345@city.example.cn>\nList-Id: 12345@city.example.cn\n\nx", "person"),
    "our own group by its alias": (b"To: a@b.cn\nX-Original-To: h@c.cn\nList-Id: <h.c.cn>\n\nx", "person"),
    "our own group delivers": (b"To: a@b.cn\nDelivered-To: h@c.cn\nList-Id: <h.c.cn>\n\nx", "person"),
    "a newsletter to us": (b"To: mayor@c.cn\nDelivered-To: mayor@c.cn\nList-Id: <news.c.cn>\n\nx", "list"),
    "a list whose name holds ours": (b"To: h@c.cn\nList-Id: <news.h.c.cn>\n\nx", "list"),
    "invitation": (CALENDAR % (b"REQUEST", b"REQUEST"), "calendar"),
    "published calendar": (CALENDAR % (b"PUBLISH", b"PUBLISH"), "person"),
    "attached calendar": (b"Content-Disposition: attachment\n" + CALENDAR % (b"REQUEST", b"REQUEST"), "person"),
}


@pytest.mark.parametrize("name", CLASSES)
def test_class(name: str, draft: Callable[[bytes], Draft]) -> None:
    data, expected = CLASSES[name]
    assert draft(data).message_class == expected

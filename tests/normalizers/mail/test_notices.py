"""Delivery notices of mail systems in the shapes of many programs, and citizens who write about mail and deliveries.

Every mail here was written for this test. A notice opens no ticket; a doubtful mail opens one and gets no receipt.
"""

from collections.abc import Callable
from email.header import Header

import pytest

from normalizers.base import UNANSWERABLE, Draft
from tests.rows import each_row

Normalize = Callable[[bytes], Draft]

RETURNED = """\
--b
Content-Type: text/plain; charset=utf-8

{text}
--b
Content-Type: message/rfc822

From: {author}
To: nobody@far.example.org
Subject: receipt

Your ticket is 1.
--b--
"""
CODE = "<nobody@far.example.org>: 550 5.1.1 no such mailbox"


def mail(sender: str | None, title: str, text: str, *headers: str, author: str | None = None) -> bytes:
    """Write a mail to the hotline; `author` is who wrote the mail that it brings back."""
    head = [*headers, "To: 12345@city.example.cn", f"Subject: {Header(title, 'utf-8').encode()}"]
    head += [f"From: {sender}"] if sender else []
    body = RETURNED.format(text=text, author=author) if author else text
    head.append("Content-Type: " + ("multipart/mixed; boundary=b" if author else "text/plain; charset=utf-8"))
    return ("\n".join(head) + "\n\n" + body + "\n").encode()


NOTICES = {
    "address of non-delivery reports": mail(
        "ndr@far.example.org",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one of its recipients.",
        author="12345@city.example.cn",
    ),
    "system administrator as the local part": mail(
        '<"System Administrator"@far.example.org>',
        "Delivery Failure",
        "Could not deliver message to the following recipient(s):\n\nFailed Recipient: nobody@far.example.org\n"
        "Reason: Remote host said: 550 no such mailbox",
    ),
    "scanning gateway": mail(
        "Example_AntiVirus_for_SMTP_Gateways@far.example.org",
        "Delivery failure notification",
        "Your message with Subject: your ticket\ncould not be delivered to the following recipients:\n\n"
        "nobody@far.example.org\n\nPlease do not resend your original message.",
    ),
    "mail service": mail(
        "E1_SMTP_Mail_Service@far.example.org",
        "Returned Mail - Error During Delivery",
        "------ Failed Recipients ------\n\n<nobody@far.example.org>: Requested action not taken [SMTP Error Code 550]",
    ),
    "daemon with an unusual subject": mail(
        "MAILER-DAEMON@far.example.org",
        "failure delivery",
        "Message from far.example.org.\nUnable to deliver message to the following address(es).\n\n" + CODE,
    ),
    "daemon without a subject": mail(
        "MAILER-DAEMON@far.example.org",
        "",
        "I'm afraid I wasn't able to deliver the following message.\nIt is an error.",
    ),
    "daemon that waits": mail(
        "MAILER-DAEMON@far.example.org (Mail Delivery System)",
        "Warning",
        "This is an automated message created by mail delivery software.\n\nYour message to\n nobody@far.example.org\n"
        "has not yet been delivered because the server did not respond.",
    ),
    "postmaster in full": mail(
        "post_master@far.example.org",
        "Re: receipt",
        "Error: invalid address\n550 - no such user here\nRCPT TO: <a@b.cn>",
    ),
    "postmaster with a broken address": mail(
        "<Postmaster\\@far.example.org@relay.example.org>",
        "Mail Delivery Warning",
        'Delivery of email to this address\n"nobody@far.example.org"\nhas been postponed due to a full mailbox.',
    ),
    "postmaster in Chinese": mail(
        "postmaster@far.example.cn",
        "系统退信",
        "很抱歉，您发送的邮件未能送达以下收件人：\nnobody@far.example.cn\n原因：邮箱不存在",
    ),
    "postmaster in traditional characters": mail(
        "postmaster@far.example.tw", "郵件投遞失敗", "您的郵件無法投遞。\n收件人 nobody@far.example.tw 不存在"
    ),
    "mail gateway in Chinese": mail(
        "mail-gateway@far.example.cn",
        "投递失败通知",
        "您的邮件被退回。\n收件人：nobody@far.example.cn\n550 5.1.1 user unknown",
    ),
    "no return path": mail("postmaster@far.example.org", "Aviso", "No hay buzón.", "Return-Path: <>"),
    "no sender": mail(None, "failure notice", "宛先がありません。", "Return-Path: <>"),
    "failed recipients in a header": mail(
        "sysadmin@far.example.org", "Undeliverable", "x", "X-Failed-Recipients: nobody@far.example.org"
    ),
    "our own mail comes back": mail(
        "no-reply@far.example.org",
        "Mail",
        "Your mail could not be delivered to: <nobody@far.example.org>\nAs their mailbox is full.",
        "Return-Path: <>",
        author="Hotline <12345@city.example.cn>",
    ),
}

REPLIES = {
    "absence in the subject": mail(
        "li@far.example.org",
        "AUTO: Li Wei is out of the office (returning 12/07)",
        "I am out of the office until 12/07.\n\nNote: This is an automated response to your message.",
    ),
    "absence in the subject, suppressed": mail(
        "li@far.example.org", "AUTO: Li Wei is out of office", "Back on Monday.", "X-Auto-Response-Suppress: All"
    ),
}

CITIZENS = {
    "mail that fails": mail("wang@mail.example.cn", "邮件投递失败", "我给贵局邮箱写的信总是投递失败，请修好邮箱。"),
    "parcel that fails": mail("wang@mail.example.cn", "Delivery failure", "The courier never came to my door."),
    "parcel that is returned": mail("wang@mail.example.cn", "快递无法投递被退回", "快递员不上门，直接退回，投诉无果。"),
    "named as an administrator": mail(
        "System Administrator <wang@mail.example.cn>",
        "Delivery Failure",
        "Could not deliver my parcel, says the courier.",
    ),
    "named as a daemon": mail("Mail Delivery System <wang@mail.example.cn>", "投递失败", "小区快递柜总是投递失败。"),
    "postmaster of a firm on parcels": mail("postmaster@firm.example.cn", "包裹被退回", "快递站拒收我司的包裹。"),
    "postmaster of a firm on mail": mail(
        "postmaster@firm.example.cn", "贵局的邮件退信", "我们发给贵局的邮件被退回，提示 550 5.1.1，请修好邮箱。"
    ),
    "administrator of a firm": mail("sysadmin@firm.example.cn", "邮件发送失败", "我司给贵局的邮件发送失败：" + CODE),
    "initials": mail("ndr@mail.example.cn", "路灯不亮", "门口路灯坏了三天。"),
    "gateway of an estate": mail("gateway@estate.example.cn", "大门被拒收快递", "门岗不让快递进。"),
    "passes a notice on": mail(
        "wang@mail.example.cn",
        "Fwd: Returned mail: see transcript for details",
        "Begin forwarded message:\n\n> From: Mail Delivery Subsystem <MAILER-DAEMON>\n> Subject: Returned mail\n>\n> "
        + CODE,
    ),
    "passes a notice on with words": mail(
        "wang@mail.example.cn",
        "转发: 系统退信",
        "你们的信箱收不到信，见下。\n\n您发送的邮件未能送达以下收件人：\n12345@city.example.cn\n550 5.1.1",
    ),
    "attaches a notice": mail(
        "wang@mail.example.cn", "你们邮箱退信", "见附件，发不进去。", author="MAILER-DAEMON@mail.example.cn"
    ),
    "attaches our receipt": mail(
        "wang@mail.example.cn", "回执看不懂", "附件是你们的回执。", author="12345@city.example.cn"
    ),
    "pastes a notice": mail(
        "wang@mail.example.cn", "Mail delivery failed", "Your message could not be delivered to:\n\n" + CODE
    ),
    "a form that no return path has": mail(
        "no-reply@city.example.cn",
        "网站留言：邮件投递失败",
        "您的邮件无法送达\n550 5.1.1 这是我给信访局写信得到的",
        "Return-Path: <>",
        "Auto-Submitted: auto-generated",
        "Reply-To: wang@mail.example.cn",
    ),
    "on absence": mail("wang@mail.example.cn", "AUTO: the lift is out of order", "It is an automatic lift."),
    "on absent officers": mail("wang@mail.example.cn", "窗口人员外出", "办事窗口没人，说外出了。"),
}

DOUBTFUL = {
    "pasted notice": (CITIZENS["pastes a notice"], "delivery_notice"),
    "notice from an unknown system": (
        mail(
            "mailrobot7@far.example.org",
            "RE: receipt : non remis (delivery failed)",
            "****\nYour message could not be delivered to\nnobody@far.example.org\n****",
        ),
        "delivery_notice",
    ),
    "daemon without another sign": (mail("Mailer-Daemon@firm.example.cn", "网站留言", "路灯坏了"), "delivery_notice"),
    "postmaster without another sign": (mail("postmaster@firm.example.cn", "路灯", "x"), "delivery_notice"),
    "postmaster who complains": (CITIZENS["postmaster of a firm on mail"], "delivery_notice"),
    "automatic by its subject alone": (mail("li@far.example.org", "Auto reply: receipt", "Asleep."), "automatic_reply"),
}


@each_row("name", NOTICES)
def test_a_notice_of_a_mail_system_is_a_bounce(name: str, draft: Normalize) -> None:
    assert draft(NOTICES[name]).message_class == "bounce"


@pytest.mark.parametrize("name", REPLIES)
def test_a_notice_of_absence_is_an_automatic_reply(name: str, draft: Normalize) -> None:
    assert draft(REPLIES[name]).message_class == "auto_reply"


@each_row("name", CITIZENS)
def test_a_citizen_who_writes_about_mail_is_a_person(name: str, draft: Normalize) -> None:
    assert draft(CITIZENS[name]).message_class == "person"


@each_row("name", DOUBTFUL)
def test_a_doubtful_mail_opens_a_ticket_and_gets_no_receipt(name: str, draft: Normalize) -> None:
    data, sign = DOUBTFUL[name]
    made = draft(data)
    assert (made.message_class, made.extra.get(UNANSWERABLE)) == ("person", sign)


@each_row("name", ["mail that fails", "parcel that fails", "named as an administrator", "on absence"])
def test_a_citizen_is_answered(name: str, draft: Normalize) -> None:
    assert UNANSWERABLE not in draft(CITIZENS[name]).extra

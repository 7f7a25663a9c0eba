"""One mail to two of our mailboxes: two messages, one ticket, and both ways it came by are kept."""

from email.message import EmailMessage

import pytest

from normalizers.base import Policy
from normalizers.parse.ticket_tokens import mail_id, make
from normalizers.pipeline import normalize
from schemas.records import Message, raw_message
from tests.rows import each_row
from tests.tickets.build import CITY, START
from tests.tickets.said import decided, ticket_of
from tickets.processor import Desk
from tickets.records_out import link_of

TEXT = "中山路12号门口的路灯坏了三天，晚上看不见路，请派人来修。"


def mail(
    text: str, *, sender: str = "citizen@mail.example", file: bytes = b"", name: str = "lamp", answers: str = ""
) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"] = sender, "mayor@12345.example, bureau@12345.example"
    letter["Subject"], letter["Message-ID"] = ("路灯坏了" if text else ""), f"<{name}@mail.example>"
    if answers:
        letter["In-Reply-To"] = f"<{answers}>"
    letter.set_content(text, charset="utf-8")
    if file:
        letter.add_attachment(file, maintype="image", subtype="jpeg", filename="1.jpg")
    return bytes(letter)


def came(account: str, value: bytes, *, identifier: str = "<lamp@mail.example>") -> Message:
    """Return the mail as the mailbox of this account took it: every server adds lines of its own."""
    raw = raw_message(
        channel="mailbox",
        channel_kind="imap",
        account=account,
        jurisdiction=CITY,
        identifier=identifier,
        value=f"Received: by {account}.12345.example\r\n".encode() + value,
        content_type="message/rfc822",
        time=START,
        recorded=START,
    )
    return normalize(raw, Policy()).message


def twice(first: bytes, second: bytes) -> tuple[Desk, list[Message], list[str | None]]:
    """Return the desk, the messages and the tickets in which they are filed."""
    messages = [came("mayor", first), came("bureau", second)]
    desk, decisions = decided(messages)
    links = [link_of(decision) for decision in decisions]
    assert [link.message_id if link else None for link in links] == [message.message_id for message in messages]
    return desk, messages, [link.ticket_id if link else None for link in links]


@pytest.mark.parametrize("value", [mail(TEXT), mail("", file=b"\xff\xd8 a picture")], ids=["words", "a picture alone"])
def test_one_mail_to_two_mailboxes_is_two_messages_in_one_ticket(value: bytes) -> None:
    desk, messages, filed = twice(value, value)
    assert messages[0].message_id != messages[1].message_id
    assert [message.account for message in messages] == ["mayor", "bureau"]
    assert filed[0] == filed[1] is not None
    ticket = desk.ticket(str(filed[0]))
    assert ticket.message_count == 2
    assert ticket.text.count("路灯坏了三天") <= 1, "what was said once is not shown twice"
    assert set(desk.state.tickets[ticket.ticket_id].messages) == {message.message_id for message in messages}


def test_a_list_s_footer_under_one_copy_does_not_part_them() -> None:
    _, _, filed = twice(mail(TEXT), mail(f"{TEXT}\n\n本邮件由信访局信箱转入，请勿直接回复。\n"))
    assert filed[0] == filed[1]


def test_another_person_s_mail_under_the_same_name_is_their_own_matter() -> None:
    _, _, filed = twice(mail(TEXT), mail("电梯坏了，老人下不了楼", sender="stranger@mail.example"))
    assert filed[0] != filed[1]


@each_row("sender", ["citizen@mail.example", "bureau@12345.example"], ids=["its citizen", "who got it"])
@each_row("answer", ["还没有修", "中山路12号的路灯修了一天又坏了"])
@each_row("by_token", [True, False])
def test_a_reply_to_two_mailboxes_is_written_once(sender: str, answer: str, by_token: bool) -> None:
    first = came("mayor", mail(TEXT))
    token = make(f"{CITY}-{first.message_id[:20]}", Policy())
    answered = mail_id(token, "12345.example") if by_token else "lamp@mail.example"
    reply = mail(answer, sender=sender, name="reply", answers=answered)
    desk, decisions = decided([first, *(came(box, reply, identifier="reply") for box in ("mayor", "bureau"))])
    assert {ticket_of(desk, decision).ticket_id for decision in decisions} == {token.split(".")[0]}
    ticket = ticket_of(desk, decisions[0])
    assert (ticket.message_count, ticket.text.count(answer)) == (3, 1)


def test_who_says_the_same_in_a_second_reply_is_written_twice() -> None:
    token = make(f"{CITY}-{came('mayor', mail(TEXT), identifier='0').message_id[:20]}", Policy())
    replies = [mail("还没有修", name=name, answers=mail_id(token, "12345.example")) for name in ("one", "two")]
    desk, decisions = decided([came("mayor", one, identifier=str(n)) for n, one in enumerate((mail(TEXT), *replies))])
    assert ticket_of(desk, decisions[2]).text.count("还没有修") == 2


def test_a_mailer_that_names_all_its_mails_alike_has_each_one_heard() -> None:
    token = make(f"{CITY}-{came('mayor', mail(TEXT), identifier='0').message_id[:20]}", Policy())
    replies = [mail(text, name="all", answers=mail_id(token, "12345.example")) for text in ("还没有修", "老人摔了")]
    desk, decisions = decided([came("mayor", one, identifier=str(n)) for n, one in enumerate((mail(TEXT), *replies))])
    assert ticket_of(desk, decisions[2]).text.endswith("老人摔了")


FOOTER = "本邮件由信访局信箱转入，请勿直接回复。"


@pytest.mark.parametrize("is_first", [True, False], ids=["the first has it", "the second has it"])
def test_a_copy_of_a_reply_with_a_footer_is_written_once(is_first: bool) -> None:
    answer = "还没有修，老人摔了一跤。"
    letters = [f"{answer}\n\n{FOOTER}\n", f"{answer}\n"]
    copies = [mail(one, name="reply", answers="lamp@mail.example") for one in (letters if is_first else letters[::-1])]
    desk, decisions = decided(
        [came("mayor", mail(TEXT)), *(came(box, one) for box, one in zip("ab", copies, strict=True))]
    )
    ticket = ticket_of(desk, decisions[0])
    assert (ticket.message_count, ticket.text.count(answer), ticket.text.count(FOOTER)) == (3, 1, 1)
    assert ticket.search_text.count("老人摔了一跤") == 1


def test_so_is_a_copy_of_the_first_mail() -> None:
    desk, _, filed = twice(mail(TEXT), mail(f"{TEXT}\n\n{FOOTER}\n"))
    assert desk.ticket(str(filed[0])).text.count(TEXT) == 1


def through_a_list(value: bytes) -> bytes:
    return b"List-Id: <residents.lists.example>\r\nPrecedence: list\r\n" + value


@pytest.mark.parametrize("by_token", [True, False])
def test_a_citizens_answer_that_came_through_a_list_is_heard(by_token: bool) -> None:
    first = came("mayor", mail(TEXT))
    token = make(f"{CITY}-{first.message_id[:20]}", Policy())
    answered = mail_id(token, "12345.example") if by_token else "lamp@mail.example"
    desk, decisions = decided([first, came("bureau", through_a_list(mail("还没有修", name="re", answers=answered)))])
    assert [one.relation for one in decisions] == ["new", "follow_up"]
    assert "还没有修" in ticket_of(desk, decisions[0]).text


@pytest.mark.parametrize(
    ("sender", "answers"), [("else@mail.example", "lamp@mail.example"), ("citizen@mail.example", "")]
)
def test_what_a_list_brings_else_opens_no_ticket(sender: str, answers: str) -> None:
    letter = through_a_list(mail("还没有修", name="re", answers=answers, sender=sender))
    _, decisions = decided([came("mayor", mail(TEXT)), came("bureau", letter)])
    assert decisions[1].relation == "no_ticket"

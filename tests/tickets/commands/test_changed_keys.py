"""What was erased or redacted is known when it comes again after the key of the hashes was changed."""

from email.message import EmailMessage

from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import Message, raw_message
from tests.tickets.build import CITY, START
from tests.tickets.commands.orders import Office, same
from tests.tickets.commands.test_coming_again import gone_of, is_kept_out
from tests.tickets.pieces import parts_of

OLD = Policy()
NEWER = Policy(requester_keys={"k2": b"a key of the next year", **OLD.requester_keys})
NEWEST = Policy(requester_keys={"k3": b"and of the one after it", **NEWER.requester_keys})

MAIL = "中山路12号门口的路灯坏了三天，我叫李小龙，电话13812345678"
LONG = "我叫李小龙，中山路十二号门口的路灯坏了三天，请派人来修"


def mail(server: str, policy: Policy, text: str = MAIL, *, name: str = "lamp", file: bytes = b"") -> Message:
    """Return a mail as this server delivers it: every one adds lines of its own."""
    letter = EmailMessage()
    letter["From"], letter["To"] = "citizen@mail.example", "mayor@12345.example"
    letter["Subject"], letter["Message-ID"] = "路灯坏了", f"<{name}@mail.example>"
    letter.set_content(text, charset="utf-8")
    if file:
        letter.add_attachment(file, maintype="image", subtype="jpeg", filename="1.jpg")
    raw = raw_message(
        channel="mailbox",
        channel_kind="imap",
        account="mayor",
        jurisdiction=CITY,
        identifier=f"{server} {name}",
        value=f"Received: by {server}.example\r\n".encode() + bytes(letter),
        content_type="message/rfc822",
        time=START,
        recorded=START,
    )
    return normalize(raw, policy).message


def test_an_erased_mail_is_known_when_it_is_delivered_again_after_the_key_changed() -> None:
    for policy in (OLD, NEWER, NEWEST):
        for file in (b"", b"\xff\xd8 a picture"):
            at_office = Office([mail("mx1", OLD, file=file)])
            at_office.order("forget", at_office.tickets[0])
            assert is_kept_out(at_office.take(mail("mx2", policy, file=file)))
            same(at_office)


def test_what_is_said_since_is_heard_under_a_new_key_as_well() -> None:
    for heard in (
        mail("mx2", NEWER, "路灯还是坏的"),
        mail("mx2", NEWER, name="lamp-2"),
        mail("mx2", NEWER, file=b"\xff\xd8 a picture"),
    ):
        at_office = Office([mail("mx1", OLD)])
        at_office.order("forget", at_office.tickets[0])
        decision = at_office.take(heard)
        assert (decision.relation, gone_of(decision)) == ("new", [])


def test_a_redacted_mail_says_nothing_when_it_is_delivered_again_after_the_key_changed() -> None:
    at_office = Office([mail("mx1", OLD)])
    (ticket,) = at_office.tickets
    at_office.order("redact", ticket, fields=["text", "title"])
    decision = at_office.take(mail("mx2", NEWER))
    assert (decision.relation, gone_of(decision)) == ("same_person_same_matter", [decision.input.message_id])
    assert (at_office.ticket(ticket).text, at_office.ticket(ticket).message_count) == ("", 2)


def test_who_says_the_same_again_is_heard_once_though_the_key_changed_meanwhile() -> None:
    at_office = Office([mail("mx1", OLD)])
    again = at_office.take(mail("mx2", NEWER))
    assert (again.method, [one.ticket_id for one in again.tickets]) == ("equal_text", at_office.tickets)


def test_a_part_of_an_erased_message_is_known_when_it_comes_again_after_the_key_changed() -> None:
    at_office = Office(parts_of(LONG, 40)[:1])
    at_office.order("forget", at_office.tickets[0])
    again = replace(parts_of(LONG, 40, policy=NEWER)[0], message_id="a" * 26)
    assert is_kept_out(at_office.take(again))
    others = parts_of("公园的长椅坏了，没有人来修，请你们派人来看一看好吗谢谢", 40, minutes=5, policy=NEWER)
    assert [at_office.take(one).method for one in others] == ["first_part", "last_part"]


def test_a_part_that_comes_again_after_the_key_changed_begins_no_other_message() -> None:
    at_office = Office(parts_of(LONG, 40)[:1])
    again = at_office.take(replace(parts_of(LONG, 40, policy=NEWER)[0], message_id="a" * 26))
    assert (again.method, [one.ticket_id for one in again.tickets]) == ("repeated_part", at_office.tickets)

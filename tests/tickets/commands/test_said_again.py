"""What was redacted stays black in what is said later in the ticket; it is known by keyed digests alone."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.records import Attachment, Finding, Message, Ticket
from schemas.wire import encode
from tests.checkpoints import known
from tests.tickets.build import CITY, message
from tests.tickets.commands.orders import Office, refusal, same
from tickets.masking import mask_ticket
from tickets.said_again import digests

DOOR, PHONE, NAME, WORDS = "3栋2单元501室", "13812345678", "李小龙", "我在酒厂上夜班的那个表弟"
TEXT = f"我住{DOOR}，电话{PHONE}，请找{NAME}，{WORDS}也说路灯坏了"


def redacted(**told: Any) -> tuple[Office, str]:
    made = Office([message(0, TEXT)])
    (ticket,) = made.tickets
    spans = [[TEXT.index(one), TEXT.index(one) + len(one)] for one in (DOOR, PHONE, NAME, WORDS)]
    assert refusal(made.order("redact", ticket, **({"spans": spans, "if_version": 1} | told))) is None
    made.desk.flush()
    return made, ticket


def reply(text: str, **fields: Any) -> Message:
    return replace(message(5, text, answers=(f"{CITY}-0",)), **fields)


def after(text: str, **fields: Any) -> Ticket:
    made, ticket = redacted()
    made.take(reply(text, **fields))
    made.desk.flush()
    same(made)
    return made.ticket(ticket)


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        (f"还没修。> 请找{NAME}，{WORDS}也说", (NAME, WORDS)),
        ("还没修，李 小 龙在家", ("李 小 龙",)),
        ("还没修，打138-1234-5678", ("138-1234-5678",)),
        ("还没修，打一三八一二三四五六七八", ("一三八一二三四五六七八",)),
        ("还没修，我住3-2-501", ("3-2-501",)),
        ("还没修，我在酒厂上夜班的\n那个表弟急了", ("夜班的\n那个",)),
    ],
)
def test_a_later_message_that_repeats_the_very_words_has_them_blacked_out(said: str, hidden: tuple[str, ...]) -> None:
    ticket = after(said)
    told = encode(ticket).decode()
    assert not any(encode(one).decode()[1:-1] in told for one in hidden)
    assert "还没修" in ticket.text
    assert "还没修" in ticket.search_text
    assert ticket.message_count == 2


def test_so_have_the_place_and_the_names_of_files_of_a_later_message() -> None:
    place = (Finding(kind="place", value=f"阳光花园{DOOR}", source="rule"),)
    ticket = after("还没修", findings=place, attachments=(Attachment(id="1", name="李小龙.jpg", sha256="a" * 64),))
    assert ticket.location.text == f"阳光花园{'■' * len(DOOR)}"
    assert ticket.attachments[0].name == "■■■.jpg"


@pytest.mark.parametrize("said", ["另一个电话是13812345679", "4栋2单元501室也没灯", "李小明来过", "路灯还没修"])
def test_what_is_said_otherwise_is_heard_as_it_is(said: str) -> None:
    assert said in after(said).text


def test_a_whole_line_of_a_text_that_was_emptied_does_not_come_back_in_a_quote() -> None:
    made, ticket = redacted(fields=["text"], spans=[])
    made.take(reply(f"还没修\n> {TEXT}"))
    assert made.ticket(ticket).text == f"还没修\n> {'■' * len(TEXT)}"


def test_nobody_reads_the_words_out_of_what_is_kept_and_analysts_do_not_even_see_that() -> None:
    made, ticket = redacted()
    kept = made.ticket(ticket).redacted_words
    assert len(kept) >= 4
    assert not any(one in known(made.desk.state) for one in (PHONE, NAME, WORDS, "501"))
    assert mask_ticket(made.ticket(ticket)).redacted_words == ()


def test_the_same_words_have_other_digests_in_another_ticket_and_under_another_key() -> None:
    told = {digests([PHONE], ticket, key) for ticket in ("a", "b") for key in (b"k" * 16, b"l" * 16)}
    assert len(told) == 4


def test_what_stands_in_another_ticket_is_not_touched() -> None:
    made, _ = redacted()
    other = made.take(message(7, f"请找{NAME}，{PHONE}，井盖没了", sender="13900139000")).tickets[0].ticket_id
    assert PHONE in made.ticket(other).text

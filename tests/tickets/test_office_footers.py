"""An office's letters have all the same footer: what stands below two of them makes no one matter of them."""

from email.message import EmailMessage
from itertools import combinations

import pytest

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import Message, raw_message
from tests.normalizers.test_footers import NOTICE, OFFICES
from tests.rows import each_row
from tests.tickets.build import START
from tests.tickets.said import decided, ticket_of

OFFICE, CITIZEN = "office@liuyin.example", "wang@mail.example"
TROUBLES = ("路灯不亮，请修。", "小区停水两天了。", "垃圾没人清运。", "邻居装修太吵。")
GREETED = "尊敬的市长：您好！我是柳荫区的一名普通居民，有一件事情想向您反映。"


def mail(number: int, text: str, sender: str) -> Message:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "mayor@city.example", "反映问题"
    made["Message-ID"] = f"<{number}@mail.example>"
    made.set_content(text)
    raw = raw_message(
        channel="mailbox",
        channel_kind="imap",
        account="mayor",
        jurisdiction="210100",
        identifier=str(number),
        value=made.as_bytes(),
        content_type="message/rfc822",
        time=START,
        recorded=START,
    )
    return normalize(raw, Policy()).message


@pytest.mark.parametrize("second", [OFFICE, CITIZEN])
@pytest.mark.parametrize("greeting", ["", GREETED])
@pytest.mark.parametrize("footer", [OFFICES["labels"], f"{OFFICES['a line']}\n\n{NOTICE}"])
def test_letters_with_one_footer_are_as_many_matters(footer: str, greeting: str, second: str) -> None:
    for pair in combinations(TROUBLES, 2):
        messages = [
            mail(number, f"{greeting}{text}\n\n{footer}", sender)
            for number, (text, sender) in enumerate(zip(pair, (OFFICE, second), strict=True))
        ]
        desk, (_, decision) = decided(messages)
        assert decision.relation == "new"
        assert footer in ticket_of(desk, decision).text, "no word is lost"
        proposed = ticket_of(desk, decision).proposals
        assert not proposed or greeting, "what is greeted alike is proposed, as without a footer"


@pytest.mark.parametrize("footer", [OFFICES["labels"], OFFICES["English"], NOTICE])
def test_so_are_letters_of_two_or_three_words(footer: str) -> None:
    for pair in combinations(("停水", "下水堵", "没暖气", "着火了", "路灯不亮", "垃圾没清"), 2):
        _, (_, decision) = decided([mail(number, f"{text}\n\n{footer}", OFFICE) for number, text in enumerate(pair)])
        assert decision.relation == "new", pair


@each_row("said", ["救命", "着火了", "停水", "您好"])
@each_row("second", [OFFICE, CITIZEN])
def test_where_it_is_may_look_like_a_footer(said: str, second: str) -> None:
    places = ("柳荫小学\n地址：柳荫区人民路18号", "松柏里小学\n地址：松柏区松柏路20号")
    messages = [
        mail(number, f"{said}\n{place}\n办公电话：024-31234567", sender)
        for number, (place, sender) in enumerate(zip(places, (OFFICE, second), strict=True))
    ]
    _, (_, decision) = decided(messages)
    assert decision.relation == "new"


def test_an_office_s_telephone_in_a_footer_says_of_nobody_that_it_is_they() -> None:
    with_footer, without = (mail(0, f"{TROUBLES[0]}\n\n{below}", OFFICE) for below in (OFFICES["labels"], ""))
    assert with_footer.features.contacts == without.features.contacts == ()
    assert with_footer.features.stated

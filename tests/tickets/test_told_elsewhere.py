"""Whom one field of a ticket names is hidden in its other ones: a result tells of a landlord by the bare name."""

from msgspec.structs import replace

from normalizers.text.fold import fold
from schemas.records import Party
from schemas.records.ticket import Location, Requester, Result, Supervision
from tests.tickets.build import START, message
from tests.tickets.test_masking import ticket_of
from tickets.masking.mask import mask_ticket

SAID = "房东王喆不退押金，路灯也坏了"


def test_a_name_that_the_text_tells_is_hidden_in_title_place_and_result() -> None:
    ticket = replace(
        ticket_of(message(1, SAID)),
        title="转告王喆押金的事",
        search_text=fold(f"转告王喆押金的事\n{SAID}"),
        location=Location(text="中山路12号王喆的店"),
        result=Result(text="当日转告王喆退还，路灯已修"),
    )
    masked = mask_ticket(ticket)
    assert masked.location is not None
    assert masked.result is not None
    for field in (masked.title, masked.text, masked.search_text, masked.location.text, masked.result.text):
        assert field is not None
        assert "王喆" not in field
    assert masked.title == "转告＊＊押金的事"
    assert masked.location.text == "中山路12号＊＊的店"
    assert masked.result.text == "当日转告＊＊退还，路灯已修"


def test_a_name_that_a_title_or_a_result_tells_is_hidden_in_the_text() -> None:
    ticket = replace(
        ticket_of(message(1, "转告王喆和周芸押金的事")), title="房东王喆", result=Result(text="邻居周芸已搬走")
    )
    masked = mask_ticket(ticket)
    assert masked.text == "转告＊＊和＊＊押金的事"


def test_the_given_name_of_the_requester_is_hidden() -> None:
    sender = Party(kind="phone", value="13800138000", name="林霄溪")
    ticket = replace(
        ticket_of(message(1, "我说霄溪的孩子摔了，在霄溪路")),
        requester=Requester(name=sender.name, identities=(sender,)),
    )
    assert mask_ticket(ticket).text == "我说＊＊的孩子摔了，在霄溪路"


def test_a_code_of_a_clerk_that_is_the_number_of_the_requester_is_not_shown() -> None:
    """A landline is written as codes are, so a command takes it."""
    sender = Party(kind="phone", value="024-23456789")
    pressed = [Supervision(level="supervision", number=one, at=START) for one in ("DB-23456789", "DB-7", None)]
    ticket = replace(
        ticket_of(message(1)),
        requester=Requester(phone=sender.value, identities=(sender,)),
        supervision=tuple(pressed),
        result=Result(kind="23456789", text="已修"),
    )
    masked = mask_ticket(ticket)
    assert [one.number for one in masked.supervision] == [None, "DB-7", None]
    assert masked.result == Result(kind=None, text="已修")
    assert mask_ticket(replace(ticket, requester=Requester())).result == ticket.result

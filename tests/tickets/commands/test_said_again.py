"""What was redacted stays black in what is said later in the ticket; it is known by keyed digests alone."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.codec import encode
from schemas.records import Attachment, Event, Finding, Message, Ticket, event
from schemas.records.common import Party
from schemas.records.ticket import Requester
from tests.checkpoints import known
from tests.rows import each_row
from tests.tickets.build import CITY, message
from tests.tickets.commands.orders import Office, refusal, same
from tests.tickets.test_linear import calls_of
from tickets.erasure.redaction_digests import digests, spans_again
from tickets.masking.mask import mask_ticket

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


@each_row(
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


def test_so_have_the_id_of_a_file_and_a_category_in_another_systems_words() -> None:
    made = Office([message(0, f"请找{NAME}，路灯坏了")])
    (ticket,) = made.tickets
    made.order("redact", ticket, spans=[[2, 5]], if_version=1)
    given = (Finding(kind="category", value=f"{NAME}专项", source="channel"),)
    made.take(reply("还没修", findings=given, attachments=(Attachment(id=f"p/{NAME}", sha256="a" * 64),)))
    after = made.ticket(ticket)
    assert (after.attachments[0].id, after.category) == ("p/■■■", None)
    same(made)


def test_so_has_what_a_clerk_writes_later() -> None:
    made, ticket = redacted()
    made.order("set_status", ticket, status="registered")
    told = f"已致电{NAME}（138-1234-5678），{WORDS}也在场"
    made.order("set_status", ticket, status="answered", result_kind="explained", result_text=told)
    result = made.ticket(ticket).result
    assert (result.kind, result.text) == ("explained", f"已致电■■■（{'■' * 13}），{'■' * len(WORDS)}也在场")
    same(made)


def test_a_result_that_was_emptied_does_not_come_back_line_by_line() -> None:
    made = Office([message(0, "路灯坏了")])
    (ticket,) = made.tickets
    for status, told in (("registered", None), ("answered", "已修复，费用由物业承担\n另见附件"), ("resolved", None)):
        made.order("set_status", ticket, status=status, result_text=told)
    made.order("redact", ticket, fields=["result"])
    assert made.ticket(ticket).result is None
    made.take(reply("你们说：已修复，费用由物业承担，可是没有"))
    assert made.ticket(ticket).text == f"路灯坏了\n\n你们说：{'■' * 11}，可是没有"


@each_row("said", ["另一个电话是13812345679", "4栋2单元501室也没灯", "李小明来过", "路灯还没修"])
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


def test_the_work_grows_as_the_text_however_many_lengths_are_known() -> None:
    lines = ["".join(chr(0x4E00 + (first * 97 + at) % 20_000) for at in range(6 + first)) for first in range(200)]
    text = "".join(chr(0x4E00 + at * 31 % 20_000) for at in range(3_000))

    def looked(count: int) -> int:
        kept = digests(lines[:count], "a", b"k" * 16)
        return calls_of(lambda words: spans_again(words, kept, "a", b"k" * 16), text)

    assert looked(200) <= 1.5 * looked(2)


def test_long_words_are_found_wherever_they_stand_also_those_that_begin_alike_or_were_kept_by_an_older_version() -> (
    None
):
    lines = ["我在酒厂上夜班的那个表弟", "我在酒厂上夜班", "夜班的那个表弟也说", "李小龙"]
    text = "他说，我在酒厂上夜班的那个表弟也说，李小龙急了"
    kept = digests(lines, "a", b"k" * 16)
    older = [":".join(one.split(":")[:2]) for one in kept]
    assert older != list(kept)
    for known_as in (kept, older):
        found = {at for span in spans_again(text, known_as, "a", b"k" * 16) for at in range(*span)}
        assert found == {*range(3, 17), *range(18, 21)}


def test_what_stands_in_another_ticket_is_not_touched() -> None:
    made, _ = redacted()
    other = made.take(message(7, f"请找{NAME}，{PHONE}，井盖没了", sender="13900139000")).tickets[0].ticket_id
    assert PHONE in made.ticket(other).text


def requester_redacted(**sender: Any) -> tuple[Office, str]:
    said = replace(message(0, "路灯坏了"), sender=Party(**{"kind": "phone", "value": PHONE, "name": NAME} | sender))
    made = Office([said])
    made.order("redact", made.tickets[0], fields=["requester"])
    return made, made.tickets[0]


@each_row(
    ("first", "then", "shown"),
    [
        ({}, {}, Requester()),
        ({}, {"value": f"+86 {PHONE}", "name": "李 小龙"}, Requester()),
        ({"name": "Bo"}, {"kind": "email", "value": "bo@mail.example", "name": "Bo"}, "bo@mail.example"),
        ({"kind": "name", "value": NAME, "name": None}, {"kind": "name", "value": NAME}, Requester()),
        ({"kind": "uid", "value": "17", "name": "Bo"}, {"kind": "uid", "value": "17", "name": "Bo"}, Requester()),
    ],
)
def test_a_requester_who_was_redacted_is_not_filled_in_again_by_the_same_name_or_number(
    first: dict[str, str], then: dict[str, str], shown: Requester | str
) -> None:
    made, ticket = requester_redacted(**first)
    made.take(reply("还没修", sender=Party(**{"kind": "phone", "value": PHONE, "name": NAME} | then)))
    after = made.ticket(ticket)
    assert "还没修" in after.text
    if isinstance(shown, str):
        shown = Requester(email=shown, identities=(Party(kind="email", value=shown),))
    assert after.requester == shown
    same(made)


def test_who_writes_on_from_another_address_is_known_by_it() -> None:
    made, ticket = requester_redacted()
    made.take(reply("还没修", sender=Party(kind="phone", value="13900139000", name="李小明")))
    after = made.ticket(ticket).requester
    assert (after.name, after.phone) == ("李小明", "13900139000")


def test_words_that_were_blacked_out_leave_the_requester_as_he_is() -> None:
    made, ticket = redacted()
    made.take(reply("还没修", sender=Party(kind="phone", value=PHONE, name=NAME)))
    assert made.ticket(ticket).requester.identities[-1] == Party(kind="phone", value=PHONE, name=NAME)


def point(place: str) -> tuple[Finding, ...]:
    return (
        Finding(kind="place", value=place, source="rule"),
        Finding(kind="coordinates", value="123.4567,41.8012,gcj02", source="channel"),
    )


@each_row("said", [NAME, "李 小 龙", "138-1234-5678", "3-2-501", DOOR])
def test_of_a_text_that_is_emptied_as_a_whole_nobody_is_named_in_other_words(said: str) -> None:
    made, ticket = redacted(fields=["text"], spans=[])
    made.take(reply(f"还没修，听说是{said}那家"))
    same(made)
    told = made.ticket(ticket)
    assert said not in told.text
    assert said not in told.search_text
    assert "还没修，听说是" in told.text


@pytest.mark.parametrize("redaction", [{"fields": ["location"]}, {"spans": [[2, 2 + len(DOOR)]], "if_version": 1}])
def test_a_place_that_was_taken_off_the_map_does_not_come_back_on_it(redaction: dict[str, Any]) -> None:
    made = Office([replace(message(0, f"我住{DOOR}，路灯坏了"), findings=point(DOOR))])
    (ticket,) = made.tickets
    assert made.ticket(ticket).location.longitude
    made.order("redact", ticket, **redaction)
    made.take(reply("还没修", findings=point(DOOR)))
    place = made.ticket(ticket).location
    assert place.longitude is place.latitude is place.datum is None
    assert DOOR not in (place.text or "")


def test_another_place_that_is_told_later_is_shown_by_its_words() -> None:
    made = Office([replace(message(0, "路灯坏了"), findings=point("中山路12号"))])
    made.order("redact", made.tickets[0], fields=["location"])
    made.take(reply("还没修", findings=point("青年大街1号")))
    place = made.ticket(made.tickets[0]).location
    assert (place.text, place.longitude) == ("青年大街1号", None)


def emptied_by(decision: Event) -> list[str]:
    """Return the messages that the archive empties of this decision."""
    told = (one for one in decision.changes if isinstance(one, event.Redacted | event.MessagesErased))
    return [message.message_id for one in told for message in one.messages]


@each_row(
    "said",
    [
        {"text": f"还没修，问{NAME}"},
        {"title": f"致{NAME}"},
        {"quoted": TEXT},
        {"signature": f"{NAME}的邻居"},
        {"attachments": (Attachment(id="1", name=f"{NAME}.jpg", sha256="a" * 64),)},
        {"findings": (Finding(kind="place", value=f"阳光花园{DOOR}", source="rule"),)},
        {"extra": {"备注": PHONE}},
        {"message_class": "bounce", "quoted": TEXT},
        {"message_class": "auto_reply", "text": f"我已休假，急事找{NAME}"},
    ],
)
def test_a_message_that_says_again_what_was_blacked_out_is_emptied_in_the_archive(said: dict[str, Any]) -> None:
    made, ticket = redacted()
    told = replace(reply("还没修"), **said)
    told = replace(told, features=replace(told.features, message_class=told.message_class))
    decision = made.take(told)
    assert emptied_by(decision) == [told.message_id]
    assert encode(decision).decode().count(told.message_id) >= 2
    heard = told.message_class == "person"
    assert ("还没修" in made.ticket(ticket).text) is heard
    same(made)
    assert emptied_by(made.take(message(6, "又过了一天", answers=(f"{CITY}-5",)))) == []


def test_so_is_one_that_says_all_of_it_again_where_the_ticket_shows_the_rest() -> None:
    made, ticket = redacted()
    again = made.take(message(6, TEXT))
    assert (again.relation, emptied_by(again)) == ("same_person_same_matter", [again.input.message_id])
    assert "路灯坏了" in made.ticket(ticket).text
    made, ticket = redacted(fields=["text"], spans=[])
    assert emptied_by(made.take(message(6, TEXT))) == [], "nobody else has its words"
    assert made.ticket(ticket).message_count == 2


@pytest.mark.parametrize(("text", "is_gone"), [(f"还没修，问{NAME}", True), ("还没修", False)])
def test_so_is_one_that_a_clerk_moves_into_the_ticket(text: str, is_gone: bool) -> None:
    made, ticket = redacted()
    other = made.take(message(7, "井盖没了", sender="13900139000")).tickets[0].ticket_id
    said = made.take(message(8, text, sender="13900139000", answers=(f"{CITY}-7",)))
    assert said.tickets[0].ticket_id == other
    moved = made.order("move", other, message_id=said.input.message_id, to=ticket)
    assert refusal(moved) is None
    assert emptied_by(moved) == ([said.input.message_id] if is_gone else [])
    assert NAME not in made.ticket(ticket).text
    same(made)


@pytest.mark.parametrize("said", [{}, {"sender": Party(kind="phone", value=PHONE, name=NAME)}])
def test_one_that_says_nothing_of_it_stays_with_whoever_sent_it(said: dict[str, Any]) -> None:
    made, _ = redacted()
    assert emptied_by(made.take(reply("还没修", **said))) == []
    made, _ = requester_redacted()
    assert emptied_by(made.take(reply("还没修", **said))) == []


def test_a_message_to_a_ticket_of_which_nothing_was_taken_stays() -> None:
    made = Office([message(0, TEXT)])
    assert emptied_by(made.take(reply(f"还没修，问{NAME}"))) == []

"""Masks hide persons, contacts and doors; places stay searchable."""

import hashlib
import re

import msgspec
import pytest

from normalizers.base import Policy
from normalizers.parse import ticket_tokens
from normalizers.text.fold import fold
from schemas import ids, topics
from schemas.codec import decode, encode
from schemas.records import Attachment, Finding, Message, Party, Ticket
from schemas.records.ticket import Location, Origin
from tests.tickets.build import CITY, message, position
from tests.tickets.commands.orders import office
from tests.tickets.said import decided, said
from tickets.masking.mask import mask_text, mask_ticket
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

HIDDEN = {
    "mobile": ("请打13812345678找我", "13812345678"),
    "mobile with blanks": ("电话138 1234 5678", "5678"),
    "mobile abroad": ("+86 13812345678", "13812345678"),
    "full-width mobile": ("１３８１２３４５６７８", "１３８１２３４５６７８"),
    "landline": ("座机024-23456789，白天在", "23456789"),
    "landline without dash": ("02423456789", "23456789"),
    "local landline": ("电话：23456789", "23456789"),
    "another local landline": ("电话：22334455 或者 23456789", "23456789"),
    "id": ("身份证11010519491231002X", "11010519491231002"),
    "mistyped id": ("身份证110105194912310021", "194912310021"),
    "card": ("卡号6222 0212 3456 7890 123", "7890"),
    "plate": ("车牌辽A12345堵门", "A12345"),
    "new energy plate": ("沪AD12345", "AD12345"),
    "mail": ("发到zhang.san@example.cn", "zhang.san"),
    "name before title": ("张建国先生说", "张建国"),
    "surname before title": ("王女士反映", "王"),
    "own name": ("我叫李小龙，住在这里", "李小龙"),
    "surname": ("我姓赵", "赵"),
    "door": ("阳光小区3号楼2单元501室", "501"),
    "short door": ("阳光小区3-2-501", "501"),
}

SHOWN = [
    "中山路12号门口的路灯坏了",
    "工单FZ16082600608一直没人管",
    "工单210100-20261125-000187-8没有回复",
    "地铁2号线施工到2026年11月25日",
    "和平区建设大街与胜利路交叉口",
    "罚款12000元",
    "阳光小区物业费每平方米1.85元",
]


@pytest.mark.parametrize(("text", "secret"), HIDDEN.values(), ids=HIDDEN.keys())
def test_personal_spans_are_blacked_out(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in mask_text(text)


@pytest.mark.parametrize("text", SHOWN)
def test_words_of_the_matter_stay(text: str) -> None:
    assert mask_text(text) == text


def ticket_of(one: Message) -> Ticket:
    desk = Desk(State(TicketPolicy()))
    decision = desk.take(one, position(0))
    assert decision is not None
    return desk.ticket(decision.tickets[0].ticket_id)


def test_every_personal_field_of_a_ticket_is_masked() -> None:
    planted = message(
        1,
        "我叫李小龙，电话13812345678，阳光小区3号楼2单元501室漏水",
        sender="13812345678",
        attachments=(Attachment(id="1", name="李小龙身份证.jpg", sha256="0" * 64),),
    )
    planted = msgspec.structs.replace(planted, sender=Party(kind="phone", value="13812345678", name="李小龙"))
    ticket = ticket_of(planted)
    masked = encode(mask_ticket(ticket)).decode()
    for secret in ("李小龙", "13812345678", "501"):
        assert secret in encode(ticket).decode()
        assert secret not in masked
    shown = msgspec.json.decode(masked, type=Ticket)
    assert "阳光小区" in shown.text
    assert "阳光小区" in shown.search_text
    assert shown.title is not None
    assert '"masked":true' in masked


def test_a_files_number_is_shown_and_no_address_of_its_page() -> None:
    """The address of a picture at Weibo begins with the uid of its owner."""
    files = (Attachment(id="1", name="a.jpg"), Attachment(id="https://wx1.sinaimg.example/large/8e5e1d3fly1.jpg"))
    masked = mask_ticket(ticket_of(message(1, attachments=files)))
    assert [one.id for one in masked.attachments] == ["1", ""]


def test_no_digest_of_a_files_bytes_is_shown_by_which_files_could_be_tried() -> None:
    """A card with a telephone is as short as a message: its digest tells the telephone to whoever tries them all."""
    digest = hashlib.sha256(b"BEGIN:VCARD\r\nTEL:13812345678\r\nEND:VCARD\r\n").hexdigest()
    card = Attachment(id="1", size=46, sha256=digest, dataref=f"{CITY}/m1/{digest}")
    ticket = ticket_of(message(1, attachments=(card,)))
    assert digest in encode(ticket).decode()
    masked = mask_ticket(ticket)
    assert digest not in encode(masked).decode()
    assert masked.attachments == (Attachment(id="1", size=46),)


@pytest.mark.parametrize(("number", "shown"), [("A00074795-1", None), ("CC-1", "CC-1")])
def test_another_systems_number_shows_nothing_that_is_known_of_the_requester(number: str, shown: str | None) -> None:
    ticket = ticket_of(msgspec.structs.replace(message(1), sender=Party(kind="uid", value="A00074795")))
    given = msgspec.structs.replace(ticket, origin=Origin(external_ticket_no=number))
    assert mask_ticket(given).origin == Origin(external_ticket_no=shown)


def test_the_masked_snapshot_is_a_ticket() -> None:
    masked = encode(mask_ticket(ticket_of(message(1))))
    assert msgspec.json.decode(masked, type=Ticket).masked


def test_a_mask_keeps_no_digit_of_a_phone() -> None:
    assert not re.search(r"\d", mask_text("13812345678"))


def masked_text(text: str, *senders: Party, place: str | None = None) -> str:
    """Return the masked ticket of messages by these senders, each with the same words."""
    desk = Desk(State(TicketPolicy()))
    findings = (Finding(kind="place", value=place, source="channel"),) if place else ()
    for number, sender in enumerate(senders, 1):
        said = message(number, text, sender="13800138000", answers=(f"{CITY}-1",) if number > 1 else ())
        decision = desk.take(
            msgspec.structs.replace(said, sender=sender, search_text=fold(text), findings=findings), position(number)
        )
        assert decision is not None
    (masked,) = [record.value.decode() for record in desk.flush() if record.topic == topics.TICKET_MASKED]
    return masked


@pytest.mark.parametrize(
    ("sender", "text", "secret"),
    [
        (Party(kind="email", value="tao@x.cn", name="陶镕"), "路灯坏了\n陶镕 敬上", "陶镕"),
        (Party(kind="email", value="tao@x.cn", name="陶镕"), "陶镕的孩子在中山路摔了", "陶镕"),
        (Party(kind="email", value="tao@x.cn", name="陶镕 (市民)"), "转告陶镕一声", "陶镕"),
        (Party(kind="email", value="z@x.cn", name="張偉"), "转告张伟和張偉", "张伟"),
        (Party(kind="email", value="lin@x.cn", name="Lin Xiaoxi"), "路灯坏了，LIN xiaoxi写", "xiaoxi"),
        (Party(kind="email", value="linxiaoxi@x.cn"), "我的号是linxiaoxi", "linxiaoxi"),
        (Party(kind="phone", value="024-23456789"), "打23456789找我", "23456789"),
        (Party(kind="phone", value="024–23456789"), "打024–23456789找我", "23456789"),
        (Party(kind="email", value="a@x.cn", name="莉莉ー安"), "转告莉莉ー安", "莉莉ー安"),
        (Party(kind="phone", value="13800138000", name="买买提"), "买买提家路灯坏了", "买买提"),
        (Party(kind="openid", value="oAbC_12345"), "号码oAbC_12345", "12345"),
        (Party(kind="uid", value="A00074795"), "编号A00074795的户", "00074795"),
        (Party(kind="name", value="林霄溪"), "事情就是这样，林霄", "林霄"),
    ],
)
def test_what_is_known_of_the_requester_is_hidden_wherever_it_stands(sender: Party, text: str, secret: str) -> None:
    assert secret in text.lower()
    assert secret not in masked_text(text, sender).lower()


@pytest.mark.parametrize("apart", ["霁 霄 溪", "霁·霄溪", "霁\u3000霄\u3000溪", "霁.霄.溪", "霁-霄溪"])
def test_the_name_of_the_requester_is_hidden_where_it_is_written_apart(apart: str) -> None:
    masked = masked_text(f"路灯坏了，转告{apart}一声", Party(kind="phone", value="13800138000", name="霁霄溪"))
    assert f"转告{'＊' * len(apart)}一声" in masked
    assert "霄" not in masked


def test_a_name_is_not_read_over_the_end_of_a_sentence() -> None:
    said = "我姓霁。霄溪路的灯坏了"
    assert said in masked_text(said, Party(kind="phone", value="13800138000", name="霁霄溪"))


def test_everybody_who_wrote_to_the_ticket_is_hidden() -> None:
    senders = [Party(kind="email", value=f"{at}@x.cn", name=name) for at, name in enumerate(("陶镕", "林霄溪"))]
    masked = masked_text("路灯坏了，转告陶镕与林霄溪", *senders)
    assert not any(name in masked for name in ("陶镕", "林霄溪"))
    assert "路灯坏了" in masked


def test_the_signature_of_each_message_is_hidden() -> None:
    said = "路灯坏了，请处理。\n林晓溪\n\n还是没有人来修。\n林晓溪"
    masked = mask_ticket(msgspec.structs.replace(ticket_of(message(1)), text=said))
    assert "林晓溪" not in masked.text
    assert mask_text("路灯坏了,请处理。 林晓溪\n\n还是没有人来修。 林晓溪").count("林晓溪") == 0


def test_every_name_that_one_number_went_by_is_hidden() -> None:
    """A message under another display name must not unmask the one before."""
    senders = [Party(kind="phone", value="13800138000", name=name) for name in ("霁霄溪", "衡之岫", None, "霁霄溪")]
    masked = masked_text("路灯坏了，转告霁霄溪与衡之岫", *senders)
    assert not any(name in masked for name in ("霁霄溪", "衡之岫"))
    assert "路灯坏了" in masked


@pytest.mark.parametrize("name", ["市民", "12345", "li", "o1"])
def test_a_name_that_names_nobody_hides_no_words(name: str) -> None:
    text = "市民打12345说police和o1路口的路灯坏了"
    assert text in masked_text(text, Party(kind="email", value="a@x.cn", name=name))


def test_a_short_latin_name_hides_no_part_of_a_word() -> None:
    masked = masked_text("policeman Lice", Party(kind="email", value="a@x.cn", name="Lice"))
    assert "policeman" in masked
    assert "Lice" not in masked


def test_what_opens_the_status_page_is_hidden_in_the_text_and_where_it_is_searched() -> None:
    ticket = ticket_of(message(1))
    token = ticket_tokens.make(ticket.ticket_id, Policy(requester_keys={"demo": b"0" * 32}))
    code = ids.query_code(b"0" * 32, ticket.ticket_id)
    said = f"工单编号 {ticket.ticket_no}，查询码 {code}，附 {token}"
    masked = mask_ticket(msgspec.structs.replace(ticket, text=said, search_text=fold(said)))
    for secret in (code, token, token[-16:]):
        assert secret in said
        assert secret not in masked.text + masked.search_text
    assert ticket.ticket_no in masked.text


def test_a_place_keeps_its_road_and_not_whose_home_it_is() -> None:
    sender = Party(kind="phone", value="13800138000")
    assert "林霄溪" not in masked_text("路灯坏了", sender, place="林霄溪家")
    assert "中山路12号" in masked_text("路灯坏了", sender, place="中山路12号")


def test_a_place_that_stands_alone_is_no_person() -> None:
    ticket = ticket_of(message(1))
    for place, shown in (
        ("石岩", "石岩"),
        ("高桥", "高桥"),
        ("王喆家", "＊＊家"),
        ("张家湾3-2-501", "张家湾＊＊＊＊＊＊＊"),
    ):
        masked = mask_ticket(msgspec.structs.replace(ticket, location=Location(text=place)))
        assert masked.location is not None
        assert masked.location.text == shown


def masked_of(title: str | None, text: str, search_text: str | None = None) -> Ticket:
    copied = fold("\n".join(one for one in (title, text) if one)) if search_text is None else search_text
    return mask_ticket(msgspec.structs.replace(ticket_of(message(1)), title=title, text=text, search_text=copied))


@pytest.mark.parametrize("title", [None, "路灯坏了，电话138", "路灯坏了", "王女士的路灯13900139000"])
def test_title_text_and_copy_hide_the_same(title: str | None) -> None:
    masked = masked_of(title, "路灯坏了，电话13812345678，李明女士\n住3号楼501室")
    for field in (masked.title or "", masked.text, masked.search_text):
        assert not any(secret in field for secret in ("138", "5678", "139", "李明", "501", "王"))
        assert "路灯" in field or not field
    assert masked.search_text == fold("\n".join(one for one in (masked.title, masked.text) if one))


def test_a_title_that_is_the_beginning_of_the_text_is_masked_as_it_is_there() -> None:
    masked = masked_of("路灯坏了，电话138", "  路灯坏了，电话13812345678")
    assert masked.title == "路灯坏了，电话＊＊＊"
    assert masked.text == "  路灯坏了，电话＊＊＊＊＊＊＊＊＊＊＊"


def test_a_copy_that_tells_more_than_the_text_is_masked_by_itself() -> None:
    """Of a ticket whose middle was left out, or of a later message with a title of its own."""
    masked = masked_of("路灯", "路灯坏了", "路灯 路灯坏了 请打13812345678")
    assert masked.search_text.startswith("路灯 路灯坏了 请打")
    assert "1381" not in masked.search_text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("住五零一室", "construction.public_works"),
        ("闽A1234挂停在门口", None),
        ("E52345671", None),
        ("油烟扰民", "油烟扰民"),
        ("0102030", "0102030"),
    ],
)
def test_a_category_in_words_that_tell_of_a_person_is_not_shown(given: str, shown: str | None) -> None:
    (masked,) = (
        decode(out.value, Ticket)
        for out in decided([said(1, "路灯坏了", category=given)])[0].flush()
        if out.topic == topics.TICKET_MASKED
    )
    assert (masked.category.code if masked.category else None) == shown


@pytest.mark.parametrize(
    ("given", "is_shown"),
    [
        ("construction.housing", True),
        ("lamps", True),
        ("0102030", True),
        ("照明", True),
        ("zhangwei", False),
        ("02487654321", False),
        ("87654321", False),
    ],
)
def test_a_clerk_s_category_of_no_scheme_of_ours_that_may_name_a_person_is_not_shown(
    given: str, is_shown: bool
) -> None:
    at_office, (ticket,) = office()
    at_office.order("reclassify", ticket, category=given)
    shown = mask_ticket(at_office.ticket(ticket)).category
    assert (shown.code if shown else None) == (given if is_shown else None)


def test_the_evidence_of_an_emergency_shows_nothing_that_the_text_hides() -> None:
    """Where its words stand is told in the message and its hand-over: beside a masked text it would point at names."""
    text = "我叫毕福林，住3号楼2单元501，邻居云飞扬家着火了，电话13812345678"
    message = said(1, "", text)
    assert message.emergency is not None
    assert message.emergency.spans
    masked = mask_ticket(ticket_of(message))
    assert masked.emergency is not None
    assert masked.emergency.spans == ()
    assert not [word for word in ("毕福林", "云飞扬", "501", "13812345678") if word in encode(masked).decode()]

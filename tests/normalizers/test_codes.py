"""What stays in clear in a masked ticket is a code or a known word: a person's name or number never passes."""

import json
from collections.abc import Callable

import msgspec

from hotline.trial.inputs import Input
from hotline.trial.raw import raw_of
from normalizers.base import Policy
from normalizers.parse.codes import (
    is_category,
    is_code,
    is_hotline,
    is_kind,
    is_media_type,
    is_reference,
    names_a_person,
)
from normalizers.pipeline import normalize
from schemas.records import Message
from tests.rows import each_row

PERSONAL = [
    "林霄溪", "林霄溪来访", "李明", "李明 13800138000 的供热", "13812345678", "tel:13812345678", "wx13812345678",
    "1380013800013900139000", "008613800138000", "138-0013-8000", "210102-19900101-123X", "我叫乌云其木格，家住",
    "110105194912310021", "110105491231002", "供热李明", "供热，找李明", "请\n供热", "lin@mail.example",
    "024-86227399", "wxid_8k2l1m9n0p",
]  # fmt: skip


@each_row("is_in_clear", [is_code, is_kind, is_reference, is_hotline, is_media_type])
@each_row("text", ["", *PERSONAL])
def test_no_name_or_number_of_a_person_passes(is_in_clear: Callable[[str], bool], text: str) -> None:
    assert not is_in_clear(text)


@each_row("text", ["mayor", "12345", "gh_1a2b3c", "office-7", "DH-77", "2026/118", "urn:x:7", "0531-20260518"])
def test_codes(text: str) -> None:
    assert is_code(text)


@each_row(
    "text",
    [
        "6a13ee8c-4b5d-4b1c-9a33-a13812345678",
        "138E0013-8001-4138-8123-451380013800",
        "f13a8001-1380-4013-8000-13800138000a",
        "6a13ee8c4b5d4b1c9a33a13812345678",
        "crm:6a13ee8c-4b5d-4b1c-9a33-a13812345678",
        "crm:6a13ee8c4b5d4b1c9a33a13812345678",
    ],
)
def test_an_id_of_a_back_office_is_a_code_whatever_digits_it_has(text: str) -> None:
    assert is_code(text)


@each_row(
    "text",
    [
        "6a13ee8c4b5d4b1c9a33-13812345678", "a-13812345678", "13812345678:6a13ee8c-4b5d-4b1c-9a33-a13812345678",
        "张伟:6a13ee8c-4b5d-4b1c-9a33-a13812345678", "6a13ee8c4b5d6b1c1a33a13812345678", "x" * 65,
    ],
)  # fmt: skip
def test_digits_in_another_shape_are_no_id(text: str) -> None:
    assert not is_code(text)


@each_row(
    "text",
    [
        "210100202611250001", "210100202611250008", "crm:210102202611250001", "210100-20261125-0001",
        "202611251030001234", "812345678901234567", "175420000000000001", "210102202613250001", "210102198000250001",
    ],
)  # fmt: skip
def test_an_id_of_eighteen_digits_that_a_machine_counts_is_a_code(text: str) -> None:
    """A day of these years behind its city, a time, a number with no birth date in it."""
    assert is_code(text)
    assert is_reference(text)


@each_row(
    "text",
    [
        "210102198003076137", "210102198003076131", "crm:210102198003076137", "210102-19800307-6137",
        "210102201912310014", "441900198003070018", "21010219800307613X", "21010220261125000X", "a:210102202203070010",
    ],
)  # fmt: skip
def test_an_id_number_of_a_person_is_none_mistyped_too(text: str) -> None:
    assert not is_code(text)
    assert not is_reference(text)


@each_row(
    "text",
    [
        "441900200103070019", "441900202203070015", "442000202203070017", "460400202203070010", "62020020220307001X",
        "441900198503070011", "210102197003076132",
    ],
)  # fmt: skip
def test_an_imported_id_that_is_an_id_number(text: str) -> None:
    """Of a city without districts, which issues them itself; and of whoever is older than any archive, mistyped too."""
    assert names_a_person(text)


@each_row("text", ["210100202203070018", "210102201501010001", "441900201501010001", "20240101000123"])
def test_an_imported_id_that_a_machine_counted(text: str) -> None:
    assert not names_a_person(text)


@each_row("text", ["京热〔2026〕123号", "信访2026-00123", "2026年第17号", "市长信箱20261124", "DH-77"])
def test_numbers_of_documents(text: str) -> None:
    assert is_reference(text)


@each_row(
    "text",
    [
        "CC2026112500001", "77", "case-17", "2026-0123", "0531-20260518", "TICKET2026001", "WX_88",
        "20260518001", "6a13ee8c-4b5d-4b1c-9a33-a13812345678", "2026/118", "urn:x:7",
    ],
)  # fmt: skip
def test_numbers_of_tickets(text: str) -> None:
    assert is_reference(text)


@each_row(
    "text",
    [
        "6217003810026896707", "CARD:6217003810026896707",
        "zhangsan", "ZhangWei", "li-na", "Smith", "zhangsan1988", "Wang.Xiaoming.7", "wangxiaoming-2026-1",
        "xiaoming_wang_2", "Li-Na-7", "87654321", "8765-4321", "6512345", "02487654321", "0591/87654321",
    ],
)  # fmt: skip
def test_a_name_in_latin_letters_or_a_landline_is_no_ticket_number(text: str) -> None:
    assert not is_reference(text)
    message = taken(external_ticket_no=text)
    assert message.extra == {"external_ticket_no": text}
    assert not [finding for finding in message.findings if finding.source == "channel"]


@each_row(
    "text",
    [
        "010203",
        "A-7",
        "市容",
        "环境保护",
        "城乡建设/供热",
        "劳动和社会保障",
        "市容环卫、绿化",
        "油烟扰民",
        "住房（公积金）",
        "一户一表",
        "地铁5号线",
        "二楼违建",
        "三方座谈",
        "路政",
        "揭发",
        "供热公司3号站",
        "户籍科",
    ],
)
def test_categories(text: str) -> None:
    assert is_category(text)


@each_row(
    "text",
    [
        "",
        "我叫乌云其木格，家住",
        "业主李明反映",
        "楼下老王天天打麻将",
        "电话一三八零零一三八零零零",
        "李明 13800138000 的供热",
        "13812345678",
        "3栋2单元501室",
        "三栋二单元五〇一",
        "阳光花园12号楼301",
        "501室",
        "中山路12号",
        "辽A3M2K7",
        "违停辽A·58K62",
        "马合木提",
        "乌云其木格",
        "扎西多吉",
        "供热13812345678",
        "请\n供热",
        "lin@mail.example",
        "供热。" * 20,
    ],
)
def test_what_is_no_category(text: str) -> None:
    assert not is_category(text)


@each_row(
    "text",
    [
        "application/octet-stream", "text/plain; charset=utf-8", "image/*", "image/svg+xml", "message/rfc822",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ],
)  # fmt: skip
def test_media_types(text: str) -> None:
    assert is_media_type(text)


@each_row("text", ["application/x-lin-13812345678", "林霄溪/13812345678", "x/y", "text", "a/b\nc"])
def test_what_is_no_media_type(text: str) -> None:
    assert not is_media_type(text)


CODED = ("channel_kind", "account", "external_ticket_no", "hotline_code")


def taken(**fields: object) -> Message:
    line = json.dumps({"id": "1", "text": "路灯坏了", **fields}, ensure_ascii=False).encode()
    return normalize(raw_of(Input(name="x.jsonl:1", channel="record", data=line), "210100"), Policy()).message


@each_row("words", PERSONAL)
def test_words_in_a_coded_field_stand_in_extra_alone(words: str) -> None:
    message = taken(**dict.fromkeys(CODED, words), attachments=[{"name": "a", "media_type": words}])
    assert message.extra == dict.fromkeys(CODED, words)
    assert words not in msgspec.json.encode(msgspec.structs.replace(message, extra={})).decode()
    assert (message.channel_kind, message.attachments[0].media_type) == ("record", "application/octet-stream")


def test_codes_keep_their_places() -> None:
    message = taken(
        channel_kind="letter", account="office-7", category="市容", external_ticket_no=77, hotline_code="12319"
    )
    assert (message.channel_kind, message.account, message.extra) == ("letter", "office-7", {})
    said = [finding.value for finding in message.findings if finding.source == "channel"]
    assert said == ["市容", "77", "12319"]

"""Where it happened: the address in a message, its code, and what of it decisions may see."""

import json
from pathlib import Path
from typing import Any

from normalizers.base import Policy
from normalizers.enrich.address import extract
from normalizers.pipeline import normalize
from schemas.records import Finding, Message, raw_message
from tests.normalizers.conftest import TAKEN
from tests.rows import each_row


def message(jurisdiction: str = "110000", **fields: Any) -> Message:
    value = json.dumps({"id": "1", **fields}, ensure_ascii=False).encode()
    raw = raw_message(
        channel="record", channel_kind="record", account="a", jurisdiction=jurisdiction, identifier="1", value=value,
        content_type="application/json", time=TAKEN, recorded=TAKEN, sender="a",
    )  # fmt: skip
    return normalize(raw, Policy()).message


def found(made: Message, kind: str) -> list[Finding]:
    return [finding for finding in made.findings if finding.kind == kind]


@each_row(
    ("text", "place"),
    [
        ("我家住朝阳区建国路88号,楼下路灯坏了", "朝阳区建国路88号"),
        ("尽快修复德雅路170号门前的路面", "德雅路170号"),
        ("投诉海淀区清河街道安宁里小区物业不作为", "海淀区清河街道安宁里小区"),
        ("丽景小区半夜施工", "丽景小区"),
        ("黄花镇黄花村征收拆迁没有补偿", "黄花镇黄花村"),
        ("芙蓉路与解放路交叉口红绿灯不亮", "芙蓉路与解放路"),
        ("您好!西城区的医保怎么办理", None),
        ("中山路人行道破损", "中山路"),
        ("解放路人民医院门口乱停车", "解放路"),
        ("吓坏路人", None),
        ("车子撞了路人就跑", None),
        ("太和路有个大坑", "太和路"),
        ("反映永和路路灯不亮", "永和路"),
        ("建设路积水很深", "建设路"),
        ("泰和路和解放路交叉口", "泰和路和解放路"),
        ("正在建设路口", None),
        ("老人和路边的狗", None),
        ("主管的交通公路部门", None),
    ],
)
def test_the_fullest_address_is_the_place(text: str, place: str | None) -> None:
    address = extract.find(text)
    assert (text[address.start : address.end] if address else None) == place


@each_row(
    "text",
    [
        "", "我们小区的物业收费太高", "该村村委会不公开账目", "回家的路上被狗咬了", "这条马路坑坑洼洼",
        "老旧小区改造什么时候开始", "投诉小区物业", "乡村公路硬化", "致富路子", "请问社保怎么办理", "思路不清",
        "断头路何时打通", "人行道路被占",
    ],
)  # fmt: skip
def test_a_kind_of_place_is_no_place(text: str) -> None:
    assert extract.find(text) is None


@each_row(
    ("text", "place"),
    [
        ("楼上漏水,尽快派人。\n锦绣江南3栋2单元501", "锦绣江南"),
        ("没暖气\n地址：香榭丽都２栋３单元", "香榭丽都"),
        ("漏水\r\n富力城3-2-1501", "富力城"),
        ("海棠湾1期5栋", "海棠湾"),
        ("我住橡树湾A座1503", "橡树湾"),
        ("楼上漏水\n3栋2单元501", None),
        ("漏水\n隔壁单元3号楼", None),
        ("停水\n现在拆了3栋", None),
        ("我们这边5号楼还是没水", None),
    ],
)
def test_a_line_that_holds_but_an_address_names_its_estate(text: str, place: str | None) -> None:
    made = message(text=text)
    found_one = [(one.value, text[slice(*one.span)] if one.span else None) for one in found(made, "place")]
    assert found_one == ([(place, place)] if place else [])
    assert [one.value for one in found(made, "place_poi")] == ([place] if place else [])


def test_places_are_found_as_well_as_was_measured() -> None:
    """`places_unseen.tsv` was written before the rules for such names and lines; nobody reads its single rows."""
    folder = Path(__file__).parent
    for name, least in (("places_told.tsv", 0.93), ("places_unseen.tsv", 0.9)):
        rows = [line.split("\t") for line in (folder / name).read_text("utf-8").splitlines()[1:]]
        right = [told(text.replace("\\n", "\n")) == place for text, place in rows if place]
        wrong = [told(text.replace("\\n", "\n")) for text, place in rows if not place]
        assert sum(right) >= least * len(right), name
        assert sum(map(bool, wrong)) <= 0.02 * len(wrong), name


def told(text: str) -> str:
    return next((one.value for one in found(message(text=text), "place")), "")


def test_a_place_is_found_with_its_span_and_its_code() -> None:
    text = "您好,朝阳区建国路88号的井盖丢了"
    (place,) = found(message(text=text), "place")
    assert place.span is not None
    assert text[slice(*place.span)] == place.value == "朝阳区建国路88号"
    assert [one.value for one in found(message(text=text), "adcode")] == ["110105"]
    assert [one.value for one in found(message("220100", text=text), "adcode")] == ["220104"]
    (road,) = found(message(text=text), "place_road")
    assert road.span is not None
    assert text[slice(*road.span)] == road.value == "建国路"


def test_spans_point_into_the_text_and_not_into_the_title() -> None:
    text = "望京街道花家地小区停水"
    (place,) = found(message(title="反映", text=text), "place")
    assert place.span is not None
    assert text[slice(*place.span)] == place.value == "望京街道花家地小区"
    (titled,) = found(message(title=text, text="停了三天"), "place")
    assert (titled.value, titled.span) == ("望京街道花家地小区", None)


def test_full_width_and_traditional_characters_are_read() -> None:
    (place,) = found(message(text="朝陽區建國路８８號井蓋丟了"), "place")
    assert place.value == "朝陽區建國路８８號"
    assert [one.value for one in found(message(text="朝陽區建國路８８號井蓋丟了"), "adcode")] == ["110105"]


def test_what_the_channel_says_stands_and_gets_its_code() -> None:
    made = message(text="丽景小区停水", place="北京市海淀区中关村大街27号")
    assert [(one.value, one.source) for one in found(made, "place")] == [("北京市海淀区中关村大街27号", "channel")]
    assert [one.value for one in found(made, "adcode")] == ["110108"]


def test_a_district_alone_is_a_code_and_no_place() -> None:
    made = message(text="西城区的河水又黑又臭,何时整治")
    assert [one.value for one in found(made, "adcode")] == ["110102"]
    assert not found(made, "place")


def test_a_short_name_of_another_city_is_not_believed() -> None:
    assert not found(message("350100", text="金山榕城广场太吵"), "adcode")
    assert [one.value for one in found(message("350100", text="上海市金山区榕城广场太吵"), "adcode")] == ["310116"]
    assert [one.value for one in found(message("350100", text="闽侯县白沙镇林柄村"), "adcode")] == ["350121"]
    assert not found(message("350100", text="朝阳区建国路88号"), "adcode")


@each_row(
    ("jurisdiction", "text", "code"),
    [
        ("430000", "长沙岳麓区的路灯不亮", "430104"),
        ("430000", "长沙市岳麓区的路灯不亮", "430104"),
        ("310000", "上海宝山区友谊路坑坑洼洼", "310113"),
        ("110000", "我在长沙岳麓区住过,现在海淀区路灯不亮", "110108"),
        ("110000", "在岳麓区住过,现在路灯不亮", None),
        ("110000", "双鸭山宝山区友谊路坑坑洼洼", "230506"),
        ("430000", "长沙宝山区的路灯不亮", None),
        ("430100", "我是江西赣州章贡区的居民,工资没发", None),
        ("430000", "我是江西赣州章贡区的居民,工资没发", None),
    ],
)
def test_a_district_of_another_city_is_believed_beside_its_city(jurisdiction: str, text: str, code: str | None) -> None:
    assert [one.value for one in found(message(jurisdiction, text=text), "adcode")] == ([code] if code else [])


def test_the_short_name_of_its_city_belongs_to_an_address() -> None:
    assert [one.value for one in found(message("110000", text="上海宝山区友谊路1号停水"), "place")] == [
        "上海宝山区友谊路1号"
    ]


def test_no_more_is_read_of_what_the_channel_says_than_an_address_has() -> None:
    near, far = " " * 9 + "朝阳区建国路88号", " " * extract.LONGEST_SAID + "朝阳区建国路88号"
    assert found(message(text="停水", place=near), "adcode")
    assert not found(message(text="停水", place=far), "adcode")


def test_decisions_see_the_code_and_no_word_of_the_place() -> None:
    made = message(text="朝阳区建国路88号3单元502室漏水")
    assert "place.110105" in made.features.codes
    assert not [code for code in made.features.codes if "建国" in code or "502" in code]


def test_a_repeat_is_one_whether_the_place_is_found_or_not() -> None:
    plain, other = message(text="朝阳区建国路88号漏水"), message(text="朝阳区建国路88号漏水", place="朝阳区建国路88号")
    assert plain.features.text_key == message("220100", text="朝阳区建国路88号漏水").features.text_key
    assert plain.features.text_key != other.features.text_key


@each_row(
    ("home", "text", "code"),
    [
        ("310000", "闸北区的老公房加装电梯没人管", "310106"),
        ("440100", "萝岗区科学城堵车", "440112"),
        ("340100", "居巢区的公交什么时候通", "340181"),
        ("330100", "江干区的路灯不亮", "330100"),
    ],
)
def test_a_district_that_is_no_more_is_told_by_the_one_in_its_place(home: str, text: str, code: str) -> None:
    assert [one.value for one in found(message(home, text=text), "adcode")] == [code]

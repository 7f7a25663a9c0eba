"""What a message is about: names are what no list knows, objects go by any of their words."""

import pytest

from normalizers.similarity.terms import matter_of
from tests.rows import each_row


def test_names_places_objects_numbers_and_areas_of_a_title() -> None:
    found = matter_of("a3区兰亭湾畔小区违规开餐厅,805路公交车改道", "")
    assert {"兰亭", "亭湾", "湾畔"} <= found.names
    assert found.places == {"兰亭", "亭湾", "湾畔"}
    assert found.objects == {"餐厅", "公交"}
    assert found.numbers == {"805路"}
    assert found.areas == {"a3区"}


def test_a_house_is_its_road_and_its_number() -> None:
    found = matter_of("请问和平路11号门口", "中山大道203号院、8号、解放路5号楼和学府巷7号都停水")
    assert found.marks == {("和平路", "11"), ("学府巷", "7")}


@pytest.mark.parametrize(
    ("one", "other"), [("丽景小区旁的搅拌站", "丽景旁边的搅拌厂"), ("海棠苑噪音扰民", "海棠苑太吵")]
)
def test_two_ways_to_say_it_are_one_object(one: str, other: str) -> None:
    assert matter_of(one, "").objects == matter_of(other, "").objects != frozenset()


def test_a_school_is_where_not_what_when_it_has_a_name() -> None:
    assert matter_of("金鹰小学附近噪音扰民", "").objects == {"噪音"}
    assert matter_of("小学什么时候报名", "").objects == {"学校", "入学"}


def test_a_message_without_a_title_has_its_first_sentence_for_a_head() -> None:
    found = matter_of("", "尊敬的领导,丽景新城旁边的搅拌站整夜施工。我们海棠公寓的业主也受不了")
    assert "丽景" in found.names
    assert "海棠" not in found.names
    assert "海棠" in found.text_names


def test_courtesies_dates_and_amounts_are_no_names() -> None:
    found = matter_of("尊敬的领导您好,请问2019年5月什么时候能解决", "")
    assert (found.names, found.numbers) == (frozenset(), frozenset())


def test_an_empty_message_is_about_nothing() -> None:
    assert not any(matter_of("", ""))


@each_row(
    ("head", "place"),
    [
        ("月湖小区停水两天了", {"月湖"}),
        ("太湖花园停水两天了", {"太湖"}),
        ("绿地海珀城停水两天了", {"绿地", "地海", "海珀"}),
        ("龙湖天璞城停水两天了", {"龙湖", "湖天", "天璞"}),
        ("和顺小区停水两天了", {"和顺"}),
        ("我住在和平小区,停水两天了", {"和平"}),
        ("铁路新村停水两天了", {"铁路"}),
        ("杨柳二区停水两天了", {"杨柳"}),
        ("柳荫花园漏雨没人修", {"柳荫"}),
    ],
)
def test_a_name_that_ends_like_a_place_is_one_whatever_words_are_in_it(head: str, place: set[str]) -> None:
    found = matter_of("", head)
    assert (found.places, found.areas) == (place, frozenset())


def test_a_lake_and_a_person_s_own_estate_have_no_name() -> None:
    assert matter_of("", "湖水发黑,没有人来看").objects == {"河道", "内河"}
    assert matter_of("", "我们小区停水两天了").places == frozenset()


@each_row(
    ("text", "place", "objects"),
    [
        ("双桥村停水四天", {"双桥"}, {"停水"}),
        ("东湖路的路灯不亮", {"东湖"}, {"路灯"}),
        ("永和家园停水", {"永和"}, {"停水"}),
        ("石坑村停水", {"石坑"}, {"停水"}),
        ("公园路停水", {"公园"}, {"停水"}),
        ("石桥镇停电", {"石桥"}, {"停电"}),
        ("大桥路面坏了", set(), {"大桥", "道路"}),
        ("东湖路灯不亮", set(), {"河道", "路灯"}),
        ("我和村民都没有意见", set(), set()),
        ("物业和小区业主", set(), {"物业"}),
    ],
)
def test_a_name_may_end_with_what_elsewhere_is_an_object_or_grammar(
    text: str, place: set[str], objects: set[str]
) -> None:
    found = matter_of("", text)
    assert (found.places, found.objects) == (place, objects)


@each_row(
    "greeting",
    [
        "尊敬的领导:您好!",
        "你好,",
        "喂,你好,",
        "【转发】大家帮忙转一下:",
        "邻居让我转给你们的:",
        "fw:",
        "来电人反映:",
        "12345你好,",
        "各位领导:",
    ],
)
def test_the_head_of_a_message_without_a_title_begins_behind_the_greeting(greeting: str) -> None:
    text = "翠屏里的门禁坏了三天,外人随便进出"
    assert matter_of("", f"{greeting}{text}") == matter_of("", text)


@pytest.mark.parametrize("text", ["翠屏里业主你好,门禁坏了", "翠屏里的问题:门禁坏了", "翠屏里反映的问题:门禁坏了"])
def test_a_name_is_no_greeting(text: str) -> None:
    assert "翠屏" in matter_of("", text).names

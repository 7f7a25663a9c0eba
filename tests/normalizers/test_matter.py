"""What a message is about: names are what no list knows, objects go by any of their words."""

import pytest

from normalizers.matter import matter_of


def test_names_places_objects_numbers_and_areas_of_a_title() -> None:
    found = matter_of("a3区兰亭湾畔小区违规开餐厅,805路公交车改道", "")
    assert {"兰亭", "亭湾", "湾畔"} <= found.names
    assert found.places == {"兰亭", "亭湾", "湾畔"}
    assert found.objects == {"餐厅", "公交"}
    assert found.numbers == {"805路"}
    assert found.areas == {"a3区"}


def test_a_house_is_its_road_and_its_number() -> None:
    found = matter_of("请问和平路11号门口", "中山大道203号院、8号、解放路5号楼和学府巷7号都停水")
    assert found.doors == {("和平路", "11"), ("学府巷", "7")}


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

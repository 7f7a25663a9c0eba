"""The levels of an address, and the divisions in front of it however they are written."""

import csv
from importlib import resources
from pathlib import Path

import pytest

from normalizers import rulebooks
from normalizers.enrich.address import parse
from normalizers.geo import divisions
from normalizers.geo import divisions as division_names
from normalizers.rules import Rules
from schemas.errors import MisconfiguredError
from tests.rows import each_row


def read(address: str, home: str = "") -> str:
    return " ".join(f"{piece.level}:{piece.text}" for piece in parse.parse(address, home=home))


@each_row(
    ("address", "expected"),
    [
        ("浙江省杭州市西湖区文三路259号昌地火炬大厦3幢5单元402室",
         "province:浙江省 city:杭州市 district:西湖区 road:文三路 road_number:259号 poi:昌地火炬大厦"),
        ("宁波慈溪市慈东工业区潮生路104号", "city:宁波 district:慈溪市 poi:慈东工业区 road:潮生路 road_number:104号"),
        ("瓯海区娄桥豪新路8号", "district:瓯海区 town:娄桥 road:豪新路 road_number:8号"),
        ("永康市方岩镇下宅村186号", "district:永康市 town:方岩镇 community:下宅村 road_number:186号"),
        ("江干区下沙街道6号大街1353号", "district:江干区 town:下沙街道 road:6号大街 road_number:1353号"),
        ("江干区下沙128号大街1353号", "district:江干区 town:下沙 road:128号大街 road_number:1353号"),
        ("海宁市长安镇东升村8组55号", "district:海宁市 town:长安镇 community:东升村 road:8组 road_number:55号"),
        ("洞头区霓中路179弄7号", "district:洞头区 road:霓中路 sub_road:179弄 sub_road_number:7号"),
        ("嘉兴昌盛南路与华严路交叉口", "city:嘉兴 road:昌盛南路 sub_road:华严路"),
        ("上虞市东关街道环城东路", "district:上虞市 town:东关街道 road:环城东路"),
        ("中山路百货大楼", "road:中山路 poi:百货大楼"),
        ("莲花小区12幢2单元301室", "poi:莲花小区"),
        ("西湖区新兴1路5号", "district:西湖区 road:新兴1路 road_number:5号"),
        ("环城北路东段932号", "road:环城北路 road_number:932号"),
        ("金城镇江苏省常州市金坛区金城镇西门", "province:江苏省 city:常州市 district:金坛区 town:金城镇 poi:西门"),
        ("浙江省宁波市慈溪市宁波市慈溪市浒山街道", "province:浙江省 city:宁波市 district:慈溪市 town:浒山街道"),
        ("义乌北苑街道厚富小区", "district:义乌 town:北苑街道 poi:厚富小区"),
        ("长河路和瑞科技B9幢", "road:长河路 poi:和瑞科技"),
        ("浙江大学图书馆", "poi:浙江大学 sub_poi:图书馆"),
        ("浙江大学玉泉校区图书馆", "poi:浙江大学玉泉校区图书馆"),
        ("环城东路朱佳苑小区", "road:环城东路 poi:朱佳苑小区"),
        ("文华路12号14楼袋鼠仓库", "road:文华路 road_number:12号 poi:袋鼠仓库"),
        ("江东区甬港一村9幢24号", "district:江东区 poi:甬港一村"),
        ("双阳村大李庄组3号", "community:双阳村 road:大李庄组 road_number:3号"),
        ("江南4区71幢", "poi:江南4区"),
        ("东港镇北环路海天大道60号", "town:东港镇 road:北环路 sub_road:海天大道 sub_road_number:60号"),
        ("解放路人民路口", "road:解放路 sub_road:人民路"),
        ("解放路人民医院", "road:解放路 poi:人民医院"),
        ("学院路左转联丰路", "road:学院路 poi:左转联丰路"),
        ("阳光城三期顺达数码", "poi:阳光城 sub_poi:三期"),
        ("学院路5号明珠商务中心2277启明留学", "road:学院路 road_number:5号 poi:明珠商务中心"),
        ("学院路5号明珠商务中心A277室", "road:学院路 road_number:5号 poi:明珠商务中心"),
        ("西湖区金鲤坊负七层", "district:西湖区 poi:金鲤坊"),
        ("丰和路与海棠路东南交叉口天顺花园", "road:丰和路 sub_road:海棠路 poi:天顺花园"),
        ("海棠路口东北150米天顺花园", "road:海棠路 poi:天顺花园"),
        ("学院路天顺花园南100米", "road:学院路 poi:天顺花园"),
        ("学院路锦江华府大酒店", "road:学院路 poi:锦江华府大酒店"),
        ("西湖区天顺汽车城内3号", "district:西湖区 poi:天顺汽车城"),
        ("杭州市江干区九堡碧波苑3幢", "city:杭州市 district:江干区 town:九堡 poi:碧波苑"),
        ("宁波市阳明街道梨花苑", "city:宁波市 town:阳明街道 poi:梨花苑"),
        ("余姚市阳明公寓", "district:余姚市 poi:阳明公寓"),
        ("杭州市九堡中路5号", "city:杭州市 road:九堡中路 road_number:5号"),
        ("杭州市萧山区新街镇银杏路5号", "city:杭州市 district:萧山区 town:新街镇 road:银杏路 road_number:5号"),
        ("银山新村街道", "town:银山新村街道"),
        ("余姚市模具城银杏路101号", "district:余姚市 poi:模具城 road:银杏路 road_number:101号"),
        ("舟山市梨家峙银杏路117号", "city:舟山市 town:梨家峙 road:银杏路 road_number:117号"),
        ("银杏门直街5号", "road:银杏门直街 road_number:5号"),
        ("绍兴市袍江新区银杏路151号", "city:绍兴市 zone:袍江新区 road:银杏路 road_number:151号"),
        ("人民路面粉厂", "road:人民路 poi:面粉厂"),
        ("梨花新都北区15栋", "poi:梨花新都 sub_poi:北区"),
        ("梨花新都北2区飞燕超市", "poi:梨花新都 sub_poi:北2区"),
        ("梨花大学南门", "poi:梨花大学 sub_poi:南门"),
        ("梨花东站飞燕宾馆", "poi:梨花东站 sub_poi:飞燕宾馆"),
        ("梨花小区中9幢", "poi:梨花小区"),
        ("梨花小区东8号", "poi:梨花小区 road_number:8号"),
        ("塘南3幢", "poi:塘南"),
        ("飞燕集团旁中国石化", "poi:飞燕集团"),
        ("梨花园B12一1195", "poi:梨花园"),
        ("银杏工业城飞燕机械", "poi:银杏工业城 sub_poi:飞燕机械"),
        ("", ""),
        ("????", ""),
    ],
)  # fmt: skip
def test_an_address_is_read_from_the_large_to_the_small(address: str, expected: str) -> None:
    assert read(address) == expected


def test_a_town_is_known_by_its_name_alone_in_the_city_of_the_hotline() -> None:
    assert read("九堡碧波苑3幢", home="330100") == "town:九堡 poi:碧波苑"
    assert read("麓谷街道办梨花苑", home="430100") == "town:麓谷街道办 poi:梨花苑"
    assert read("朝阳街道梨花苑", home="430100") == "town:朝阳街道 poi:梨花苑"
    assert read("九堡碧波苑3幢", home="310000") == read("九堡碧波苑3幢") == "poi:九堡碧波苑"


@each_row("name", ["赤岭路", "坡子街", "青竹湖畔小区", "麓谷公寓", "星沙15路", "麓谷3幢"])
def test_a_road_or_an_estate_that_is_named_like_a_town_is_none(name: str) -> None:
    assert "town" not in {piece.level for piece in parse.parse(name, home="430100")}


@each_row(
    ("address", "expected"),
    [
        ("浙江省宁波市鄞州区百丈路5号浙江省宁波市鄞州区梨花苑7幢",
         "road:百丈路 road_number:5号 province:浙江省 city:宁波市 district:鄞州区 poi:梨花苑"),
        ("浙江省宁波市鄞州区百丈路5号宁波鄞州桂花路7号",
         "province:浙江省 city:宁波市 district:鄞州区 road:桂花路 road_number:7号"),
        ("宁波鄞州百丈路5号浙江省宁波市鄞州区桂花路",
         "province:浙江省 city:宁波市 district:鄞州区 road:桂花路"),
        ("鄞州区百丈路浙江宁波梨花苑", "district:鄞州区 road:百丈路 province:浙江 city:宁波 poi:梨花苑"),
    ],
)  # fmt: skip
def test_of_an_address_that_begins_anew_the_later_one_counts_and_what_is_said_but_once(
    address: str, expected: str
) -> None:
    assert read(address) == expected
    assert all(address[piece.start : piece.end] == piece.text for piece in parse.parse(address))


def test_the_towns_are_those_of_cities_of_today_by_names_without_their_kind() -> None:
    with resources.files("normalizers.rules").joinpath("towns.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with resources.files("normalizers.rules").joinpath("divisions.csv").open(encoding="utf-8") as file:
        today = {divisions.city_of(row["adcode"]) for row in csv.DictReader(file) if not row["former"]}
    names = [row["names"].split() for row in rows]
    assert {row["city"] for row in rows} <= today
    assert len(rows) > 330
    assert sum(map(len, names)) > 38_000
    assert all(of_one == sorted(set(of_one)) for of_one in names)
    assert not [name for of_one in names for name in of_one if not 2 <= len(name) <= 5 or name.endswith("街道")]


def test_pieces_stand_where_they_say() -> None:
    address = "  浙江省-宁波市-江东区 江南路1226号,九五商务大厦A座59楼"
    pieces = parse.parse(address)
    assert all(address[piece.start : piece.end] == piece.text for piece in pieces)
    assert [piece.start for piece in pieces] == sorted(piece.start for piece in pieces)


@each_row(
    ("address", "level", "text"),
    [
        ("余杭塘路1328号", "road", "余杭塘路"),  # no district 余杭
        ("西湖公园北门", "poi", "西湖公园"),
        ("人民路小学", "poi", "人民路小学"),
        ("一元街办事处", "town", "一元街办事处"),
    ],
)
def test_a_short_name_that_goes_on_is_another_name(address: str, level: str, text: str) -> None:
    assert (level, text) in {(piece.level, piece.text) for piece in parse.parse(address)}
    assert not [piece for piece in parse.parse(address) if piece.level in ("city", "district")]


def codes(address: str, home: str = "") -> list[str | None]:
    return [one.adcode for one in division_names.read(address, home)[1]]


def test_a_name_that_several_districts_have_is_the_one_of_the_city() -> None:
    assert codes("朝阳区建国路", "110000") == ["110105"]
    assert codes("朝阳区前进大街", "220100") == ["220104"]
    assert codes("吉林省长春市朝阳区", "110000") == ["220000", "220100", "220104"]


@each_row(
    ("address", "code"),
    [
        ("杭州市下城区体育场路", "330105"),
        ("北京市崇文区", "110101"),
        ("沈阳市东陵区", "210112"),
        ("大连市普兰店市", "210214"),
        ("苏州市吴江市盛泽镇", "320509"),
        ("成都市郫县", "510117"),
        ("济南市莱城区", "370116"),
    ],
)
def test_of_an_abolished_or_renamed_division_the_one_that_took_its_place_counts(address: str, code: str) -> None:
    assert codes(address)[-1] == code


def test_of_an_abolished_division_that_was_parted_its_city_counts() -> None:
    assert codes("杭州市江干区") == ["330100", "330100"]
    assert codes("绍兴市绍兴县") == ["330600", "330600"]


def test_an_unknown_district_after_a_city_has_no_code() -> None:
    assert codes("台州市乌有县九龙街67号") == ["331000", None]


def test_divisions_said_twice_count_once() -> None:
    assert (
        read("浙江省温州市永嘉县浙江省温州市永嘉县桥头镇") == "province:浙江省 city:温州市 district:永嘉县 town:桥头镇"
    )


def test_short_names() -> None:
    full = (
        "内蒙古自治区",
        "广西壮族自治区",
        "延边朝鲜族自治州",
        "江苏省",
        "阿拉善盟",
        "浦东新区",
        "香港特别行政区",
        "郊区",
    )
    short = ["内蒙古", "广西", "延边", "江苏", "阿拉善", "浦东", "香港", "郊区"]
    assert [divisions.short(name) for name in full] == short


def test_the_table_holds_every_province_and_no_code_of_today_twice() -> None:
    with resources.files("normalizers.rules").joinpath("divisions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    current = [row["adcode"] for row in rows if not row["former"]]
    assert len(current) == len(set(current))
    assert all(len(row["adcode"]) == 6 and row["adcode"].isdigit() for row in rows)
    assert len([code for code in current if code.endswith("0000")]) == 34
    assert {row["former"] for row in rows} <= {"", "yes", *current}


def test_a_city_adds_an_ending(tmp_path: Path) -> None:
    ours = resources.files("normalizers.rules").joinpath("place.toml").read_text("utf-8")
    (tmp_path / "place.toml").write_text(ours.replace('estates = "', 'estates = "围屋 '), encoding="utf-8")
    rulebooks.verify(Rules.load(tmp_path))
    own = [piece.text for piece in parse.parse("龙岗区鹤湖围屋后巷小店", Rules.load(tmp_path)) if piece.level == "poi"]
    assert own == ["鹤湖围屋"]


def test_a_city_adds_what_a_division_s_name_begins(tmp_path: Path) -> None:
    ours = resources.files("normalizers.rules").joinpath("place.toml").read_text("utf-8")
    (tmp_path / "place.toml").write_text(ours.replace("车城 名城", "车城 渔火 名城"), encoding="utf-8")
    told = [
        [piece.level for piece in parse.parse("西湖渔火12号", Rules.load(folder), "330100")]
        for folder in (None, tmp_path)
    ]
    assert "district" in told[0]
    assert "district" not in told[1]


def test_a_citys_file_of_before_is_still_read(tmp_path: Path) -> None:
    ours = resources.files("normalizers.rules").joinpath("place.toml").read_text("utf-8")
    older = "\n".join(line for line in ours.splitlines() if not line.startswith("but_before"))
    (tmp_path / "place.toml").write_text(older, encoding="utf-8")
    rulebooks.verify(Rules.load(tmp_path))
    assert [piece.text for piece in parse.parse("建国路88号", Rules.load(tmp_path))] == ["建国路", "88号"]


def test_rules_that_lack_a_list_are_named(tmp_path: Path) -> None:
    (tmp_path / "place.toml").write_text('version = "1"\ntowns = "镇"\n', encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=r"place\.toml"):
        rulebooks.verify(Rules.load(tmp_path))


NEW_TOWN = "杭州市星澜湾碧波苑3幢"


def own_towns(folder: Path, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "towns.csv").write_text("\n".join(("city,names", *lines)), encoding="utf-8")
    return folder


def test_a_city_adds_a_town_that_ours_do_not_know_and_keeps_ours(tmp_path: Path) -> None:
    folder = own_towns(tmp_path, "330100,星澜湾 云中湾", "330100,海天湾")
    for address, town in ((NEW_TOWN, "星澜湾"), ("杭州市海天湾碧波苑", "海天湾"), ("杭州市九堡碧波苑", "九堡")):
        assert [one.text for one in parse.parse(address, Rules.load(folder)) if one.level == "town"] == [town]
    assert not [one for one in parse.parse(NEW_TOWN) if one.level == "town"]
    assert not [one for one in parse.parse("宁波市星澜湾碧波苑3幢", Rules.load(folder)) if one.level == "town"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("330102,星澜湾", "Line 2 of .*towns.csv does not begin with"),
        ("杭州市,星澜湾", "does not begin with the"),
        ("330000,星澜湾", "does not begin with the"),
        ("330100,星", "two to 5 characters"),
        ("330100,星澜湾 很长的乡镇名字", "has 很长的乡镇名字"),
        ("330100,星澜湾,云中湾", "has not the columns"),
        ("330100", "has not the columns"),
    ],
)
def test_a_line_of_towns_that_would_never_be_found_is_named(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(MisconfiguredError, match=says):
        rulebooks.verify(Rules.load(own_towns(tmp_path, line)))


def test_every_city_of_ours_is_one_to_which_a_town_can_be_added() -> None:
    with resources.files("normalizers.rules").joinpath("towns.csv").open(encoding="utf-8") as file:
        assert [row["city"] for row in csv.DictReader(file) if not divisions.is_city(row["city"])] == []

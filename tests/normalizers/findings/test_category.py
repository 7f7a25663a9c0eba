"""What a message is about, by words."""

from pathlib import Path

import pytest

from normalizers.enrich.category import category, path_of
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.text.fold import fold
from tests.rows import each_row

SHORT = Path(__file__).parent / "category_short.tsv"


def about(text: str, title: str = "", folder: Path | None = None) -> str | None:
    found = category(fold(title), fold(text), Rules.load(folder))
    return found[0].value if found else None


@each_row(
    ("text", "expected"),
    [
        ("开发商延期交房一年，房产证也办不下来", "construction.housing"),
        ("我们小区自来水停水两天，水压也很低", "construction.utilities"),
        ("人行道的井盖坏了，路灯也不亮", "construction.public_works"),
        ("化工厂夜里排放废气，刺鼻的气味让人睡不着", "environment.air"),
        ("工厂把废水直排到河道，鱼虾都死了", "environment.water"),
        ("出租车司机不打表，还拒载", "transport.taxi"),
        ("快递放在代收点三天没有投递", "transport.post"),
        ("学校老师利用暑假违规补课", "education.school"),
        ("幼儿园的普惠补贴什么时候发", "education.kindergarten"),
        ("公司拖欠工资，农民工的血汗钱要不回来", "labour.wages"),
        ("养老保险断缴两年，社保局说不能补缴", "labour.social_insurance"),
        ("楼上有人搞传销，天天给老人洗脑", "commerce.fraud"),
        ("景区门票涨价，导游强迫购物", "commerce.tourism"),
        ("医院的医生态度差，病历也不给复印", "health.hospital"),
        ("二胎准生证怎么办", "health.family_planning"),
        ("中石化加油站着火了，火苗窜得老高，快来人", "safety.emergency"),
        ("小区消防设施全坏了，灭火器都过期了", "safety.fire"),
        ("身份证到期了，在外地能换吗", "safety.residence"),
        ("烟花爆竹违规燃放", "safety.hazards"),
        ("流浪狗咬人", "safety.order"),
        ("养老院护工打老人", "welfare.elderly"),
        ("结婚登记要预约吗", "welfare.marriage"),
        ("庄稼被野猪拱了", "rural.farming"),
        ("个税退税怎么一直在审核", "finance.tax"),
        ("宽带故障三天没人修", "communications.broadband"),
        ("政务大厅排队三小时", "government.hall"),
        ("健身卡退费，老板跑路了", "commerce.consumer"),
        ("在医院排了一天队，连个号都挂不上", "health.hospital"),
        ("今天天气不错", None),
    ],
)
def test_words_tell_the_topic(text: str, expected: str | None) -> None:
    assert about(text) == expected


@each_row(
    "text",
    [
        "三楼着火有人被困",
        "六楼起火了，有人被困在里面",
        "二楼失火困人，快来",
        "煤矿透水，有人被困井下",
        "山洪来了，游人被困河心",
        "地震了，楼里有人被困",
    ],
)
def test_who_is_trapped_is_not_therefore_in_a_lift(text: str) -> None:
    assert about(text) != "commerce.lift"


@each_row("text", ["电梯停在五楼，有人被困", "困在轿厢里半个钟头", "电梯困人，物业不来", "3号楼电梯关人"])
def test_who_is_trapped_in_a_lift_is(text: str) -> None:
    assert about(text) == "commerce.lift"


def test_a_word_counts_once_however_often_it_is_said() -> None:
    assert about("学校" + "快递" * 1, "快递") == "transport.post"
    once, often = category("", fold("学校，老师，快递")), category("", fold("学校，老师，" + "快递，" * 30))
    assert once is not None
    assert often is not None
    assert once[0].value == often[0].value == "education.school"


def test_a_code_has_names() -> None:
    scheme = "hotline12345.category"
    assert path_of("construction.utilities") == (scheme, ("城乡建设", "供水供电供气供热"))
    assert path_of("construction") == (scheme, ("城乡建设",))
    assert path_of("construction.nothing") == (scheme, ())
    assert path_of("moon") == (scheme, ())


def test_every_topic_is_of_a_class_and_has_words() -> None:
    table = DEFAULT_RULES.toml("category")
    assert {code.split(".")[0] for code in table["topics"]} == set(table["classes"])
    for code, topic in table["topics"].items():
        assert topic["name"]
        assert topic["sure"], code


def test_words_are_written_as_they_are_looked_for() -> None:
    topics = DEFAULT_RULES.toml("category")["topics"].values()
    words = [word for topic in topics for level in ("sure", "words", "hints") for word in topic.get(level, ())]
    assert [word for word in words if fold(word) != word] == []


def test_a_city_has_a_scheme_of_its_own(tmp_path: Path) -> None:
    own = """
scheme = "chengdu.2026"
version = "7"
weights = {sure = 4.0, words = 2.0, hints = 1.0, title = 2.0, least = 1.0, apart = 0.0}
classes = {c1 = "火锅"}
topics."c1.smell" = {name = "油烟", sure = ["油煙", "BBQ"]}
"""
    (tmp_path / "category.toml").write_text(own, encoding="utf-8")
    for said in ("楼下油烟大", "樓下油煙大", "BBQ太吵"):
        assert about(said, folder=tmp_path) == "c1.smell"
    assert path_of("c1.smell", Rules.load(tmp_path)) == ("chengdu.2026", ("火锅", "油烟"))


@pytest.mark.parametrize(("written", "share"), [("first", 0.96), ("second", 0.9), ("third", 0.65)])
def test_short_messages_have_their_class(written: str, share: float) -> None:
    rows = [line.split("\t") for line in SHORT.read_text("utf-8").splitlines()[1:]]
    told = [(about(text) or "").split(".")[0] == expected for name, expected, text in rows if name == written]
    assert sum(told) >= share * len(told)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("医院乱收费", "health.hospital"), ("共享单车乱停", "transport.taxi"), ("出租车乱收费", "transport.taxi")],
)
def test_what_was_done_does_not_outweigh_who_did_it(text: str, expected: str) -> None:
    assert about(text) == expected

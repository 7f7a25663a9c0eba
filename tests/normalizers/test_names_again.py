"""Who is named once by the words around is hidden wherever a text tells of them again; words and places are not."""

from normalizers.pii.name_coreference import rulebook
from tests.rows import each_row
from tickets.masking.mask import mask_text


@each_row(
    ("text", "shown"),
    [
        ("房东王喆不退押金，昨天王喆又涨房租", "房东＊＊不退押金，昨天＊＊又涨房租"),
        ("楼上邻居宁红梅家漏水，我去敲门宁红梅不开", "楼上邻居＊＊＊家漏水，我去敲门＊＊＊不开"),
        ("昨天王喆又来砸门，他是房东王喆的侄子", "昨天＊＊又来砸门，他是房东＊＊的侄子"),
        ("我妈林秀芝在养老院摔了，当时秀芝身边没人", "我妈＊＊＊在养老院摔了，当时＊＊身边没人"),
        ("户号10045532欠费，查10045532没有记录", "户号＊＊＊＊＊＊＊＊欠费，查＊＊＊＊＊＊＊＊没有记录"),
        ("买买提·吐尔逊的摊位被收，吐尔逊没有别的收入", "＊＊＊＊＊＊＊的摊位被收，＊＊＊没有别的收入"),
    ],
)
def test_who_is_named_again_is_hidden_again(text: str, shown: str) -> None:
    assert mask_text(text) == shown


@each_row(
    ("text", "shown"),
    [
        ("我叫安静，教室里要求安静", "我叫＊＊，教室里要求安静"),
        ("我妈林秀芝摔了，在秀芝路口", "我妈＊＊＊摔了，在秀芝路口"),
        ("司机武长江绕路，走长江大桥", "司机＊＊＊绕路，走长江大桥"),
        ("邻居方明半夜吵，对方明确不改", "邻居＊＊半夜吵，对方明确不改"),
        ("我叫池建设，城市建设局不管", "我叫＊＊＊，城市建设局不管"),
        ("户号10045532欠费，型号110045532没有记录", "户号＊＊＊＊＊＊＊＊欠费，型号110045532没有记录"),
    ],
)
def test_words_places_and_longer_numbers_stay(text: str, shown: str) -> None:
    assert mask_text(text) == shown


@each_row("one", ["刘村长", "王总", "安静", "王女士", "张家口", "2026-05-20", "20260520", "502", "三单元"])
def test_what_names_nobody_for_sure_is_not_looked_for(one: str) -> None:
    assert not rulebook().is_worth(one)


def test_many_names_take_no_square_of_time() -> None:
    text = "".join(f"房东王{chr(0x5000 + at)}{chr(0x6000 + at)}的" for at in range(4_000))
    assert len(mask_text(text)) < len(text) + 1

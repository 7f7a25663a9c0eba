"""Toneless Pinyin: what is read alike is equal, and each syllable has its place."""

from normalizers.text.sounds import sounds, spelt, syllables
from tests.rows import each_row


@each_row(
    ("written", "read"),
    [
        ("付家庄", "fu jia zhuang"),
        ("傅家庄", "fu jia zhuang"),
        ("长春路,重庆银行", "chang chun lu , chong qing yin hang"),
        ("k12路wifi", "k12 lu wifi"),
        ("绿化", "lv hua"),
        ("", ""),
    ],
)
def test_characters_are_read_phrases_in_their_own_way(written: str, read: str) -> None:
    assert sounds(written).split() == read.split()


def test_each_syllable_has_its_place() -> None:
    text = "去k12路,长春"
    found = [(one.sound, text[one.start : one.end]) for one in syllables(text)]
    assert found == [("qu", "去"), ("k12", "k12"), ("lu", "路"), ("chang", "长"), ("chun", "春")]


def test_a_latin_word_is_cut_into_syllables_or_is_none() -> None:
    assert spelt("gongjiao")[0] == "gong jiao"
    assert {"xian", "xi an"} <= set(spelt("xian"))
    assert spelt("wifi") == spelt("公交") == spelt("12") == []
    assert spelt("fangan")[:2] == ["fang an", "fan gan"]
    assert len(spelt("an" * 40)) <= 4

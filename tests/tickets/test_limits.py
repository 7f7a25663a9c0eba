"""What a ticket leaves out: never the newest words, and no half of a number."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.records import Attachment, Party
from tests.rows import each_row
from tickets.model import limits

CUT = "\n\n〔……〕\n\n"


@each_row(
    ("text", "kept"),
    [
        ("路灯坏了三天", "路灯坏了三天"),
        ("路灯坏了三天请打13800138000", "路灯坏了三天请打"),
        ("路灯坏了三天请138 0013 8000", "路灯坏了三天请"),
        ("路灯坏请打138－0013－8000", "路灯坏请打"),
        ("路灯坏请打１３８００１３８０００", "路灯坏请打"),
        ("1380013800", "1380013800"),
        ("13800138000", ""),
        ("发到zhang.san@example.cn", "发到"),
        ("护照E12345678", "护照"),
        ("请打12345，路灯坏了", "请打12345，路灯"),
        ("一一一一一一一一一一一一", "一一一一一一一一一一"),
    ],
)
def test_the_beginning_ends_before_a_number_that_does_not_fit(text: str, kept: str) -> None:
    assert limits.beginning(text, 10) == kept


def test_of_too_many_people_those_stay_whom_the_text_names() -> None:
    """Whoever is not known any more, no mask looks for."""
    crowd = [Party(kind="email", value=f"{number}@mail.example", name=f"霁{number}溪") for number in range(30)]
    named, by_mail = crowd[7], crowd[9]
    kept = limits.people(crowd, 8, f"请{named.name}回电，或写信给{by_mail.value.upper()}")
    assert kept == (*crowd[:2], named, by_mail, *crowd[-6:])
    assert limits.people(crowd[:8], 8, "") == tuple(crowd[:8])
    everybody = "".join(str(one.name) for one in crowd)
    assert limits.people(crowd, 2, everybody) == (*crowd[:8], *crowd[-2:])


def test_short_texts_are_joined_whole() -> None:
    assert limits.joined("一", "二", 20) == "一\n\n二"
    assert limits.joined("", "二", 20) == "二"
    assert limits.joined("一" * 30, "", 20) == "一" * 30


def test_the_middle_is_left_out() -> None:
    text = limits.joined("甲" * 100, "乙" * 10, 40)
    assert text == "甲" * 10 + CUT + "甲" * 18 + "\n\n" + "乙" * 10


def test_a_long_newest_message_stays_whole() -> None:
    assert limits.joined("甲" * 100, "乙" * 90, 40) == "甲" * 10 + CUT + "乙" * 90


def test_no_half_number_begins_the_rest() -> None:
    text = limits.joined("甲" * 60 + "电话13800138000" + "丙" * 14, "乙" * 5, 40)
    assert text == "甲" * 10 + CUT + "丙" * 14 + "\n\n" + "乙" * 5


def test_a_text_that_is_cut_again_and_again_is_marked_once() -> None:
    text = ""
    for number in range(50):
        text = limits.joined(text, f"第{number}封" + "字" * 9, 100)
        assert text.endswith(f"第{number}封" + "字" * 9)
        assert text.startswith("第0封")
        assert text.count(CUT) <= 1
    assert len(text) <= 100 + len(CUT)


@given(
    st.text("路灯1０-. @a\n", max_size=200), st.text("路灯1０-. @a\n", min_size=1, max_size=200), st.integers(4, 100)
)
def test_the_newest_words_are_always_there(text: str, more: str, limit: int) -> None:
    made = limits.joined(text, more, limit)
    assert made.endswith(more)
    assert len(made) <= limit + len(more) + len(CUT)


def test_a_shortened_address_is_nobody_else_s() -> None:
    whole = Party(kind="email", value="a" * 191 + "@b.com.example.cn", name="王" * 300)
    other = replace(whole, value="a" * 191 + "@b.com.example.net")
    short, another = limits.short_party(whole), limits.short_party(other)
    assert whole.value.startswith("a" * 191 + "@b.com")
    assert "@" not in short.value
    assert len(short.value) == limits.VALUE_CHARACTERS
    assert short.value != another.value
    assert short.name == "王" * limits.VALUE_CHARACTERS
    assert limits.short_party(short) == short


def test_a_shortened_file_is_still_told_from_another() -> None:
    files = [Attachment(id="m" * 250 + end, name="照" * 250, media_type="x/" + "y" * 250) for end in "ab"]
    one, other = map(limits.short_file, files)
    assert one.id != other.id
    assert all(len(part) == limits.VALUE_CHARACTERS for part in (one.id, one.name or "", one.media_type))
    assert limits.short_file(one) == one


def test_of_too_many_the_first_and_the_newest_stay() -> None:
    assert limits.ends(range(5), 8) == (0, 1, 2, 3, 4)
    assert limits.ends(range(100), 8) == (0, 1, 94, 95, 96, 97, 98, 99)

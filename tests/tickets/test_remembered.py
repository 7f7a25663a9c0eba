"""What was found in a text is found once; nothing of the text stays, and nothing is taken for another text's."""

from pathlib import Path

import pytest

from normalizers.pii.cache import Remembered
from normalizers.pii.detect import by_rules, look
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.text.fold import fold, simply_folded
from schemas import topics
from tests.tickets.asked import Asked
from tests.tickets.build import message
from tests.tickets.commands.orders import Office
from tickets.masking import mask
from tickets.masking.mask import Known, mask_text

TEXT = "我叫王喆，电话13800138000，住3号楼2单元501"


def test_a_text_is_looked_through_once() -> None:
    asked = Asked()
    remembered = Remembered(asked.find)
    first, again = (remembered.look(TEXT, DEFAULT_RULES) for _ in range(2))
    assert first == again == look(TEXT)
    assert asked.texts == [look(TEXT).plain]


def test_another_text_or_other_rules_are_looked_through(tmp_path: Path) -> None:
    asked = Asked()
    remembered = Remembered(asked.find)
    for text, folder in ((TEXT, None), (f"{TEXT}室", None), (TEXT, tmp_path), (TEXT[:-1], None)):
        assert remembered.look(text, Rules.load(folder)) == look(text, Rules.load(folder))
    assert len(asked.texts) == 4


@pytest.mark.parametrize(
    "text",
    [TEXT, "ＡＢＣ １３８００１３８０００", "㎡ ß İ ﷺ e\u0301 王\u200b喆", "一\n\n二  三", "那个kt–9又来了", "❶号", ""],
)
def test_how_a_text_reads_is_remembered_as_well(text: str) -> None:
    remembered = Remembered(by_rules)
    first, again = (remembered.look(text, DEFAULT_RULES) for _ in range(2))
    assert again == first
    assert not first.is_simple or simply_folded(text) == fold(text)


def test_what_was_asked_lately_stays_and_the_rest_is_forgotten() -> None:
    asked = Asked()
    remembered = Remembered(asked.find, most=2)
    for number in (1, 2, 3, 1, 4, 5, 1, 6, 1):
        remembered.look(f"第{number}件", DEFAULT_RULES)
    assert asked.texts.count("第1件") == 1
    asked.texts.clear()
    remembered.look("第2件", DEFAULT_RULES)
    assert asked.texts == ["第2件"]


def test_nothing_of_a_text_is_kept() -> None:
    remembered = Remembered(by_rules)
    remembered.look(TEXT, DEFAULT_RULES)
    kept = repr(vars(remembered))
    assert [word for word in ("王喆", "13800138000") if word in kept] == []


def test_a_person_who_becomes_known_later_is_masked_in_a_text_that_was_masked_before() -> None:
    text = "隔壁的晨光又在吵闹"
    assert "晨光" in mask_text(text)
    assert "晨光" not in mask_text(text, Known(("晨光",)))
    assert "晨光" in mask_text(text)


def test_what_is_known_is_masked_again_where_a_text_has_other_dashes_or_digits() -> None:
    for text, known in (("那个kt–board又来了", "kt-board"), ("那个x➒board又来了", "x9board")):
        first, again = (mask_text(text, Known((known,))) for _ in range(2))
        assert first == again
        assert "board" not in again


def test_what_is_known_is_found_in_capitals_and_beside_chinese_punctuation() -> None:
    for text, known in (("那个KTX又来了", "ktx"), ("那个丁（宝）又来了", "丁(宝)"), ("又是阿信，阿信！", "阿信")):
        for _ in range(2):
            assert mask_text(text, Known((known,))) == text.translate(dict.fromkeys(map(ord, "KTX丁（宝）阿信"), "＊"))


def test_an_order_looks_through_no_text_of_its_ticket_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr(mask, "_remembered", Remembered(asked.find))
    office = Office([message(1, TEXT)])
    office.desk.flush()
    assert any("13800138000" in text for text in asked.texts)
    asked.texts.clear()
    office.order("set_status", office.tickets[0], status="screened")
    written = office.desk.flush()
    assert asked.texts == []
    masked = next(one.value for one in written if one.topic == topics.TICKET_MASKED).decode()
    assert [word for word in ("王喆", "13800138000") if word in masked] == []

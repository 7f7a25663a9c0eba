"""However a text is made, finding what is personal in it takes work that grows as its length: calls are counted."""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from normalizers.pii.detect import personal_spans
from tickets.masking.mask import mask_text

PIECES = [
    "1-", "1-1-1,", "3-", "1 3-", "2 3-", "0-0-0 ", "1 ", "12 ", "123 ", "138 ", "1234 ", "138一", "一-", "一 ",
    "1.", "﹣1", "1(", "查询码 123 ", "查询码1234 5678 ", "2088 4653 ", "13800138000 ", "一二三四五六七a",
    "6222 02", "2345,6789,", "王姓张、", "张三、", "张三 ", "姓名:", "老王", "小张说", "李总", "阿布都·",
    "买买提", "@张三 ", "@a", "张三:", "张三: ", "写道", "张三.jpg", ".jpg", "a.pdf ", "\"张三\"<a@b> ", "\"a<",
    "<a@", "?a=1", "&name=", "?a=%2", "30.123,", "30.123,120.456 ", "纬30.1234", "30°12'", "经30度",
    "a123456(7)", "wxid_a", "j123456-1234-", "浙a 12 3", "3号楼501、", "501、502、", "3-2-5-1", "小区3-2-",
    "5楼502", "12号2-5-", "法人毕", "法人毕福", "朋友买买提", "外教anna ", "i am anna ", "anna bell ", "华莺(房东)",
    "三门洞", "l37 66", "第一排", "第一排第一家", "12号附", "3-甲-", "yt 1 2", "鉴〔2024〕", "@老1", "房名a小_",
    "签名:王五、", "姓单,", "司机充", "闫(门三闫)",
    "i3", "阿不·", "3楼东", "室12", "tb1", "单名",
]  # fmt: skip
MOST_CALLS = 400
"""For a character, calls and returns; a run of lone digits between dashes takes the most."""


def calls_of(function: Callable[[str], object], text: str) -> int:
    """Return how many calls and returns the interpreter counts."""
    counted = 0

    def count(_frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal counted
        counted += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function(text)
    finally:
        sys.setprofile(before)
    return counted


def seconds_of(function: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    function(text)
    return time.process_time() - start


@contextmanager
def without_collector() -> Iterator[None]:
    """It looks at all that other tests left."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("piece", PIECES)
def test_the_calls_grow_as_the_text(piece: str) -> None:
    mask_text("我叫李明·老王")
    short, long = (piece * (length // len(piece)) for length in (500, 2_000))
    few, many = calls_of(personal_spans, short), calls_of(personal_spans, long)
    assert many <= 4.5 * few + 200
    assert many <= MOST_CALLS * len(long) + 200


@pytest.mark.parametrize("piece", PIECES)
def test_the_patterns_take_no_more_than_the_text_grows(piece: str) -> None:
    """A pattern is one call, whatever it does: eight times the text may not take the square of it.

    The quickest of three is what counts, so the first that is quick enough will do.
    """
    mask_text("我叫李明·老王")
    short, long = (piece * (length // len(piece)) for length in (2_000, 16_000))
    with without_collector():
        took = [seconds_of(personal_spans, long)]
        if took[0] > 0.1:
            least = min(seconds_of(personal_spans, short) for _ in range(3))
            while min(took) >= 24 * least and len(took) < 3:
                took.append(seconds_of(personal_spans, long))
            assert min(took) < 24 * least

"""What is shown of a mail's alternatives: nothing is lost, and the work grows with the mail's length."""

from normalizers.mail import body
from normalizers.mail.body import left_out_of


class Counted(str):
    """A text that counts the characters in which something was searched."""

    __slots__ = ("searched",)

    def find(self, sub: str, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        stop = len(self) if end is None else min(end, len(self))
        self.searched = getattr(self, "searched", 0) + max(stop - start, 0)
        return super().find(sub, start, stop)


def test_lines_in_other_places_are_found() -> None:
    assert list(left_out_of(["乙二", "甲一", "丙三", "丁四"], "甲一乙二丁四")) == ["丙三"]


def test_a_repeated_line_is_found_once_it_was_read() -> None:
    assert list(left_out_of(["甲一", "甲一"], "甲一乙二")) == []


def test_the_work_is_linear_in_the_length_of_a_mail() -> None:
    full = Counted("".join(chr(0x4E00 + number % 9_999) for number in range(500_000)))
    lines = [f"缺{number}" for number in range(20_000)]
    assert list(left_out_of(lines, full)) == lines
    most = body._SEARCHED + len(full) + len(lines) * (body._NEAR + 10)
    assert full.searched <= most < len(full) * len(lines) / 50


def test_without_a_budget_words_stand_twice_and_are_not_lost() -> None:
    full = "甲" * body._SEARCHED + "乙二"
    assert list(left_out_of(["缺一", "缺二", "乙二"], full)) == ["缺一", "缺二", "乙二"]

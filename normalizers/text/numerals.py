"""Han numerals (汉字数字) and their values: 十二 is 12, 三万八千 is 38000."""

DIGITS = "一二三四五六七八九"
_TENS = ("", "十", *(f"{digit}十" for digit in DIGITS[1:]))
NUMERALS = {
    f"{tens}{ones}": str(10 * ten + one) for ten, tens in enumerate(_TENS) for one, ones in enumerate(("", *DIGITS))
}
"""Han numerals below a hundred: 十二 is 12."""

TIMES = {"": 1, "十": 10, "百": 100, "千": 1_000, "万": 10_000}
"""The value of each unit."""


def value_of(in_words: str) -> int:
    """Return a Han numeral: 三万八千 is 38000."""
    whole = group = digit = 0
    for character in in_words:
        if character == "万":
            whole, group, digit = (whole + group + digit) * TIMES["万"], 0, 0
        elif character in TIMES:
            group, digit = group + max(digit, 1) * TIMES[character], 0
        else:
            digit = 2 if character == "两" else DIGITS.find(character) + 1
    return whole + group + digit

"""Merged hotlines (归并热线): how the line that somebody dialled became part of 12345."""

from typing import Any

from normalizers.rules import DEFAULT_RULES, Rules, part
from schemas import enums


def merge_mode(number: str, jurisdiction: str, rules: Rules = DEFAULT_RULES) -> str | None:
    """Return the mode in a city's list, None when it does not name the line."""
    lists = rulebook(rules)
    fitting = [adcode for adcode in lists if jurisdiction.startswith(adcode)]
    return lists[max(fitting, key=len)].get(number) if fitting else None


@part("hotlines.toml")
def rulebook(rules: Rules) -> dict[str, dict[str, str]]:
    """Return modes by number by the beginning of the adcode. Raises ValueError for a line with two modes."""
    table: dict[str, Any] = rules.toml("hotlines")
    lists: dict[str, dict[str, str]] = {}
    for one in table["lists"].values():
        pairs = [(number, mode) for mode in enums.MERGE_MODES for number in one[mode]]
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a line stands in two modes of one list")
        lists |= {adcode: dict(pairs) for adcode in one["adcodes"]}
    return lists

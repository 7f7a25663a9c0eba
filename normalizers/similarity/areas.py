"""Areas: the cities and districts (市区县) that a text names beside the places within them."""

import re
from collections.abc import Mapping
from typing import Any

from normalizers.rules import precompiled
from normalizers.text.matcher import one_of


def areas_of(table: Mapping[str, Any]) -> re.Pattern[str]:
    """Return what finds a city or district, by the lists of a folder's `matters.toml`.

    岳麓区, and the letters that stand for one where a text was made anonymous (A3区). 小区, 三区 and 超市 are none
    (二七区 is one).
    """
    no_districts, no_cities = (one_of(table["areas"][name]) for name in ("no_districts", "no_cities"))
    return precompiled.pattern(
        r"(?<![a-z0-9])[a-z]\d{0,2}[市区县]"
        rf"|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{{2,3}}?(?:(?<!{no_districts})[区县]|(?<!{no_cities})市)(?=[\u4e00-\u9fff])"
    )


def areas_in(folded: str, area: re.Pattern[str]) -> frozenset[str]:
    """Return the areas that a folded text names."""
    return frozenset(area.findall(folded)) if _may_name_one(folded) else frozenset()


def without_areas(folded: str, area: re.Pattern[str]) -> str:
    """Return a folded text with a comma for each area: what stands behind one is no part of its name."""
    return area.sub(",", folded) if _may_name_one(folded) else folded


def _may_name_one(folded: str) -> bool:
    return "区" in folded or "市" in folded or "县" in folded

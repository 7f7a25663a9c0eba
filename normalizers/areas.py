"""Areas: the cities and districts (市区县) that a text names beside the places within them."""

import re

_AREA = re.compile(
    r"(?<![a-z0-9])[a-z]\d{0,2}[市区县]"
    r"|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{2,3}?(?:(?<![小社园校景库矿厂展片城学林灾街一二三四五六八九十])[区县]|(?<![超门夜集城都菜])市)"
    r"(?=[\u4e00-\u9fff])"
)
"""A city or district: 岳麓区, and the letters that stand for one where a text was made anonymous (A3区).

小区, 三区 and 超市 are none (二七区 is one).
"""


def areas_in(folded: str) -> frozenset[str]:
    """Return the areas that a folded text names."""
    return frozenset(_AREA.findall(folded)) if _may_name_one(folded) else frozenset()


def without_areas(folded: str) -> str:
    """Return a folded text with a comma for each area: what stands behind one is no part of its name."""
    return _AREA.sub(",", folded) if _may_name_one(folded) else folded


def _may_name_one(folded: str) -> bool:
    return "区" in folded or "市" in folded or "县" in folded

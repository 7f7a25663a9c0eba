"""A misspelt category finds nothing: it is told, and one that a city has beside the rules is not."""

import asyncio
from typing import Any

import pytest

from hotline.cli.subjects import refuse_misspelt, refuse_unknown
from hotline.config.settings import Settings
from schemas.errors import MisconfiguredError
from tickets.search import Filters


class Tickets:
    """An archive whose tickets have these categories."""

    def __init__(self, *categories: str) -> None:
        self._categories = categories

    async def count(self, *, filters: Filters) -> int:
        return sum(map(self._categories.count, filters.category))


def asked(said: str | None, archive: Any) -> None:
    asyncio.run(refuse_unknown(archive, (said,) if said else (), Settings()))


@pytest.mark.parametrize("said", [None, "construction", "construction.utilities", "城乡建设", "宠物"])
def test_what_the_rules_or_a_ticket_have_is_no_mistake(said: str | None) -> None:
    asked(said, Tickets("宠物"))


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("城乡建社", "did you mean 城乡建设?"),
        ("constructoin", "did you mean construction?"),
        ("火星", "the rules have construction (城乡建设), environment (环境保护),"),
    ],
)
def test_what_nobody_has_is_refused_with_what_there_is(said: str, advice: str) -> None:
    with pytest.raises(MisconfiguredError) as refused:
        asked(said, Tickets("宠物"))
    assert str(refused.value).startswith(f"There is no category {said}: {advice}")


@pytest.mark.parametrize("words", [["kind=complaint"], ["category=construction"], ["category=x", "scheme=crm"]])
def test_what_a_ticket_may_be_reclassified_to(words: list[str]) -> None:
    refuse_misspelt(Settings(), words)


def test_a_misspelt_category_is_no_clerks_word() -> None:
    with pytest.raises(MisconfiguredError, match=r"did you mean construction\.utilities\?.* scheme="):
        refuse_misspelt(Settings(), ["kind=complaint", "category=construcion.utilities"])


def test_a_name_is_answered_with_its_code() -> None:
    with pytest.raises(MisconfiguredError, match=r"no category 城乡建设: write its code, construction\."):
        refuse_misspelt(Settings(), ["category=城乡建设"])

"""Categories (事项分类) that a person types: a misspelt one would find nothing."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from schemas.errors import MisconfiguredError

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from hotline.search.archive import Archive


async def refuse_unknown(archive: "Archive", said: Sequence[str], settings: "Settings") -> None:
    """Raise MisconfiguredError for a category that no rule knows and no ticket has.

    A clerk, a model of the city's own or an app may have given tickets others than the rules have.
    """
    from hotline.config.clients import rules_of
    from normalizers.enrich import category
    from tickets.search import Filters

    if not said:
        return
    known = category.names(rules_of(settings))
    for one in said:
        if one in known or one in known.values() or await archive.count(filters=Filters(category=(one,))):
            continue
        raise MisconfiguredError(f"There is no category {one}: {_advice(one, known)}")


def refuse_misspelt(settings: "Settings", words: Iterable[str]) -> None:
    """Raise MisconfiguredError for a category to reclassify to that neither the rules nor the city's own model have.

    `words` are the command's arguments: with `scheme` the category is another system's, which only that system knows.
    """
    from hotline.config.clients import category_model, rules_of
    from normalizers.enrich import category

    given = dict(word.partition("=")[::2] for word in words)
    if "category" not in given or "scheme" in given:
        return
    said, known = given["category"], category.names(rules_of(settings))
    if said in known:
        return
    model = category_model(settings)
    if model is None or said not in model.card.labels:
        raise MisconfiguredError(
            f"There is no category {said}: {_code(said, known)} Another system's needs its scheme=…, too."
        )


def _code(said: str, known: Mapping[str, str]) -> str:
    """Advise the code of a category; its name is none."""
    codes = [code for code, name in known.items() if name == said]
    return f"write its code, {' or '.join(codes)}." if codes else _advice(said, known)


def _advice(said: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(said, [*known, *known.values()], n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return f"the rules have {', '.join(f'{code} ({name})' for code, name in known.items() if '.' not in code)}."

"""Every rule file of a city, read and made ready once: what cannot be used is named before a message meets it.

Of files that are ours alone nothing has to be said.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from normalizers import dialogue, footers, machines, matter, names, persons, rules, stated
from normalizers.findings import (
    acceptance,
    category,
    confidentiality,
    emergency_rules,
    hotlines,
    informants,
    kind,
    minors,
    place_rules,
    towns,
    where_rules,
)
from normalizers.mail import quote_rules
from normalizers.web import services
from schemas.errors import MisconfiguredError

RULEBOOKS: Mapping[str, tuple[rules.Kept[Any], ...]] = MappingProxyType(
    {
        "emergency": (emergency_rules.rulebook,),
        "kind": (kind.rulebook,),
        "category": (category.rulebook,),
        "matters": (matter.rulebook,),
        "minors": (minors.rulebook,),
        "acceptance": (acceptance.rulebook,),
        "confidentiality": (confidentiality.rulebook,),
        "informants": (informants.rulebook,),
        "hotlines": (hotlines.rulebook,),
        "services": (services.services,),
        "place": (place_rules.rulebook, where_rules.rulebook),
        "names": (names.rulebook, persons.rulebook, stated.rulebook),
        "footers": (footers.rulebook,),
        "quotes": (quote_rules.rulebook,),
        "dialogue": (dialogue.rulebook,),
        "machines": (machines.rulebook,),
    }
)
"""By the name of their file."""


def verify(folder: Path) -> None:
    """Raise MisconfiguredError for the first file in a city's folder that cannot be used as rules."""
    for name in RULEBOOKS:
        verify_one(folder, name)
    towns.added(folder)


def verify_one(folder: Path, name: str) -> None:
    """Raise MisconfiguredError when the city's file of this name cannot be used."""
    try:
        for rulebook in RULEBOOKS[name]:
            if rules.has_any(folder, rulebook.files):
                rulebook(folder)
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise MisconfiguredError(
            f"The rules in {folder / name}.toml cannot be used ({type(error).__name__} {error}): "
            "compare it with the file of the same name in normalizers/rules."
        ) from error

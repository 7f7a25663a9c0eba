"""Every rule file of a city, read and made ready once: what cannot be used is named before a message meets it.

Of files that are ours alone nothing has to be said.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from normalizers.enrich import (
    acceptance,
    category,
    confidentiality,
    emergency,
    informants,
    merged_hotlines,
    minors,
    request_kind,
)
from normalizers.enrich.address import extract
from normalizers.geo import divisions, place_patterns
from normalizers.mapped_webhook.profile import FOLDER, profiles
from normalizers.parse import automated_senders
from normalizers.pii import names, third_persons
from normalizers.rules import RulePart, Rules
from normalizers.similarity import boilerplate, stated_identity, terms
from normalizers.text import quote_patterns
from normalizers.web import services
from schemas.errors import MisconfiguredError

RULEBOOKS: Mapping[str, tuple[RulePart[Any], ...]] = MappingProxyType(
    {
        "emergency": (emergency.rulebook,),
        "kind": (request_kind.rulebook,),
        "category": (category.rulebook,),
        "matters": (terms.rulebook,),
        "minors": (minors.rulebook,),
        "acceptance": (acceptance.rulebook,),
        "confidentiality": (confidentiality.rulebook,),
        "informants": (informants.rulebook,),
        "hotlines": (merged_hotlines.rulebook,),
        "services": (services.services,),
        "place": (place_patterns.rulebook, extract.rulebook),
        "names": (names.rulebook, third_persons.rulebook, stated_identity.rulebook),
        "footers": (boilerplate.rulebook,),
        "quotes": (quote_patterns.rulebook,),
        "dialogue": (boilerplate.dialogue_rulebook,),
        "machines": (automated_senders.rulebook,),
    }
)
"""By the name of their file."""


def verify(rules: Rules) -> None:
    """Raise MisconfiguredError for the first file in a city's folder that cannot be used as rules."""
    for name in RULEBOOKS:
        verify_one(rules, name)
    divisions.added(rules)
    if rules.has_any((FOLDER,)):
        profiles(rules)


def verify_one(rules: Rules, name: str) -> None:
    """Raise MisconfiguredError when the city's file of this name cannot be used."""
    try:
        for rulebook in RULEBOOKS[name]:
            if rules.has_any(rulebook.files):
                rulebook(rules)
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise MisconfiguredError(
            f"The rules in {rules.folder}/{name}.toml cannot be used ({type(error).__name__} {error}): "
            "compare it with the file of the same name in normalizers/rules."
        ) from error

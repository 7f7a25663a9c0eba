"""Services of Open311: the categories (事项分类) of `category.toml`, and the questions of `services.toml`."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from normalizers.rules import DEFAULT_RULES, Rules, part

OTHER = "other"
"""For a requester who finds no category: the text decides, or a clerk."""

EVERY = "*"

LISTS = frozenset({"singlevaluelist", "multivaluelist"})
DATATYPES = LISTS | {"string", "number", "datetime", "text"}

MOST_KEYWORDS = 8


class Attribute(Struct, frozen=True, kw_only=True):
    """One question of a service definition; `values` are the answers of a list by their keys."""

    code: str
    name: str
    datatype: str
    description: str
    required: bool = False
    datatype_description: str = ""
    values: Mapping[str, str] = MappingProxyType({})


class Service(Struct, frozen=True, kw_only=True):
    """One kind of matter that a request may be about."""

    code: str
    name: str
    group: str
    keywords: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()


@part("category.toml", "services.toml")
def services(rules: Rules = DEFAULT_RULES) -> Mapping[str, Service]:
    """Return every service by its code, in the order of the rules, `other` last. Raises ValueError for wrong rules."""
    table: dict[str, Any] = rules.toml("category")
    asked = list(_attributes(rules))
    found = {
        code: Service(
            code=code,
            name=topic["name"],
            group=table["classes"][code.split(".", 1)[0]],
            keywords=tuple(topic.get("sure", ())[:MOST_KEYWORDS]),
            attributes=_of(code, asked),
        )
        for code, topic in table["topics"].items()
    }
    found[OTHER] = Service(code=OTHER, name="其他", group="其他", attributes=_of(OTHER, asked))
    unknown = {name for names, _ in asked for name in names} - {EVERY, OTHER} - {*found} - {*table["classes"]}
    if unknown:
        raise ValueError(f"services.toml names services that category.toml does not have: {', '.join(sorted(unknown))}")
    return MappingProxyType(found)


def _attributes(rules: Rules) -> Iterator[tuple[frozenset[str], Attribute]]:
    """Yield each question with the services that have it."""
    seen: set[str] = set()
    for one in rules.toml("services")["attributes"]:
        made = Attribute(**{name: value for name, value in one.items() if name != "services"})
        if made.datatype not in DATATYPES or (made.datatype in LISTS) != bool(made.values) or made.code in seen:
            raise ValueError(f"the attribute {made.code} is there twice, or its datatype and values do not fit")
        seen.add(made.code)
        yield frozenset(one["services"]), made


def _of(code: str, asked: list[tuple[frozenset[str], Attribute]]) -> tuple[Attribute, ...]:
    own = {EVERY, code, code.split(".", 1)[0]}
    return tuple(attribute for names, attribute in asked if not names.isdisjoint(own))

"""Checks of the city's own rules, policies and models: unusable or without effect."""

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from connectors.mapped_webhook.settings import MappedWebhookSettings
from connectors.registry import PUSH
from hotline.config import clients
from hotline.quality.replay.rules import idle_calendars, strangers
from hotline.search import synonyms
from normalizers import rulebooks
from normalizers.enrich import category
from normalizers.geo import divisions
from normalizers.mapped_webhook.profile import profiles
from normalizers.rulebooks import RULEBOOKS
from normalizers.rules import DEFAULT_RULES, Rules
from schemas import enums
from schemas.errors import PipelineError
from schemas.ids import is_in_china
from tickets import policies
from tickets.policy import directories_of, limits_of, near_policy
from tickets.receipts.render import wording

if TYPE_CHECKING:
    from hotline.config.settings import Settings


# Misspelt words in a city's own rules that would be ignored: optional keys, and words of vocabularies.

Table = Mapping[str, Any]


def misspelt(city: Rules) -> Iterator[str]:
    """Yield keys that nearly equal a known one, and unknown words, in a city's valid rules."""
    for name in RULEBOOKS:
        if city.has_any((f"{name}.toml",)):
            for told in _keys(DEFAULT_RULES.toml(name), city.toml(name)):
                yield f"{name}.toml in {city.folder} {told}"
    yield from _strange_words(city)


def _keys(ours: Table, own: Table) -> Iterator[str]:
    yield from _nearly(own, ours)
    for name, table in own.items():
        known = {key for one in _tables(ours.get(name)) for key in one}
        for one in _tables(table):
            yield from _nearly(one, known)


def _tables(value: Any) -> list[Table]:
    """Return the tables of a list of them, or of a table that holds nothing else: these all have the same keys."""
    inner = list(value.values()) if isinstance(value, dict) else value
    return inner if isinstance(inner, list) and all(isinstance(one, dict) for one in inner) else []


def _nearly(keys: Iterable[str], known: Collection[str]) -> Iterator[str]:
    for key in keys:
        if key not in known and (near := difflib.get_close_matches(key, known, n=1, cutoff=0.75)):
            yield f"has the unknown key `{key}`: did you mean `{near[0]}`?"


def _strange_words(city: Rules) -> Iterator[str]:
    alarms, told = city.toml("emergency")["rule"], city.toml("kind")
    kinds, heard = told["kinds"], told["hearing"]
    for said, known, what in (
        ({one["level"] for one in alarms}, enums.EMERGENCY_LEVELS, "level in emergency.toml"),
        ({one for rule in alarms for one in rule["classes"]}, enums.EMERGENCY_CLASSES, "class in emergency.toml"),
        (set(kinds), enums.REQUEST_KINDS, "kind in kind.toml"),
        ({*heard["stands"], *heard["alone"]}, enums.REQUEST_KINDS, "kind in [hearing] of kind.toml"),
    ):
        if strange := sorted(said - known.keys()):
            yield f"The {what} in {city.folder} cannot be {', '.join(strange)}: choose from {', '.join(known)}."


def checks_of_rules_rules(settings: "Settings") -> Iterator[str]:
    """The city's own files, each on its own; a folder that is none needs no further look."""
    yield from refusal(clients.category_model, settings)
    yield from refusal(clients.place_model, settings)
    folder = settings.rules.folder
    if folder is not None and not folder.is_dir():
        yield from refusal(clients.verified_rules, settings)
        return
    city = Rules.load(folder)
    refused = [fault for look in _looks(city) for fault in refusal(lambda _, look=look: look(), settings)]  # type: ignore[misc] # binds the loop's name
    yield from refused
    if not refused:
        yield from _unfit_profiles(settings)
    if folder is not None:
        yield from strangers(folder)
    if folder is not None and not refused:
        yield from misspelt(city)
        yield from idle_calendars(folder)
        yield from _ended_calendars(city)
        yield from _meant_for_nobody(city)


def _unfit_profiles(settings: "Settings") -> Iterator[str]:
    """Yield each account of a mapped webhook whose profile is missing, or does not fit its section or its keys."""
    for section, entry in PUSH.items():
        if issubclass(entry.settings, MappedWebhookSettings):
            for name, account in settings.connectors.sections[section].items():
                under = account.under(settings.rules.folder)
                yield from refusal(lambda _, entry=entry, under=under, name=name: entry.make(under, name), settings)  # type: ignore[misc] # binds the loop's names


def _looks(city: Rules) -> Iterator[Callable[[], object]]:
    if city.folder is not None:
        for name in rulebooks.RULEBOOKS:
            yield partial(rulebooks.verify_one, city, name)
        yield partial(divisions.added, city)
        yield partial(profiles, city)
        yield partial(synonyms.load, city.folder)
    for policy in (near_policy, limits_of, directories_of, wording):
        yield partial(policy, city)


def refusal(look: Callable[["Settings"], object], settings: "Settings") -> Iterator[str]:
    """Yield why an object cannot be made by these settings."""
    try:
        look(settings)
    except PipelineError as error:
        yield str(error)


def _ended_calendars(city: Rules) -> Iterator[str]:
    """Yield each calendar that replaces a shipped one and ends before it: its working days would count as unknown.

    A city that added a year by itself hides the years that later come with the program.
    """
    own = policies.read("calendars", city)
    for name, ours in policies.read("calendars").items():
        last = max(own[name]["years"], default="")
        if missing := sorted(year for year in ours["years"] if year > last):
            yield (
                f"calendars/{name}.toml in {city.folder} replaces the one of this program but has no year "
                f"after {last or 'none'}: copy {', '.join(missing)} from the program, or remove it if the "
                "program now has all its days."
            )


def _meant_for_nobody(city: Rules) -> Iterator[str]:
    """Yield unknown subjects of a time limit or a directory, or unknown stages that stop a clock: it would never
    apply.
    """
    codes = category.names(city)
    for kind in ("deadlines", "dispatch"):
        for name, table in policies.read(kind, city).items():
            if kind == "deadlines":
                yield from _overtaken(name, table["rules"])
            yield from _strange(f"{kind}/{name}.toml", "adcodes", table, _is_place)
            for rule in table["rules"]:
                where = f"the rule {rule['id']} in {kind}/{name}.toml"
                for key, is_known in _SELECTORS.items():
                    yield from _strange(where, key, rule, is_known)
                yield from _strange(where, "categories", rule, lambda code: not _is_slip(code, codes))


def _strange(where: str, key: str, table: Mapping[str, Any], is_known: Callable[[str], bool]) -> Iterator[str]:
    if found := ", ".join(one for one in table.get(key, ()) if not is_known(one)):
        yield f"`{key}` of {where} names {found}, which does not exist, so it never applies: correct it."


def _is_slip(code: str, known: Collection[str]) -> bool:
    """Return whether a category looks like a misspelt known one; clerks and channels may use those of other schemes."""
    if any(one.startswith(code) for one in known):
        return False
    return code.split(".", 1)[0] in known or bool(difflib.get_close_matches(code, known, n=1, cutoff=0.75))


def _overtaken(name: str, rules: list[dict[str, Any]]) -> Iterator[str]:
    """Name each time limit before which another one stands that is for all that it is for."""
    for at, rule in enumerate(rules):
        if before := next((one["id"] for one in rules[:at] if _covers(one, rule)), None):
            yield (
                f"The rule {rule['id']} in deadlines/{name}.toml never applies: {before} before it covers all "
                "of its cases."
            )


def _covers(before: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    if before["clock"] != rule["clock"] or before.get("by_clerk") or rule.get("by_clerk"):
        return False
    wide = [key for key in ("channels", "kinds") if before.get(key)]
    beginnings = tuple(before.get("categories", ()))
    return (
        all(rule.get(key) and {*before[key]}.issuperset(rule[key]) for key in wide)
        and (not beginnings or _all_begin(rule.get("categories", ()), beginnings))
        and (not before.get("emergency") or bool(rule.get("emergency")))
        and all(before.get(key) in (None, rule.get(key)) for key in ("valid_from", "valid_to"))
    )


def _all_begin(codes: Collection[str], beginnings: tuple[str, ...]) -> bool:
    return bool(codes) and all(code.startswith(beginnings) for code in codes)


def _is_place(beginning: str) -> bool:
    return beginning.isdecimal() and len(beginning) <= 6 and is_in_china(beginning)


_SELECTORS: Mapping[str, Callable[[str], bool]] = {
    "places": _is_place,
    "channels": enums.CHANNELS.__contains__,
    "kinds": enums.REQUEST_KINDS.__contains__,
    "pauses": enums.STATUSES.__contains__,
}

"""The masked ticket: what analysts see. Persons, contacts and doors are hidden, incident places stay searchable.

Which field is masked follows from its PII class in `schemas/`: free text keeps its words with personal spans blacked
out, every other personal field is emptied. What is known of the requester is blacked out wherever it stands.
"""

import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from normalizers.enrich.category import path_of
from normalizers.parse.codes import may_be_a_person_s
from normalizers.pii import name_coreference, names
from normalizers.pii.cache import Remembered
from normalizers.pii.detect import Seen, by_rules, cut_spans, hyphened, in_order, spans_of
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.text.fold import Span, fold, folds_simply, simply_folded
from schemas.records import Attachment, Ticket
from schemas.records.ticket import Category, Location, Origin, Requester
from tickets.codes import INCOMPLETE

T = TypeVar("T", bound=Struct)


class Known(NamedTuple):
    """What is known of the persons as it may stand in a text, folded; and where the city's own rules lie, if any."""

    values: tuple[str, ...] = ()
    rules: Rules = DEFAULT_RULES
    told: frozenset[str] = frozenset()
    """Forms of the names that stand anywhere in the ticket: its words tell of the same people in each of its fields."""


NOTHING_KNOWN = Known()
Rule = Callable[[Any, Known], Any]

_BY_US = frozenset({"rule", "model"})
"""Whose category is from the city's own files."""

MASK = "＊"
_FOLDED_MASK = "*"
"""What folding makes of it."""

MASK_CHARACTERS = 11
"""A mask is never longer than a phone number, so that it tells nothing of the length."""


def mask_text(text: str, known: Known = NOTHING_KNOWN) -> str:
    """Black out numbers, mail addresses, names and doors, and what is `known` of the persons, folded."""
    return _blacked_out(text, _spans(_remembered.look(text, known.rules), known))


def _spans(seen: Seen, known: Known) -> list[Span]:
    again = name_coreference.rulebook(known.rules)
    return spans_of(seen, known.values, again.spans(seen.plain, known.told) if known.told else ())


_remembered = Remembered(by_rules)


def remember(found: Iterable[Sequence[int]], rules: Rules) -> None:
    """Take what another process found, by the very same rules, for what would be found here."""
    _remembered.expect(found, rules)


def _blacked_out(text: str, spans: Iterable[Span]) -> str:
    parts, end = [], 0
    for start, stop in spans:
        parts += [text[end:start], MASK * min(stop - start, MASK_CHARACTERS)]
        end = stop
    return "".join([*parts, text[end:]]) if parts else text


def mask_ticket(ticket: Ticket, rules: Rules = DEFAULT_RULES) -> Ticket:
    """Return the snapshot that analysts may see."""
    seen = _remembered.look(ticket.text, rules)
    known, news = _known_in(ticket, rules, seen)
    fields = _masked(ticket, known) | _words_of(ticket, known, seen, _spans(seen, news))
    own = {"category": _category_of(ticket, known), "origin": origin_without(ticket.origin, known.values)}
    return _clerks_codes_without(replace(ticket, **fields, **own, masked=True), known.values)


def _known_in(ticket: Ticket, rules: Rules, seen: Seen) -> tuple[Known, Known]:
    """Return what is known of the requester and whom the ticket names, and of this what is news to its text.

    A result may tell a landlord's bare name; `seen` is the text, in which the rules have looked for its own names.
    """
    values, again = known_of(ticket.requester, rules), name_coreference.rulebook(rules)
    in_text, others = again.worth(seen.plain, seen.spans), {value for value in values if again.is_worth(value)}
    title = None if drawn_title(ticket) is not None else ticket.title
    for text in (title, ticket.result and ticket.result.text):
        if text:
            found = _remembered.look(text, rules)
            others |= again.worth(found.plain, found.spans)
    news = again.forms(others - in_text)
    return Known(values, rules, news | again.forms(in_text)), Known(values, rules, news)


def _category_of(ticket: Ticket, known: Known) -> Category | None:
    """Return the category, unless it is of a foreign scheme and may name a person."""
    category = ticket.category
    if category is None or category.source in _BY_US or path_of(category.code, known.rules)[1]:
        return category
    told = may_be_a_person_s(category.code) or mask_text(f"{category.code}。", known) != f"{category.code}。"
    return None if told else category


def origin_without(origin: Origin | None, known: Iterable[str]) -> Origin | None:
    """Return where it came from, without another system's number that holds what is known of the requester."""
    if origin is None or origin.external_ticket_no is None:
        return origin
    return replace(origin, external_ticket_no=None) if _holds(origin.external_ticket_no, known) else origin


def _clerks_codes_without(ticket: Ticket, known: Collection[str]) -> Ticket:
    """Return the ticket without codes of clerks that hold what is known of the requester: a landline looks like one."""
    if ticket.result and ticket.result.kind and _holds(ticket.result.kind, known):
        ticket = replace(ticket, result=replace(ticket.result, kind=None))
    if any(one.number and _holds(one.number, known) for one in ticket.supervision):
        shown = (replace(one, number=None) if _holds(one.number or "", known) else one for one in ticket.supervision)
        ticket = replace(ticket, supervision=tuple(shown))
    return ticket


def _holds(code: str, known: Iterable[str]) -> bool:
    folded = fold(code)
    return any(value in folded for value in known)


_SAID = frozenset({"title", "text", "search_text"})


def _words_of(ticket: Ticket, known: Known, seen: Seen, spans: list[Span]) -> dict[str, str | None]:
    """Return title, text and their folded copy, masked: what stands in more than one of them is looked at once."""
    if INCOMPLETE in ticket.labels:
        spans = in_order([*spans, *cut_spans(ticket.text, known.rules)])
    text, title, drawn = _blacked_out(ticket.text, spans), ticket.title, drawn_title(ticket)
    if drawn is not None:
        within = ((max(start, drawn.start), min(stop, drawn.stop)) for start, stop in spans)
        title = _blacked_out(ticket.text[: drawn.stop], ((a, b) for a, b in within if a < b))[drawn.start :]
    elif title:
        title = mask_text(title, known)
    return {"title": title, "text": text, "search_text": _search_text(ticket, title, text, known, seen)}


def _search_text(ticket: Ticket, title: str | None, text: str, known: Known, seen: Seen) -> str:
    """Return the copy for searching, masked: of what is masked where it is the copy of all of it."""
    copied = simply_folded(ticket.text) if seen.is_simple else fold(ticket.text)
    if ticket.search_text == copied:
        return copied if text == ticket.text else _folded(text, is_simple=seen.is_simple)
    heading = ticket.title
    if heading and ticket.search_text == f"{fold(heading)} {copied}":
        if (title, text) == (heading, ticket.text):
            return ticket.search_text
        return _folded(f"{title}\n{text}", is_simple=seen.is_simple and folds_simply(heading))
    return mask_text(ticket.search_text, known)


def _folded(masked: str, *, is_simple: bool) -> str:
    """Return a masked text folded; whether it was simple before the masks were in it."""
    return simply_folded(masked.replace(MASK, _FOLDED_MASK)) if is_simple else fold(masked)


def drawn_title(ticket: Ticket) -> slice | None:
    """Return where the title stands in the text when it is its beginning, as of a message without a title."""
    start = len(ticket.text) - len(ticket.text.lstrip())
    if not ticket.title or not ticket.text.startswith(ticket.title, start):
        return None
    return slice(start, start + len(ticket.title))


def known_of(requester: Requester, rules: Rules = DEFAULT_RULES) -> tuple[str, ...]:
    """Return the requester's names, numbers and addresses as they may stand in a text, folded; no name of nobody."""
    values = {requester.name, requester.phone, requester.email, requester.openid, requester.weibo_uid, requester.uid}
    values |= {value for party in requester.identities for value in (party.value, party.name)}
    nobody = names.rulebook(rules).nobody
    return tuple({form for value in values if value for form in _forms(hyphened(fold(value)), nobody)})


def _forms(value: str, nobody: Container[str]) -> Iterator[str]:
    """Yield the value, and the parts by which it is known as well: a name among other words, a number without area."""
    if len(value) > (2 if value.isascii() else 1) and value not in nobody and not _SHORT_NUMBER.fullmatch(value):
        yield value
    if "@" in value[_SHORT_LOCAL_PART:]:
        yield value.split("@", 1)[0]
    for part in _NAME_PARTS.findall(value):
        if part not in nobody:
            yield part
    landline = _LANDLINE.fullmatch(value)
    if landline:
        yield landline[1]


_NAME_PARTS = re.compile(r"[\u4e00-\u9fff·]{2,}")
_LANDLINE = re.compile(r"(?:\+?86)?[ -]?\(?0?[0-9]{2,3}\)?[ -]?([2-9][0-9]{6,7})")
_SHORT_LOCAL_PART = 5
_SHORT_NUMBER = re.compile(r"[0-9]{1,6}")
"""A hotline such as 12345 reaches no person."""


def _mask(record: T, known: Known) -> T:
    masked = _masked(record, known)
    return replace(record, **masked) if masked else record


def _masked(record: Struct, known: Known) -> dict[str, Any]:
    """Return the fields of a record that hold something to mask, masked."""
    there = [(name, rule, getattr(record, name)) for name, rule in _rules_of(type(record))]
    return {name: rule(value, known) for name, rule, value in there if value}


_PLACE = "地点:"
_LONGEST_FILE_NUMBER = 4
_RULES: dict[type, tuple[tuple[str, Rule], ...]] = {}


def _rules_of(kind: type) -> tuple[tuple[str, Rule], ...]:
    """Return the fields of a struct that need masking, and how."""
    rules = _RULES.get(kind)
    if rules is None:
        hints = get_type_hints(kind, include_extras=True)
        found = ((field.name, _rule_of(hints[field.name])) for field in msgspec.structs.fields(kind))
        if kind is Location:
            found = ((name, _mask_place if rule is mask_text else rule) for name, rule in found)
        if kind is Attachment:
            found = ((name, _number_of_file if name == "id" else rule) for name, rule in found)
        apart = _SAID if kind is Ticket else ()
        rules = _RULES[kind] = tuple((name, rule) for name, rule in found if rule is not None and name not in apart)
    return rules


def _rule_of(hint: Any) -> Rule | None:
    meta = _meta(hint)
    if meta["pii"] == 0:
        return _mask_nested if any(_rules_of(struct) for struct in _structs(hint)) else None
    if meta["index"] in ("text", "words"):
        return mask_text
    return _empty if type(None) in get_args(get_args(hint)[0]) else _empty_required


def _meta(hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Annotated:
        for one in get_args(hint)[1:]:
            if isinstance(one, Meta) and one.extra and "pii" in one.extra:
                return dict(one.extra)
    return {"pii": 0, "index": "none"}


def _structs(hint: Any) -> list[type]:
    if isinstance(hint, type) and issubclass(hint, Struct):
        return [hint]
    return [struct for inner in get_args(hint) for struct in _structs(inner)]


def _mask_place(value: Any, known: Known) -> Any:
    return mask_text(as_place(value), known)[len(_PLACE) :]


def as_place(value: str) -> str:
    """Return the name of a place as the rules are to read it: it names nobody by standing alone (石岩, 高桥)."""
    return f"{_PLACE}{value}"


def _mask_nested(value: Any, known: Known) -> Any:
    return tuple(_mask(one, known) for one in value) if isinstance(value, tuple) else _mask(value, known)


def _number_of_file(value: Any, _known: Known) -> Any:
    """Return the number of a file in its message; the address of a picture tells whose page it is on, and goes."""
    return value if value.isdecimal() and len(value) <= _LONGEST_FILE_NUMBER else ""


def _empty(value: Any, _known: Known) -> None:
    return None


def _empty_required(value: Any, _known: Known) -> Any:
    return type(value)()

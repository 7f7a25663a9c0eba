"""Rules as data: words and levels that a city's own people can read and change; read once."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, update_wrapper, wraps
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from normalizers.rules import precompiled
from schemas.errors import MisconfiguredError

Made = TypeVar("Made")
Asked = TypeVar("Asked")

FOLDERS = 8
"""Folders whose large rulebooks are kept, some 50 MB each: a process uses one, a trial of rules a second."""

YOUNGER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "emergency": (
            "score.", "hearing.", "cues.just", "cues.supposed_before", "cues.supposed_after", "cues.news_after",
            "resolution.", "fumes.", "confidence.", "confidence_weights.", "confidence_least.",
        ),
        "minors": ("scores.", "hearing.", "at_school", "grown_up", "lists.our", "lists.parent", "lists.primary"),
        "acceptance": ("hearing.", "beside.", "scores.heard", "lengths."),
        "confidentiality": ("scores.", "hearing."),
        "kind": ("hearing.", "thanks."),
        "category": ("hearing.",),
        "place": (
            "scores.", "weights.", "but_before", "behind_division", "message.with_and", "message.road_names",
            "message.doing", "message.no_estate",
        ),
        "matters": (
            "greeted", "hello", "passed_on", "on_behalf", "in_names", "last_in_names", "ends_name", "numbered",
            "numbered_in_digits", "sided", "named", "trades", "no_names", "not_named", "ones", "not_ones", "surnames",
            "titles", "against", "in_favour", "wishes", "demands", "troubles", "parts_of_day", "shops", "named_by",
            "relatives", "aspects", "no_aspects", "landmarks", "no_heading", "says_who", "of_one_place", "towers",
            "writers", "residents", "lasting", "employed", "behind_city", "papers.", "areas.",
        ),
        "machines": ("bounces.roles", "bounces.software", "bounces.texts", "bounces.titles"),
        "names": (
            "foreign_sounds",
            "transliterated", "bodies", "called_but_no_name", "cues.", "stated.", "on_behalf.", "peoples.", "english.",
            "beside_names.", "homes.", "numbers.", "full_names.", "short_names.", "role_names.", "likely_names.",
            "called_names.", "other_names.", "identifiers.",
            "third_persons.familiar", "third_persons.familiar_by_kin", "third_persons.kin",
            "third_persons.short_titles", "third_persons.given_first", "third_persons.given_second",
            "third_persons.given_words",
        ),
    }
)  # fmt: skip
"""Keys that are younger than the first files of cities: lists, a section's lists (`.` between), or all of a section's.

A city's file without such a key gets the shipped value; an empty list has to be written. Other missing keys stay
missing.
"""


THE_PROGRAMS = frozenset({"divisions.csv", "words_of_two.csv"})
"""Tables for which no file of a city stands: masks (脱敏) rest on them as well as places do."""


class Rules:
    """The rules of one city: its own files, and the shipped ones for the rest. Read and compiled once.

    Each part (`@part`) is compiled at first use and kept here. Later changes of a file have no effect on this object:
    new rules need a restart of the process.
    """

    __slots__ = ("_compiled", "_tables", "folder")

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._tables: dict[str, dict[str, Any]] = {}
        self._compiled: dict[RulePart[Any], Any] = {}

    def __repr__(self) -> str:
        return f"Rules({self.folder})"

    @staticmethod
    def load(folder: Path | None = None) -> "Rules":
        """Return the rules of a city's own folder, those of the program without one; the same ones each time."""
        return _loaded(folder) if folder is not None else DEFAULT_RULES

    def toml(self, name: str) -> dict[str, Any]:
        """Return the rules in `<name>.toml`: the city's own, completed by younger shipped keys; else the shipped ones.

        Raises MisconfiguredError for a file that cannot be read.
        """
        known = self._tables.get(name)
        if known is None:
            known = self._tables[name] = self._read(name)
        return known

    def _read(self, name: str) -> dict[str, Any]:
        if self.folder is not None and not self.has_any((f"{name}.toml",)):
            return DEFAULT_RULES.toml(name)
        file = self._file(f"{name}.toml")
        try:
            written = file.read_text("utf-8-sig")
            own = precompiled.remembered("toml", written, lambda: tomllib.loads(written))
        except UnicodeDecodeError as error:
            raise not_utf8(file) from error
        except (OSError, ValueError, RecursionError) as error:  # no TOML, a number of thousands of digits
            raise MisconfiguredError(f"The rules in {file} cannot be read: {error}.") from error
        if self.folder is None:
            return own
        ours = DEFAULT_RULES.toml(name)
        for fault in _misshapen(own, ours):
            raise MisconfiguredError(f"The rules in {file} cannot be used: {fault}.")
        return _completed(own, ours, YOUNGER.get(name, ()))

    def table(self, name: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """Return the lines of `<name>.tsv`: the city's own, else the shipped ones.

        Raises MisconfiguredError for a file that cannot be read, or a line without just these columns.
        """
        file = self._file(f"{name}.tsv")
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise not_utf8(file) from error
        except OSError as error:
            raise MisconfiguredError(f"The rules in {file} cannot be read: {error}.") from error
        cells = [line.split("\t") for line in lines if line.strip()]
        if len(cells) < 2:
            raise MisconfiguredError(f"{file} has no lines.")
        for number, row in enumerate(cells, 1):
            if len(row) != len(columns) or (number == 1 and row != list(columns)):
                raise MisconfiguredError(f"Line {number} of {file} has not the columns {', '.join(columns)}.")
        return [dict(zip(columns, row, strict=True)) for row in cells[1:]]

    def has_any(self, files: Iterable[str]) -> bool:
        """Return True if the city has a file, or a folder of policies, of its own among these."""
        return self.folder is not None and any((self.folder / file).exists() for file in files)

    def compiled(self, part: "RulePart[Made]") -> Made:
        """Return a part, compiled once; the shipped one if the city has no own file for it."""
        if part not in self._compiled:
            is_own = self.folder is None or not part.files or self.has_any(part.files)
            self._compiled[part] = part.make(self) if is_own else DEFAULT_RULES.compiled(part)
        made: Made = self._compiled[part]
        return made

    def _file(self, name: str) -> Traversable:
        own = self.folder / name if self.folder else None
        return own if own and own.is_file() else resources.files(__name__).joinpath(name)


DEFAULT_RULES = Rules()
"""The program's own, which a city without a folder has."""


@lru_cache(maxsize=FOLDERS)
def _loaded(folder: Path) -> Rules:
    return Rules(folder)


class RulePart(Generic[Made]):
    """A part of the rules, compiled from some files: call it with the rules of a city."""

    def __init__(self, make: Callable[[Rules], Made], files: tuple[str, ...]) -> None:
        self.make = make
        self.files = files
        update_wrapper(self, make)

    def __call__(self, rules: Rules = DEFAULT_RULES) -> Made:
        """Return the part of these rules."""
        return rules.compiled(self)


def part(*files: str) -> Callable[[Callable[[Rules], Made]], RulePart[Made]]:
    """Register a part that is compiled of these files, or folders of policies.

    Every file that is read stands here: a city's own would not count otherwise. A part without files is compiled for
    each city.
    """
    return lambda make: RulePart(make, files)


def memoized(maxsize: int) -> Callable[[Callable[[Asked, Rules], Made]], Callable[[Asked, Rules], Made]]:
    """Cache the newest results of a function of a value and of rules inside the rules: they are dropped together."""

    def decorate(answer: Callable[[Asked, Rules], Made]) -> Callable[[Asked, Rules], Made]:
        answers = RulePart(lambda rules: lru_cache(maxsize)(lambda asked: answer(asked, rules)), ())

        @wraps(answer)
        def remembered(asked: Asked, rules: Rules = DEFAULT_RULES) -> Made:
            return answers(rules)(asked)

        return remembered

    return decorate


def shares(table: Mapping[str, float]) -> Mapping[str, float]:
    """Return a table of scores or shares. Raises ValueError for one that is not from 0 to 1."""
    wrong = sorted(name for name, value in table.items() if not 0 <= value <= 1)
    if wrong:
        raise ValueError(f"scores are from 0 to 1: {', '.join(wrong)}")
    return table


def not_utf8(file: Traversable) -> MisconfiguredError:
    """Return the fault of a file that an editor saved in another encoding, as they do on many a Chinese desk."""
    return MisconfiguredError(f"{file} is not written in UTF-8: save it as UTF-8.")


def _misshapen(own: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    """Name each value that is of another type than ours, and empty words, which would be found everywhere."""
    alike = {_shape(one) for one in ours.values()}
    for key, value in own.items():
        known = [ours[key]] if key in ours else list(ours.values()) if len(alike) == 1 else []
        shapes = sorted({_shape(one) for one in known})
        if known and _shape(value) not in shapes:
            yield f"`{key}` is {_shape(value)}, and has to be {shapes[0]}"
        elif isinstance(value, dict):
            yield from _misshapen(value, {name: one for table in known for name, one in table.items()})
        elif isinstance(value, list):
            inner = {_shape(one) for words in known for one in words}
            yield from (f"`{key}` holds {_shape(one)}" for one in value if inner and _shape(one) not in inner)
            if any(isinstance(one, str) and not one.strip() for one in value):
                yield f"`{key}` holds an empty text"


def _shape(value: Any) -> str:
    names = {bool: "true or false", str: "a text", list: "a list", dict: "a table", int: "a number", float: "a number"}
    return names.get(type(value), "a date")


def _completed(own: dict[str, Any], ours: Mapping[str, Any], younger: Sequence[str]) -> dict[str, Any]:
    """Return a city's rules, completed by younger shipped keys; a missing table stays missing."""
    made = dict(own)
    for key in younger:
        section, of_a_section, name = key.partition(".")
        if not of_a_section:
            made.setdefault(section, ours[section])
        elif isinstance(made.setdefault(section, {}), dict):
            lacking = ours[section] if not name else {name: ours[section][name]}
            made[section] = {**lacking, **made[section]}
    return made

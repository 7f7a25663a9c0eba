"""Emergencies (紧急求助): recall first, with the words that say so.

An ordinary text costs one search for the rules' words; the rules themselves (`normalizers/rules/emergency.toml`, which
explains them) are looked at only where one of their words stands. What they do not alarm at is heard (`classifier.py`):
it may be told in words that no rule has.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import structs

from normalizers.enrich import confidence, mitigation
from normalizers.enrich.confidence import MOST_JUDGED, Confidence
from normalizers.enrich.mitigation import Fumes, Resolution
from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text import classifier
from normalizers.text.classifier import TextClassifier, Told
from normalizers.text.fold import Span, aligned, folded_pieces, without
from normalizers.text.matcher import Words, cover, trie
from normalizers.text.spans import NOWHERE, At, placed
from normalizers.text.weights import Sentence
from schemas.enums import EMERGENCY_CLASSES
from schemas.errors import MisconfiguredError
from schemas.records import Emergency, Finding

# The rules of emergencies, ready to be asked: `rules/emergency.toml`, which explains them, and `rules/heard.tsv`.

ALARM = "alarm"
EXPECTED = (ALARM, "mentioned", "none")

_WITHIN = 14


class Rule(NamedTuple):
    """One rule: its words alarm where one of `near` stands within reach and nothing of `unless` does."""

    classes: tuple[str, ...]
    level: str
    near: re.Pattern[str] | None
    within: int
    unless: re.Pattern[str] | None
    always: bool
    lasting: bool


class Rulebook(NamedTuple):
    """All rules of a folder."""

    version: str
    score: Mapping[str, float]
    harmless: re.Pattern[str]
    words: Words
    rules: Mapping[str, tuple[Rule, ...]]
    cues: Mapping[str, re.Pattern[str]]
    resolution: Resolution
    fumes: Fumes
    hearing: TextClassifier
    confidence: Confidence


@part("emergency.toml", "heard.tsv", "ordinary.tsv")
def rulebook(rules: Rules) -> Rulebook:
    """Compile the rules; raises MisconfiguredError for what is no rule."""
    data = rules.toml("emergency")
    by_word: dict[str, list[Rule]] = {}
    for entry in data["rule"]:
        rule = _rule(entry, data["lists"])
        for word in entry["words"]:
            by_word.setdefault(word, []).append(rule)
    sentences = _sentences(rules)
    hearing = classifier.hearing("emergency", sentences, rules)
    return Rulebook(
        version=data["version"],
        score=data["score"],
        harmless=precompiled.pattern("|".join(data["harmless"]["phrases"])),
        words=Words(by_word),
        rules={word: _with_prefixes(word, by_word) for word in by_word},
        cues={name: precompiled.pattern(pattern or "(?!)") for name, pattern in data["cues"].items()},
        resolution=mitigation.resolution(data["resolution"]),
        fumes=mitigation.fumes(data["fumes"]),
        hearing=hearing,
        confidence=confidence.confidence(data, hearing, sentences),
    )


def _sentences(rules: Rules) -> tuple[Sentence, ...]:
    found = []
    for row in rules.table("heard", ("expected", "classes", "text")):
        classes = tuple(row["classes"].split("/")) if row["expected"] == ALARM else ()
        if row["expected"] not in EXPECTED or not set(classes) <= EMERGENCY_CLASSES.keys():
            marks = f"{row['expected']}, {row['classes']}"
            raise MisconfiguredError(
                f"heard.tsv has a line with unknown marks ({marks}): use {', '.join(EXPECTED)}, and for "
                f"{ALARM} the classes: {', '.join(EMERGENCY_CLASSES)}."
            )
        found.append(Sentence(classes, row["text"]))
    return *classifier.of_both_kinds("heard", found), *classifier.ordinary(rules)


def _rule(entry: Mapping[str, Any], lists: Mapping[str, list[str]]) -> Rule:
    return Rule(
        classes=tuple(entry["classes"]),
        level=entry["level"],
        near=_any_of(entry.get("near", ()), lists),
        within=entry.get("within", _WITHIN),
        unless=_any_of(entry.get("unless", ()), lists),
        always=entry.get("always", False),
        lasting=entry.get("lasting", False),
    )


def _any_of(words: Iterable[str], lists: Mapping[str, list[str]]) -> re.Pattern[str] | None:
    all_words = [one for word in words for one in (lists[word[1:]] if word.startswith("@") else (word,))]
    return precompiled.pattern(trie(all_words)) if all_words else None


def _with_prefixes(word: str, by_word: Mapping[str, list[Rule]]) -> tuple[Rule, ...]:
    """Return the rules of `word` and of every shorter word that it begins with: only the longest is found."""
    return tuple(rule for end in range(1, len(word) + 1) for rule in by_word.get(word[:end], ()))


LEVELS = ("critical", "urgent", "mentioned")
"""Most urgent first."""

_SENTENCE = precompiled.pattern(r"[。!?\n]")
_CLAUSE = precompiled.pattern(r"[,。!?;:、…\n]")
_SPELLED = precompiled.pattern(r" (?<=(?<![\u3400-\u9fff])[\u3400-\u9fff] ) *(?=[\u3400-\u9fff](?![\u3400-\u9fff]))")
"""The blanks of what is written one character at a time: 失 火 了; a blank stands first, so that it is looked for."""

_PHRASE = 24
"""No harmless phrase is longer."""

_OVER = ("past", "aftermath", "habitual")
MOST_WORDS = 5_000
"""So many words of a text are weighed, its first and last ones.

A book pasted into a mail must not keep the next one waiting, and what is the matter stands at either end of it.
"""

MOST_MITIGATED = 3
"""So many windows that are heard may be mitigated by their context; the next one alarms whatever it is."""

_CONTEXT = 40
"""Characters on either side in which the past or a possibility lowers the level."""

_NEIGHBOURHOOD = 80
"""Characters on either side in which a sign against an alarm may stand."""

_CLAUSES_APART = {"aftermath": 1, "habitual": 2}
"""Of these, so many clauses on either side.

What came of it is told beside it, and not at the other end of a complaint that goes on from comma to comma
(医保报销也慢，…，我爸倒地上叫不应).
"""


def screen(text: str, folded: str | None = None, rules: Rules = DEFAULT_RULES) -> Emergency | None:
    """Return the emergency that `text` tells of, if any; `folded` is `fold(text)`, where that is at hand.

    Spans point into `text`.
    """
    return screened_by(rulebook(rules), text, folded)


def screened_by(known: Rulebook, text: str, folded: str | None = None) -> Emergency | None:
    """Return the emergency in `text` by these rules, as `screen` does."""
    may_tell = any(_may_tell(piece, known) for piece in (folded_pieces(text) if folded is None else (folded,)))
    told = _weigh(list(_evidence(text, known)), known) if may_tell else None
    return told if told is not None and told.level == "critical" else _heard(text, told, known)


def _may_tell(folded: str, known: Rulebook) -> bool:
    return known.words.occur(_SPELLED.sub("", folded) if " " in folded else folded)


def mentioned(found: Emergency | None, rules: Rules) -> Emergency | None:
    """Return what words tell that may be another's, or of another day: without spans, as no more than mentioned."""
    if found is None:
        return None
    return structs.replace(found, level="mentioned", score=rulebook(rules).score["mentioned"], spans=())


def together(found: Iterable[Emergency | None]) -> Emergency | None:
    """Return what several texts of one message tell: every class, the most urgent first; the spans of the first."""
    all_found = [one for one in found if one is not None]
    if len(all_found) < 2:
        return all_found[0] if all_found else None
    by_level = sorted(all_found, key=lambda one: LEVELS.index(one.level))
    classes = dict.fromkeys(name for one in by_level for name in one.classes)
    return structs.replace(by_level[0], classes=tuple(classes), spans=all_found[0].spans)


def findings(found: Emergency, title: str | None = None, rules: Rules = DEFAULT_RULES) -> tuple[Finding, ...]:
    """Return an emergency as findings: one a class, and its level, each with the emergency's first span."""
    known, at = rulebook(rules), _first(found, title)
    source = "model" if found.score == known.score["heard"] else "rule"
    return tuple(
        placed(Finding(kind=kind, value=value, score=found.score, source=source, version=known.version), at)
        for kind, value in (*(("emergency", name) for name in found.classes), ("emergency_level", found.level))
    )


def _first(found: Emergency, title: str | None) -> At:
    """Return where the first span stands, which counts from where the title begins, if there is one."""
    behind = len(title) + 1 if title else 0
    if not found.spans:
        return NOWHERE
    start, end = found.spans[0]
    return At(title=(start, min(end, behind - 1))) if start < behind else At(text=(start - behind, end - behind))


class _Evidence(NamedTuple):
    classes: tuple[str, ...]
    level: str
    span: tuple[int, int]


class _Place(NamedTuple):
    """One word in a text, with the sentence and the clause it stands in."""

    text: str
    start: int
    end: int
    sentence: tuple[int, int]
    clause: tuple[int, int]

    def around(self, characters: int) -> str:
        """Return the word with at most so many characters of its sentence on either side."""
        first, last = self.sentence
        return self.text[max(first, self.start - characters) : min(last, self.end + characters)]

    def sides(self, clauses: int | None) -> tuple[str, str]:
        """Return the word with what stands before it, and behind it: `_CONTEXT` characters, and so many clauses."""
        first, last = max(self.sentence[0], self.start - _CONTEXT), min(self.sentence[1], self.end + _CONTEXT)
        if clauses is not None:
            ends = [stop.end() for stop in _CLAUSE.finditer(self.text, first, self.start)]
            first = ends[-clauses - 1] if len(ends) > clauses else first
            ends = [stop.end() for stop in _CLAUSE.finditer(self.text, self.end, last)]
            last = ends[clauses] if len(ends) > clauses else last
        return self.text[first : self.end], self.text[self.start : last]

    def surroundings(self) -> str:
        """Return the word with a clause on either side."""
        before, after = self.sides(1)
        return before + after[self.end - self.start :]

    def neighbourhood(self) -> str:
        """Return the word with `_NEIGHBOURHOOD` characters on either side, of other sentences as well."""
        return self.text[max(0, self.start - _NEIGHBOURHOOD) : self.end + _NEIGHBOURHOOD]


def _weigh(evidence: Sequence[_Evidence], known: Rulebook) -> Emergency | None:
    if not evidence:
        return None
    level = min((one.level for one in evidence), key=LEVELS.index)
    strongest = sorted(evidence, key=lambda one: LEVELS.index(one.level))
    classes = dict.fromkeys(name for one in strongest for name in one.classes)
    spans = sorted({one.span for one in evidence})
    return Emergency(classes=tuple(classes), level=level, spans=tuple(spans), score=known.score[level])


def _heard(text: str, told: Emergency | None, known: Rulebook) -> Emergency | None:
    """Return what is heard, beside `told` where that is surer than what the rules found; else `told` alone."""
    heard = _alarming(text, told.spans if told is not None else (), known)
    if heard is None:
        return told
    level = _level_heard(text, heard, known)
    if LEVELS.index(level) >= LEVELS.index(told.level if told is not None else "mentioned"):
        return told
    told_classes, told_spans = (told.classes, told.spans) if told is not None else ((), ())
    return Emergency(
        classes=tuple(dict.fromkeys((known.hearing.label_of(heard.said), *told_classes))),
        level=level,
        spans=(heard.span, *told_spans),
        score=known.score["heard"],
    )


def _level_heard(text: str, heard: Told, known: Rulebook) -> str:
    plain, offsets = aligned(text)
    place = _place(plain, bisect_left(offsets, heard.span[0]), bisect_left(offsets, heard.span[1]))
    features = known.confidence.features(None, place.surroundings(), place.neighbourhood(), heard.loudness)
    return known.confidence.level(features, is_plain=False)


def _alarming(text: str, read: Sequence[Span], known: Rulebook) -> Told | None:
    """Return the loudest window that nothing mitigates."""
    spans = list(read)
    for _ in range(MOST_MITIGATED):
        heard = known.hearing.told(text, known.harmless, spans)
        if heard is None:
            return None
        plain, offsets = aligned(text)
        place = _place(plain, bisect_left(offsets, heard.span[0]), bisect_left(offsets, heard.span[1]))
        # A window may hold a completion and a new danger behind it: only what is completed in its last clause is over.
        last_of_it = place._replace(start=place.end - 1)
        if not _is_mitigated(place, last_of_it, (known.hearing.label_of(heard.said),), known):
            return heard
        spans.append(heard.span)
    return known.hearing.told(text, known.harmless, spans)


def _evidence(text: str, known: Rulebook) -> Iterator[_Evidence]:
    said, offsets = _read(text)
    spans = known.words.spans(said)
    plain = _covered(said, _weighed(spans), known.harmless)
    judged: dict[tuple[str, str, str], str] = {}
    for start, end in _weighed(spans if plain == said else known.words.spans(plain)):
        place = _place(plain, start, end)
        for rule in known.rules[plain[start:end]]:
            if _applies(rule, place):
                level = _level(rule, place, known)
                level = _confident(level, place, judged, known.confidence)
                yield _Evidence(rule.classes, level, (offsets[start], offsets[end - 1] + 1))


def _confident(level: str, place: _Place, judged: dict[tuple[str, str, str], str], sure: Confidence) -> str:
    """Return the level of an alarm by how sure it is; `judged` surroundings are known, and no more than so many are."""
    if level == "mentioned" or len(judged) > MOST_JUDGED:
        return level
    alarm = level, place.surroundings(), place.neighbourhood()
    if alarm not in judged:
        judged[alarm] = sure.level(sure.features(*alarm), is_plain=sure.is_plain(alarm[-1]))
    return judged[alarm]


def _read(text: str) -> tuple[str, Sequence[int]]:
    """Return a text folded, and where each character stands in `text`; what is spelled out stands together."""
    plain, offsets = aligned(text)
    return without(plain, offsets, _SPELLED.finditer(plain)) if " " in plain else (plain, offsets)


def _weighed(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    half = MOST_WORDS // 2
    return spans if len(spans) <= MOST_WORDS else [*spans[:half], *spans[-half:]]


def _covered(text: str, spans: Iterable[tuple[int, int]], harmless: re.Pattern[str]) -> str:
    """Cover the harmless phrases around the words, character by character, so that offsets stay."""
    windows: list[list[int]] = []
    for start, end in spans:
        if windows and start - _PHRASE <= windows[-1][1]:
            windows[-1][1] = max(windows[-1][1], end + _PHRASE)
        else:
            windows.append([max(0, start - _PHRASE), end + _PHRASE])
    pieces, done = [], 0
    for first, last in windows:
        pieces += [text[done:first], harmless.sub(cover, text[first:last])]
        done = last
    return "".join((*pieces, text[done:]))


def _place(text: str, start: int, end: int) -> _Place:
    return _Place(text, start, end, _between(_SENTENCE, text, start, end), _between(_CLAUSE, text, start, end))


def _between(stop: re.Pattern[str], text: str, start: int, end: int) -> tuple[int, int]:
    """Return the bounds of the piece of text between two stops that holds `start` to `end`."""
    first = max((match.end() for match in stop.finditer(text, max(0, start - 400), start)), default=max(0, start - 400))
    after = stop.search(text, end, end + 400)
    return first, after.end() if after else min(len(text), end + 400)


def _applies(rule: Rule, place: _Place) -> bool:
    if rule.near is not None and rule.near.search(place.around(rule.within)) is None:
        return False
    return rule.unless is None or rule.unless.search(place.text, *place.clause) is None


def _level(rule: Rule, place: _Place, known: Rulebook) -> str:
    cues = known.cues
    before = place.text[place.clause[0] : place.start]
    after = place.text[place.end : place.sentence[1]]
    if cues["denied_before"].search(before) or cues["denied_after"].search(after):
        return "mentioned"
    if _is_mitigated(place, place, rule.classes, known):
        return "mentioned"
    if _is_supposed(place, cues) and not _is_open(place, cues):
        return "mentioned"
    if _is_open(place, cues) or not _is_lowered(rule, place, cues):
        return rule.level
    return "mentioned"


def _is_mitigated(place: _Place, last: _Place, classes: Iterable[str], known: Rulebook) -> bool:
    """Return True for smoke of an ordinary source at `place`, and for thanks for the end of the danger at `last`."""
    if known.fumes.covers(place.text, (place.start, place.end), place.sentence):
        return True
    return known.resolution.covers(place.text, (last.start, last.end), classes)


def _is_supposed(place: _Place, cues: Mapping[str, re.Pattern[str]]) -> bool:
    """Return True for a danger of a question, a comparison or the news: both sides of it must say so, or the news."""
    if cues["news_after"].match(place.text[place.end : place.sentence[1]]):
        return True
    before = cues["supposed_before"].search(place.text[place.clause[0] : place.start])
    return before is not None and cues["supposed_after"].match(place.text[place.end : place.sentence[1]]) is not None


def _is_open(place: _Place, cues: Mapping[str, re.Pattern[str]]) -> bool:
    """Say whether it goes on now, whatever else the sentence tells of the past."""
    if cues["present"].search(place.text, *place.clause) or cues["still"].search(place.text, *place.sentence):
        return True
    first, last = place.clause
    before = max(_between(_CLAUSE, place.text, first - 1, first - 1)[0] if first else 0, place.sentence[0])
    if cues["just"].search(place.text, before, first) is None:
        return False
    return not any(cues[name].search(place.text, first, last) for name in (*_OVER, "yesterday"))


def _is_lowered(rule: Rule, place: _Place, cues: Mapping[str, re.Pattern[str]]) -> bool:
    if rule.always:
        return any(cues[name].search(place.text, *place.clause) for name in ("past", "yesterday"))
    before, after = place.sides(None)
    if cues["possible_before"].search(before) or cues["possible_after"].search(after[place.end - place.start :]):
        return True
    over = _OVER if rule.lasting else (*_OVER, "yesterday")
    return any(cues[name].search(text) for name in over for text in place.sides(_CLAUSES_APART.get(name)))

"""The measured sentences: hardly an emergency is missed, hardly an ordinary message alarms."""

from pathlib import Path

from benchmarks.emergency import (
    FRESH,
    HIDDEN,
    INDIRECT,
    MORE_STRANGERS,
    RESOLVED,
    STRANGERS,
    THIRD_STRANGERS,
    TOLD,
    UNSEEN,
    VIVID,
    cases,
    figures,
    levels,
    messages,
    screened,
)

MIN_RECALL = 0.98
MIN_RECALL_HELD_OUT = 0.95
MIN_RECALL_FRESH = 0.9
MIN_RECALL_STRANGERS = 0.8
MIN_RECALL_HARD = 0.65
MIN_RECALL_HIDDEN = 0.7
MAX_FALSE_ALARMS = 0.03
MAX_FALSE_ALARMS_HIDDEN = 0.1
MAX_FALSE_ALARMS_TOLD = 0.05
MAX_FALSE_ALARMS_RESOLVED = 0.03
MAX_CRITICAL_THIRD = 0.005
MAX_CRITICAL_MEASURED = 0.01
MIN_CRITICAL_MEASURED = 0.6
CASES = cases()


def test_the_set_is_large_and_covers_both_sides() -> None:
    assert len({case.text for case in CASES}) == len(CASES) >= 400
    assert sum(case.expected == "alarm" for case in CASES) >= 180
    assert sum(case.expected != "alarm" for case in CASES) >= 220
    assert {case.expected for case in CASES} == {"alarm", "mentioned", "none"}


def test_what_is_seen_and_not_named_alarms() -> None:
    fresh = cases(FRESH)
    assert len({case.text for case in fresh}) == len(fresh) >= 120
    assert {case.text for case in fresh}.isdisjoint(case.text for case in CASES)
    assert figures(fresh).recall >= MIN_RECALL_FRESH


def test_what_citizens_tell_alarms() -> None:
    told = figures(cases(TOLD))
    assert (told.emergencies, told.quiet) == (150, 75)
    assert told.recall >= MIN_RECALL
    assert told.false_alarms / told.quiet <= MAX_FALSE_ALARMS_TOLD


def test_what_is_over_and_thanked_for_fumes_and_lost_things_raise_few_alarms() -> None:
    resolved = figures(cases(RESOLVED))
    assert (resolved.emergencies, resolved.quiet) == (76, 144)
    assert resolved.recall >= MIN_RECALL
    assert resolved.false_alarms / resolved.quiet <= MAX_FALSE_ALARMS_RESOLVED


def test_ordinary_messages_of_another_hand_raise_few_critical_alarms() -> None:
    third = cases(THIRD_STRANGERS)
    made = figures(third)
    assert (made.emergencies, made.quiet) == (60, 400)
    assert made.recall == 1.0
    found = [screened(case.text) for case in third if case.expected == "none"]
    critical = sum(one is not None and one.level == "critical" for one in found)
    assert critical / made.quiet <= MAX_CRITICAL_THIRD


def test_critical_is_seldom_wrong_on_lists_that_nobody_reads() -> None:
    measured = [case for path in (INDIRECT, UNSEEN, STRANGERS, MORE_STRANGERS, HIDDEN, VIVID) for case in cases(path)]
    critical = [case.expected == "alarm" for case in measured if _level(case.text) == "critical"]
    emergencies = sum(case.expected == "alarm" for case in measured)
    assert critical.count(False) <= MAX_CRITICAL_MEASURED * (len(measured) - emergencies)
    assert critical.count(True) >= MIN_CRITICAL_MEASURED * emergencies


def _level(text: str) -> str | None:
    found = screened(text)
    return found.level if found is not None else None


def test_the_hard_sets_are_others() -> None:
    known = {case.text for case in [*CASES, *cases(FRESH), *cases(TOLD)]}
    for hard in (INDIRECT, UNSEEN, STRANGERS, MORE_STRANGERS, VIVID):
        assert known.isdisjoint(case.text for case in cases(hard))


def test_words_that_no_rule_has_are_heard() -> None:
    assert figures(cases(INDIRECT)).recall >= MIN_RECALL_HARD
    assert figures(cases(UNSEEN)).recall >= MIN_RECALL_HARD
    for path, emergencies, quiet in ((STRANGERS, 130, 170), (MORE_STRANGERS, 150, 169), (VIVID, 200, 220)):
        strangers = figures(cases(path))
        assert (strangers.emergencies, strangers.quiet) == (emergencies, quiet)
        assert strangers.recall >= MIN_RECALL_STRANGERS


def test_what_stands_between_the_commas_of_a_complaint_alarms() -> None:
    hidden = figures(cases(HIDDEN))
    assert hidden.recall >= MIN_RECALL_HIDDEN
    assert hidden.false_alarms / hidden.quiet <= MAX_FALSE_ALARMS_HIDDEN


def test_emergencies_are_seen() -> None:
    assert figures(CASES).recall >= MIN_RECALL
    assert figures(case for case in CASES if not case.development).recall >= MIN_RECALL_HELD_OUT


def test_tempting_words_raise_few_alarms() -> None:
    made = figures(CASES)
    assert made.false_alarms / made.quiet <= MAX_FALSE_ALARMS


def test_what_is_past_or_denied_is_lowered_and_kept() -> None:
    made = figures(case for case in CASES if case.expected == "mentioned")
    assert made.false_alarms == 0
    assert made.kept >= 0.9 * made.told


def test_ordinary_messages_raise_few_alarms(data: Path) -> None:
    counted = [(len(texts), levels(texts)[0]) for name, texts in messages(data) if name.startswith("messages/")]
    assert sum(alarms for _, alarms in counted) <= MAX_FALSE_ALARMS * sum(count for count, _ in counted)

"""The rungs as queries: what each asks for, and that a lower one leaves out what is above it."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.search.facets import interval
from hotline.search.ladder import RESTRICTED, Ladder, ladder
from hotline.search.page import cursor_behind, request
from hotline.search.synonyms import Table, load
from schemas import ids
from schemas.errors import MisconfiguredError
from tickets.search import Filters, Query

AT = datetime(2026, 11, 24, tzinfo=UTC)
TABLE = Table([["暖气", "供暖"], ["公交", "巴士"], ["公积金", "住房公积金"]])


def asked(text: str, **more: Any) -> Ladder:
    return ladder(Query(text=text, **more), TABLE)


def phrases(clause: Any, field: str = "search_text") -> list[str]:
    """Return the phrases that a clause asks for in a field, in their order."""
    if isinstance(clause, list):
        return [one for each in clause for one in phrases(each, field)]
    if not isinstance(clause, dict):
        return []
    own = [clause["match_phrase"][field]] if field in clause.get("match_phrase", {}) else []
    return own + [one for key, each in clause.items() if key != "match_phrase" for one in phrases(each, field)]


def test_a_word_is_asked_as_written_or_by_a_synonym_which_is_shown_and_can_be_taken_back() -> None:
    found = asked("小区暖气 中山路")
    assert phrases(found.words["bool"]["must"]) == ["小区暖气", "小区供暖", "中山路"]
    assert [(one.word, one.also) for one in found.synonyms] == [("暖气", ("供暖",))]
    plain = asked("小区暖气 中山路", as_written=("暖氣",))
    assert phrases(plain.words["bool"]["must"]) == ["小区暖气", "中山路"]
    assert plain.synonyms == ()


def test_an_exact_phrase_has_no_synonym_and_no_sound() -> None:
    found = asked('"暖气"')
    assert phrases(found.words["bool"]["must"]) == ["暖气"]
    assert (found.synonyms, found.sounds) == ((), None)


def test_sounds_are_asked_for_by_syllables_without_what_is_written_so() -> None:
    found = asked("付家庄 暖气")
    assert found.sounds is not None
    assert phrases(found.sounds["bool"]["must"], "search_sound") == ["fu jia zhuang", "nuan qi"]
    assert phrases(found.sounds["bool"]["must_not"]) == ["付家庄", "暖气", "供暖"]
    latin = asked("gongjiao").sounds
    assert latin is not None
    assert "gong jiao" in phrases(latin["bool"]["must"], "search_sound")
    assert asked("灯").sounds is None, "one syllable stands for too much"
    assert asked("wifi").sounds is None


def test_most_of_a_long_word_is_asked_for_by_its_words_and_pairs() -> None:
    assert asked("公积金提").most is None, "four characters"
    found = asked("请问傅家庄暖气怎么交费")
    assert found.most is not None
    (most,) = found.most["bool"]["must"]
    told = json.dumps(most, ensure_ascii=False)
    assert [pair in told for pair in ("傅 家", "家 庄", "供暖", "交 费", "请 问", "庄 暖")] == [True] * 4 + [False] * 2
    assert most["bool"]["minimum_should_match"] == 2, "60 % of four, and two at least"
    assert phrases(found.marked) == ["傅家", "家庄", "暖气", "供暖", "交费"]


@pytest.mark.parametrize(("sight", "hidden"), [("masked", True), ("clear", True), ("restricted", False)])
@pytest.mark.parametrize("text", ["付家庄的暖气不热", "", ids.ticket_no("210100", AT, 1)])
def test_a_restricted_ticket_is_on_no_rung_without_the_right(text: str, sight: Any, hidden: bool) -> None:
    found = asked(text, sight=sight)
    rungs = [one for one in (found.words, found.sounds, found.most) if one is not None]
    assert [RESTRICTED in one["bool"]["must_not"] for one in rungs] == [hidden] * len(rungs)


def test_several_values_of_a_filter_are_alternatives_and_a_place_may_be_unknown() -> None:
    chosen = Filters(channel=("sms", "web"), adcode=("2101", ""), jurisdiction=("210100",))
    clauses = asked("", filters=chosen).words["bool"]["filter"]
    assert {"terms": {"channel": ["sms", "web"]}} in clauses
    assert {"terms": {"jurisdiction": ["210100"]}} in clauses
    (place,) = [one["bool"]["should"] for one in clauses if "bool" in one]
    assert place == [
        {"prefix": {"location.adcode": "2101"}},
        {"bool": {"must_not": {"exists": {"field": "location.adcode"}}}},
    ]


def test_a_page_goes_on_behind_the_last_hit_and_refuses_the_cursor_of_another_search() -> None:
    query = Query(text="路灯", rung="words", limit=1)
    after = cursor_behind([{"sort": [1, "210100-a"]}], query, "words")
    rungs = asked("路灯")
    again = Query(text="路灯", rung="words", limit=1, after=after)
    assert request(again, rungs, "words", {})["search_after"] == [1, "210100-a"]
    for other in (
        Query(text="路灯", rung="words", after=after, sort="deadline"),
        Query(text="路灯", rung="words", after=after, fold_incidents=True),
        Query(text="路灯", rung="words", after="e30"),
        Query(text="路灯", rung="words", after="路灯"),
    ):
        with pytest.raises(MisconfiguredError, match="another search"):
            request(other, rungs, "words", {})
    with pytest.raises(MisconfiguredError, match="another search"):
        request(again, rungs, "sounds", {})


@given(st.text(max_size=40), st.text(max_size=40).map(lambda text: b64encode(text.encode()).decode()))
def test_any_text_is_a_question_and_any_other_cursor_is_refused(text: str, after: str) -> None:
    found = asked(text)
    assert json.dumps([found.words, found.sounds, found.most])
    for cursor in (text, after):
        with pytest.raises(MisconfiguredError):
            request(Query(text=text, after=cursor, rung="words"), found, "words", {})


def test_pages_of_folded_incidents_are_counted_and_end_at_a_thousand() -> None:
    query = Query(fold_incidents=True, limit=400)
    after = cursor_behind([{}] * 400, query, "words")
    second = Query(fold_incidents=True, limit=400, after=after)
    assert request(second, asked(""), "words", {})["from"] == 400
    assert cursor_behind([{}] * 400, second, "words") is None
    with pytest.raises(MisconfiguredError, match="export"):
        request(Query(fold_incidents=True, limit=400, skip=601), asked(""), "words", {})


def test_a_search_is_limited_in_time_and_less_with_facets() -> None:
    assert request(Query(), asked(""), "words", {})["timeout"] == "2s"
    with_facets = request(Query(), asked(""), "words", {"channel": {}})
    assert (with_facets["timeout"], with_facets["aggs"]) == ("300ms", {"channel": {}})


@pytest.mark.parametrize(("days", "chosen"), [(None, "month"), (7, "day"), (90, "week"), (800, "month")])
def test_the_time_line_has_days_weeks_or_months_by_its_span(days: int | None, chosen: str) -> None:
    begun = None if days is None else AT - timedelta(days=days)
    assert interval(Filters(received_from=begun), AT) == chosen


def test_a_city_adds_synonyms_and_a_line_of_one_word_is_refused(tmp_path: Path) -> None:
    (tmp_path / "synonyms.txt").write_text("# 本地\n浑南新城 浑南中心区\n", "utf-8")
    table = load(tmp_path)
    assert table.variants("浑南新城") == ["浑南中心区"]
    assert "供暖" in table.variants("暖气"), "those of the program stay"
    (tmp_path / "synonyms.txt").unlink()
    other = tmp_path / "other"
    other.mkdir()
    for wrong in ("孤单\n", "灯 路灯\n"):
        (other / "synonyms.txt").write_text(wrong, "utf-8")
        load.__globals__["_load"].cache_clear()
        with pytest.raises(MisconfiguredError, match="Line 1"):
            load(other)

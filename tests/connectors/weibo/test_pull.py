"""Lists within the quota: nothing lost, nothing doubled, whatever the platform does; on a clock of the test's own."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from connectors.weibo.models import Status, parse
from connectors.weibo.pull import WeiboPull
from connectors.weibo.settings import WeiboPullSettings
from schemas.errors import MisconfiguredError, RetriableError, ThrottledError, UnauthorizedError, UnreachableError
from schemas.records import Cursor
from tests.connectors.weibo.pulling import BEGAN, Clock, Runner, ids
from tests.peers.weibo_platform import EXPIRED, GOOD, REACHABLE, Platform, session

MENTIONS, COMMENTS, SHOWN = "/2/statuses/mentions.json", "/2/comments/to_me.json", "/2/comments/mentions.json"
MESSAGES = "/2/direct_messages.json"
DAY = 86_400


@pytest.fixture
def platform() -> Platform:
    return Platform()


def ready(platform: Platform, **changes: Any) -> Runner:
    """Return a runner that has taken what was there."""
    runner = Runner(platform, **changes)
    runner.round()
    platform.calls.clear()
    return runner


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"hotline_connectors_weibo_{name}", {"connector": "city_lists"} | labels) or 0


# What comes


def test_every_list_brings_its_kind(platform: Platform) -> None:
    every = {MENTIONS: "status", COMMENTS: "comment", SHOWN: "comment", MESSAGES: "dm"}
    wanted = {f"{kind}:{platform.post(path, uid=9)['idstr']}" for path, kind in every.items()}
    runner = Runner(platform, lists=["mentions", "comments_to_me", "comments_mentions", "direct_messages"])
    messages = runner.round()
    assert set(ids(messages)) == wanted
    assert {message.envelope.channelkind for message in messages} == {"weibo_mention", "weibo_comment", "weibo_dm"}
    for message in messages:
        assert (message.envelope.source, message.envelope.sender) == ("/hotline/weibo/city_lists", "9")
        assert message.conversation == "city_lists\n9"
        assert message.envelope.time != message.envelope.recordedtime
        assert msgspec.json.decode(message.value)["text"]


def test_items_come_oldest_first_with_the_bytes_that_the_platform_wrote(platform: Platform) -> None:
    runner = ready(platform, page_size=5)
    posts = [platform.post(text=f"路灯坏了{number}💡") for number in range(12)]
    messages = runner.next_round()
    assert ids(messages) == [f"status:{post['idstr']}" for post in posts]
    assert [msgspec.json.decode(message.value) for message in messages] == posts


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "5200000000000000", "idstr": None},
        {"id": 5200000000000000.0, "idstr": None},
        {"user": None},
        {"deleted": "1", "user": None, "text": "抱歉，此微博已被作者删除"},
        {"retweeted_status": None},
        {"created_at": None},
        {"text": "字" * 10_000},
    ],
    ids=str,
)
def test_odd_items_are_published_once_and_hold_up_nobody(platform: Platform, odd: dict[str, Any]) -> None:
    runner = ready(platform)
    platform.post(**odd)
    later = platform.post()
    messages = runner.next_round()
    assert len(messages) == 2
    assert f"status:{later['idstr']}" in ids(messages)
    assert runner.next_round() == []


def test_an_item_without_an_id_is_named_by_its_bytes_and_comes_once(platform: Platform) -> None:
    runner = ready(platform)
    platform.items[MENTIONS].insert(0, {"text": "没有编号", "idstr": None, "id": 5.1e30, "mid": None})
    platform.raw = msgspec.json.encode({"statuses": platform.items[MENTIONS], "total_number": 1})
    (message,) = runner.next_round()
    assert len(message.envelope.id) == len("status:") + 64
    assert runner.next_round() == []


def test_an_id_that_no_number_holds_is_none() -> None:
    raw = msgspec.Raw(msgspec.json.encode({"text": "路灯坏了", "idstr": "9" * 5000}))
    page = parse(Status, [raw], None)
    assert (page[0].id, page.ids(), page.max_id) == (None, [], None)


def test_an_item_that_the_platform_lists_twice_comes_once(platform: Platform) -> None:
    runner = ready(platform)
    post = platform.post()
    platform.items[MENTIONS].insert(0, post)
    assert ids(runner.next_round()) == [f"status:{post['idstr']}"]


def test_ids_decide_the_order_and_not_clocks(platform: Platform) -> None:
    runner = ready(platform)
    days = ("Wed Nov 25 09:00:00 +0800 2026", "Mon Nov 23 09:00:00 +0800 2026", "Sun Feb 07 06:28:15 +0800 2038")
    posts = [platform.post(created_at=day)["idstr"] for day in days]
    messages = runner.next_round()
    assert ids(messages) == [f"status:{identifier}" for identifier in posts]
    assert messages[2].envelope.time == messages[2].envelope.recordedtime  # no citizen writes in 2038


# Pages


def test_posts_that_arrive_while_pages_turn_are_neither_lost_nor_doubled(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = ready(platform, page_size=10, lists=["mentions"])
    posts = [platform.post()["idstr"] for _ in range(25)]
    listed = platform.listed

    def drifting(path: str, query: dict[str, str]) -> tuple[int, Any]:
        answer = listed(path, query)
        if len(posts) < 30:
            posts.append(platform.post()["idstr"])
        return answer

    monkeypatch.setattr(platform, "listed", drifting)  # somebody writes between two pages
    found = [message for _ in range(3) for message in runner.next_round()]
    assert ids(found) == [f"status:{identifier}" for identifier in posts]


def test_a_status_that_was_edited_comes_again_under_a_name_of_its_own_and_once(platform: Platform) -> None:
    runner = ready(platform, page_size=5)
    first = platform.post(text="幸福路9号的路灯坏了")
    for _ in range(7):
        platform.post()
    assert len(runner.next_round()) == 8
    last = platform.items[MENTIONS][3]
    first |= {"text": "幸福路9号的路灯坏了，有人摔伤", "edit_count": 1}  # no page of the next round shows it
    last |= {"text": "幸福路19号的路灯坏了", "edit_count": 1, "edit_at": "Wed Nov 25 09:30:00 +0800 2026"}
    (again,) = runner.next_round()
    assert again.envelope.id == f"status:{last['idstr']}:edit1"
    assert again.envelope.time == datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
    assert msgspec.json.decode(again.value) == last
    last |= {"text": "幸福路19号的路灯和井盖坏了", "edit_count": 2}
    newer = platform.post()
    assert ids(runner.next_round()) == [f"status:{last['idstr']}:edit2", f"status:{newer['idstr']}"]
    assert runner.next_round() == []


def test_where_all_of_a_page_was_edited_no_old_item_comes_again(platform: Platform) -> None:
    for _ in range(12):
        platform.post()
    runner = ready(platform, page_size=3, history_pages=9)
    for post in platform.items[MENTIONS][:3]:
        post["edit_count"] = 1
    assert len(runner.next_round()) == 3
    del platform.items[MENTIONS][:2]  # what is older moves up into the page
    assert runner.next_round() == []
    platform.post()
    assert len(runner.next_round()) == 1


def test_a_status_that_becomes_visible_late_is_seen_by_its_lower_id(platform: Platform) -> None:
    runner = ready(platform)
    late = platform.post()
    platform.items[MENTIONS].remove(late)
    platform.post()
    assert len(runner.next_round()) == 1
    platform.items[MENTIONS].insert(1, late)
    assert ids(runner.next_round()) == [f"status:{late['idstr']}"]
    assert runner.next_round() == []


@pytest.mark.parametrize("place", [0, 2, 4])
def test_an_item_that_stands_higher_than_its_id_hides_none_below_it(
    platform: Platform, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = platform.post()
    platform.items[MENTIONS].remove(late)
    platform.post()
    runner = ready(platform, lists=["mentions"], page_size=5)
    posts = [platform.post()["idstr"] for _ in range(12)]
    listed = platform.listed

    def topped(path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Show the late one higher, as a list may that goes by when an item was shown, or that pins one."""
        status, body = listed(path, query)
        if "max_id" not in query:
            shown = body["statuses"][:-1]
            body = body | {"statuses": [*shown[:place], late, *shown[place:]]}
        return status, body

    monkeypatch.setattr(platform, "listed", topped)  # as above
    found = ids(runner.next_round())
    assert [f"status:{identifier}" for identifier in posts] == [one for one in found if late["idstr"] not in one]
    assert runner.complaints == ()


def test_deleted_posts_change_nothing_for_the_others(platform: Platform) -> None:
    for _ in range(5):
        platform.post()
    runner, gaps = ready(platform, page_size=3), metric("gaps_total", list="mentions")
    platform.items[MENTIONS] = platform.items[MENTIONS][3:]
    new = platform.post()
    assert ids(runner.next_round()) == [f"status:{new['idstr']}"]
    assert metric("gaps_total", list="mentions") == gaps


def test_everything_deleted_is_no_gap(platform: Platform) -> None:
    platform.post()
    runner = ready(platform)
    platform.items[MENTIONS].clear()
    platform.post()
    assert len(runner.next_round()) == 1
    assert runner.complaints == ()


def test_a_gap_beyond_the_reachable_pages_is_told_and_what_is_reachable_comes(platform: Platform) -> None:
    platform.post()
    runner, gaps = ready(platform, lists=["mentions"]), metric("gaps_total", list="mentions")
    for _ in range(REACHABLE + 200):
        platform.post()
    assert len(runner.next_round()) == REACHABLE
    assert metric("gaps_total", list="mentions") == gaps + 1
    (sentence,) = runner.complaints
    assert "mentions (@我的微博) between 11-24 10:00 and 11-24 10:03 were out of reach" in sentence
    runner.next_round()
    assert runner.complaints == (sentence,)
    runner.clock.at += 8 * DAY
    runner.next_round()
    assert runner.complaints == ()


def lagging(platform: Platform, total: int) -> None:
    """Let the platform count so many items of whatever list, as it did some time ago."""
    listed = platform.listed

    def counting(path: str, query: dict[str, str]) -> tuple[int, Any]:
        status, body = listed(path, query)
        return status, body | {"total_number": total}

    platform.listed = counting  # type: ignore[method-assign] # a platform of this test alone


@pytest.mark.parametrize("total", [0, 15, 20, 25, 39])
def test_a_number_that_lags_behind_ends_no_walk_before_what_is_known(platform: Platform, total: int) -> None:
    platform.post()
    runner, gaps = ready(platform, lists=["mentions"], page_size=20), metric("gaps_total", list="mentions")
    posts = [platform.post()["idstr"] for _ in range(45)]
    lagging(platform, total)
    assert ids(runner.next_round()) == [f"status:{identifier}" for identifier in posts]
    assert metric("gaps_total", list="mentions") == gaps


def hiding(platform: Platform, hidden: set[str]) -> None:
    """Let the platform count its pages off first, and leave these out then."""
    listed = platform.listed

    def shown(path: str, query: dict[str, str]) -> tuple[int, Any]:
        status, body = listed(path, query)
        return status, body | {"statuses": [one for one in body["statuses"] if one["idstr"] not in hidden]}

    platform.listed = shown  # type: ignore[method-assign] # a platform of this test alone


@pytest.mark.parametrize(("empty", "is_gap"), [(1, False), (2, False), (3, True)])
def test_pages_of_which_nothing_is_shown_end_no_walk_before_what_is_known(
    platform: Platform, empty: int, *, is_gap: bool
) -> None:
    platform.post()
    runner, gaps = ready(platform, lists=["mentions"], page_size=10), metric("gaps_total", list="mentions")
    posts = [platform.post()["idstr"] for _ in range(60)]
    hiding(platform, hidden := set(posts[-10 - 10 * empty : -10]))
    shown = [identifier for identifier in posts if identifier not in hidden]
    found = ids(runner.next_round())
    assert found == [f"status:{identifier}" for identifier in (shown[-10:] if is_gap else shown)]
    assert metric("gaps_total", list="mentions") == gaps + is_gap


def test_a_first_page_of_which_nothing_is_shown_hides_none_behind_it(platform: Platform) -> None:
    """A wave of advertisements is taken away: what citizens wrote before it stands behind an empty page."""
    platform.post()
    runner = ready(platform, lists=["mentions"], page_size=10)
    posts = [platform.post()["idstr"] for _ in range(30)]
    hiding(platform, set(posts[-10:]))
    assert ids(runner.next_round()) == [f"status:{identifier}" for identifier in posts[:-10]]
    assert runner.next_round() == []
    newest = platform.post()["idstr"]
    assert ids(runner.next_round()) == [f"status:{newest}"]


@pytest.mark.parametrize("total", [REACHABLE - 50, REACHABLE, REACHABLE + 200])
def test_what_is_out_of_reach_is_a_gap_whatever_number_is_told(platform: Platform, total: int) -> None:
    platform.post()
    runner, gaps = ready(platform, lists=["mentions"]), metric("gaps_total", list="mentions")
    for _ in range(REACHABLE + 200):
        platform.post()
    lagging(platform, total)
    assert len(runner.next_round()) == REACHABLE
    assert metric("gaps_total", list="mentions") == gaps + 1


def test_no_more_pages_are_asked_for_than_allowed(platform: Platform) -> None:
    platform.post()
    runner = ready(platform, lists=["mentions"], page_size=10, pages_max=3)
    for _ in range(100):
        platform.post()
    assert len(runner.next_round()) == 30
    assert platform.spent()[MENTIONS] == 3
    assert len(runner.complaints) == 1


def test_a_platform_that_gives_the_same_page_again_and_again_is_left(platform: Platform) -> None:
    posts = [platform.post() for _ in range(3)]
    runner = ready(platform, lists=["mentions"])
    new = [dict(post, idstr=str(int(post["idstr"]) + 100), id=int(post["idstr"]) + 100) for post in posts]
    platform.raw = msgspec.json.encode({"statuses": new[::-1], "total_number": 99})
    assert len(runner.next_round()) == 3
    assert len(platform.calls) <= 3


def test_a_first_start_takes_as_much_history_as_it_is_told(platform: Platform) -> None:
    for _ in range(25):
        platform.post()
    assert len(Runner(platform, page_size=10).round()) == 10
    assert len(Runner(platform, page_size=10, history_pages=2).round()) == 20
    assert Runner(platform, page_size=10).complaints == ()


def test_a_restart_goes_on_where_the_cursor_is(platform: Platform) -> None:
    first = ready(platform)
    platform.post()
    first.next_round()
    platform.post()
    second = Runner(platform)
    second.cursor = msgspec.json.decode(msgspec.json.encode(first.cursor), type=type(first.cursor))
    assert len(second.round()) == 1


def test_what_comes_to_a_list_that_was_empty_at_first_is_no_history(platform: Platform) -> None:
    chosen: dict[str, Any] = {"page_size": 10, "lists": ["mentions", "comments_to_me"]}
    first = ready(platform, **chosen)
    platform.post(COMMENTS)
    first.next_round()
    posts = [platform.post()["idstr"] for _ in range(25)]
    second = Runner(platform, **chosen)
    second.cursor = msgspec.json.decode(msgspec.json.encode(first.cursor), type=type(first.cursor))
    assert ids(second.round()) == [f"status:{identifier}" for identifier in posts]


# Faults


def test_what_kafka_did_not_take_is_given_again_at_once_and_costs_no_call(platform: Platform) -> None:
    runner = ready(platform)
    platform.post()
    while not runner.connector.wait(1.0):
        pass
    given = runner.connector.fetch(runner.cursor)
    asked = len(platform.calls)
    for _ in range(3):
        _reconnect(runner)
        assert runner.connector.fetch(runner.cursor) == given
    assert len(given.messages) == 1
    assert len(platform.calls) == asked
    runner.cursor = given.cursor
    _reconnect(runner)
    assert runner.next_round() == []


def test_what_another_process_published_meanwhile_is_not_given_again(platform: Platform) -> None:
    runner = ready(platform)
    platform.post()
    other = Runner(platform)
    other.cursor = runner.cursor
    while not runner.connector.wait(1.0):
        pass
    runner.connector.fetch(runner.cursor)
    assert len(other.round()) == 1
    _reconnect(runner)
    runner.cursor = other.cursor
    assert runner.next_round() == []


def test_hours_without_a_network_cost_no_call(platform: Platform) -> None:
    platform.reset_in = 0  # the platform does not say
    runner = ready(platform, calls_per_day=100)
    platform.post()
    left = metric("calls_left")
    runner.clock.at += 100
    platform.faults = ["away"] * 10_000
    for _ in range(200):
        with pytest.raises(UnreachableError, match="no connection"):
            runner.fetch()
        _reconnect(runner, after=61)
    assert metric("calls_left") == left
    platform.faults = []
    assert len(runner.round()) == 1


def test_a_long_fault_of_the_platform_leaves_calls_for_after_it(platform: Platform) -> None:
    platform.reset_in = 0
    runner = ready(platform, calls_per_day=100)
    platform.post()
    runner.clock.at += 100
    platform.faults = ["html"] * 10_000
    waits = []
    while runner.clock.at < BEGAN + 5 * 3600:
        with pytest.raises(RetriableError) as caught:
            runner.fetch()
        waits.append(max(60.0, getattr(caught.value, "retry_after", 0)))
        _reconnect(runner, after=waits[-1])
    assert waits[:3] == [60, 60, 60]
    assert max(waits) < 1200, "not until midnight"
    platform.faults = []
    assert len(runner.round()) == 1


def _reconnect(runner: Runner, after: float = 0) -> None:
    """Do what the daemon does after a fault."""
    runner.connector.close()
    runner.clock.at += after
    runner.connector.open()


@pytest.mark.parametrize("fault", ["html", "drop"])
def test_a_walk_that_breaks_goes_on_and_asks_for_no_page_twice(platform: Platform, fault: str) -> None:
    runner = ready(platform, page_size=10, lists=["mentions"])
    posts = [platform.post()["idstr"] for _ in range(35)]
    before = runner.cursor
    while not runner.connector.wait(1.0):
        pass
    platform.faults = ["", "", fault]
    with pytest.raises(UnreachableError) as caught:
        runner.fetch()
    assert GOOD not in str(caught.value)
    assert runner.cursor == before
    runner.connector.close()
    runner.connector.open()
    assert ids(runner.round()) == [f"status:{identifier}" for identifier in posts]
    asked = [query.get("max_id") for path, query in platform.calls if path == MENTIONS]
    assert len(asked) == len(set(asked)) == 4


def test_a_list_that_always_breaks_does_not_keep_the_others_waiting(platform: Platform) -> None:
    runner = ready(platform, lists=["mentions", "comments_to_me"])
    comment = platform.post(COMMENTS)
    while not runner.connector.wait(1.0):
        pass
    platform.faults = ["html"]
    with pytest.raises(UnreachableError):
        runner.fetch()
    assert ids(list(runner.fetch().messages)) == [f"comment:{comment['idstr']}"]


def test_a_list_that_is_not_given_is_a_complaint_and_the_others_go_on(platform: Platform) -> None:
    platform.forbidden = {COMMENTS}
    platform.post()
    runner = Runner(platform)
    assert len(runner.round()) == 1
    (sentence,) = runner.complaints
    assert "comments_to_me (收到的评论) is not given (HTTP 403, error_code 10014)" in sentence
    for _ in range(3):
        runner.clock.at += 100
        runner.round()
    assert platform.spent()[COMMENTS] == 1  # it rests
    platform.forbidden = set()
    runner.clock.at += 3600
    runner.round()
    assert runner.complaints == ()


def test_when_no_list_is_given_that_is_a_fault(platform: Platform) -> None:
    platform.forbidden = {MENTIONS, COMMENTS}
    runner = Runner(platform, lists=["mentions", "comments_to_me"])
    with pytest.raises(ThrottledError, match="is not given"):
        runner.round()
    assert len(platform.calls) == 2


# The quota


def test_the_calls_of_a_day_are_spread_over_it(platform: Platform) -> None:
    platform.reset_in = 0  # the platform does not say
    platform.quota = 10_000
    runner = Runner(platform, clock=Clock(BEGAN - BEGAN % DAY + 16 * 3600), calls_per_day=100)  # midnight in China
    end = runner.clock.at + DAY
    rounds = 0
    while runner.clock.at < end - 1:
        runner.next_round()
        assert runner.complaints == ()  # as planned
        rounds += 1
    assert 30 <= rounds <= 34
    assert 90 <= len(platform.calls) <= 100


def test_a_walk_over_many_pages_is_paid_by_later_rounds(platform: Platform) -> None:
    platform.reset_in = DAY
    runner = ready(platform, page_size=1, pages_max=50, lists=["mentions"], calls_per_day=100)
    quiet = _pause(runner)
    for _ in range(20):
        platform.post()
    runner.next_round()
    assert _pause(runner) > quiet * 1.2


def _pause(runner: Runner) -> float:
    before = runner.clock.at
    while not runner.connector.wait(1.0):
        pass
    runner.round()
    return runner.clock.at - before


def test_the_platform_s_own_word_of_what_is_left_counts(platform: Platform) -> None:
    platform.quota, platform.reset_in = 12, 3600
    runner = Runner(platform, calls_per_day=10_000)
    runner.round()
    assert metric("calls_left") == 9
    assert metric("quota_reset_timestamp_seconds") == BEGAN + 3600
    assert _pause(runner) == pytest.approx(3600 / 3, rel=0.01)


def test_with_little_left_a_person_is_told_in_one_unchanging_sentence(platform: Platform) -> None:
    platform.reset_in = 13 * 3600
    runner = ready(platform, calls_per_day=100, page_size=1, pages_max=100)
    assert runner.complaints == ()
    for _ in range(40):
        platform.post()
    said = set()
    for _ in range(2):
        runner.next_round()
        said.add(runner.complaints)
    ((sentence,),) = said
    assert "few calls are left until 11-25 23:00" in sentence
    runner.clock.at += 13 * 3600
    runner.next_round()
    assert runner.complaints == ()


def test_a_used_up_quota_sleeps_until_it_begins_anew_and_keeps_the_checkpoint(platform: Platform) -> None:
    runner = ready(platform, calls_per_day=100_000)
    platform.post()
    platform.quota, platform.reset_in = 0, 1415
    runner.clock.at += 100
    before = runner.cursor
    with pytest.raises(ThrottledError, match="used up until 11-25") as caught:
        runner.fetch()
    assert caught.value.retry_after == 1415
    assert runner.cursor == before
    asked = len(platform.calls)
    with pytest.raises(ThrottledError):
        runner.fetch()
    assert len(platform.calls) == asked  # nobody is asked before
    platform.quota = 10_000
    runner.clock.at += 1416
    assert len(runner.round()) == 1


@pytest.mark.parametrize("seconds", [3600, 400 * DAY])
def test_a_clock_that_was_set_back_keeps_no_list_waiting(platform: Platform, seconds: int) -> None:
    runner = ready(platform)
    platform.post()
    runner.clock.at -= seconds
    before = runner.clock.at
    assert len(runner.next_round()) == 1
    assert runner.clock.at - before < 300


@pytest.mark.parametrize("reset_in", [10**9, 10**13, 10**18])
def test_a_quota_that_ends_in_years_is_asked_about_within_a_day(platform: Platform, reset_in: int) -> None:
    platform.quota, platform.reset_in = 10_000, reset_in
    runner = ready(platform)
    platform.quota = 0
    runner.clock.at += 600
    with pytest.raises(ThrottledError) as caught:
        runner.round()
    assert 0 < (caught.value.retry_after or 0) <= DAY


@pytest.mark.parametrize(("status", "code"), [(403, 10022), (429, 0), (418, 0)])
def test_every_form_of_too_many_requests_is_the_quota(platform: Platform, status: int, code: int) -> None:
    runner = ready(platform)
    platform.refusal = (status, code)
    runner.clock.at += 100
    with pytest.raises(ThrottledError) as caught:
        runner.fetch()
    assert caught.value.retry_after == 3600


def test_the_quota_of_our_address_is_an_hour_s_where_the_platform_says_no_more(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = ready(platform)
    refused = (403, {"error_code": 10022, "error": "IP requests out of rate limit!"})
    monkeypatch.setattr(platform, "judge", lambda path, query: refused)
    runner.clock.at += 100
    with pytest.raises(ThrottledError) as caught:
        runner.fetch()
    assert caught.value.retry_after == 3600


def test_the_quota_of_one_interface_stops_that_one_alone(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = ready(platform, lists=["mentions", "comments_to_me"])
    comment = platform.post(COMMENTS)
    counted = platform.counted

    def limited(path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path != MENTIONS:
            return counted(path, query)
        platform.calls.append((path, query))
        return 403, {"error_code": 10024, "error": "User requests for statuses/mentions out of rate limit!"}

    monkeypatch.setattr(platform, "counted", limited)  # as the platform does it
    assert ids(runner.next_round()) == [f"comment:{comment['idstr']}"]
    assert "mentions (@我的微博) is not given (HTTP 403, error_code 10024)" in runner.complaints[0]


# The token


@pytest.mark.parametrize("token", [EXPIRED, "revoked"])
def test_a_refused_token_is_never_shown_again(platform: Platform, token: str) -> None:
    connector = _connector(platform, access_token=token)
    for _ in range(5):
        with pytest.raises(UnauthorizedError, match="renew the authorization"):
            connector.open()
    assert platform.met == 1


def test_a_token_that_ends_while_it_works_stops_the_calls(platform: Platform) -> None:
    runner = ready(platform)
    platform.refusal = (403, 21327)
    runner.clock.at += 100
    with pytest.raises(UnauthorizedError) as caught:
        runner.fetch()
    assert GOOD not in str(caught.value)
    asked = platform.met
    for _ in range(3):
        runner.connector.close()
        with pytest.raises(UnauthorizedError):
            runner.connector.open()
    assert platform.met == asked


def test_a_new_token_in_the_file_is_taken_without_a_restart(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("revoked\n")
    connector = _connector(platform, access_token=None, access_token_file=file)
    with pytest.raises(UnauthorizedError):
        connector.open()
    file.write_text(f"{GOOD}\n")
    connector.open()
    connector.close()


def test_the_end_of_a_token_is_not_shown_for_the_next_one_of_which_nobody_says_it(
    platform: Platform, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(GOOD)
    runner = ready(platform, access_token=None, access_token_file=file)
    assert metric("token_expires_timestamp_seconds") > BEGAN
    platform.expire_in = None
    file.write_text(platform.end_token())
    runner.clock.at += 100
    runner.round()
    assert metric("token_expires_timestamp_seconds") == 0


@pytest.mark.parametrize("content", [None, "", " \n", b"\xff\xfe"])
def test_a_token_file_that_cannot_be_read_says_which(platform: Platform, tmp_path: Path, content: Any) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MisconfiguredError, match=str(file)):
        _connector(platform, access_token=None, access_token_file=file).open()


def test_a_token_is_complained_about_days_before_its_end(platform: Platform) -> None:
    platform.expire_in = 8 * DAY
    runner = ready(platform)
    assert runner.complaints == ()
    assert metric("token_expires_timestamp_seconds") == BEGAN + 8 * DAY
    runner.clock.at += 2 * DAY
    runner.round()
    assert runner.complaints[0] == (
        "Weibo city_lists: the access token ends on 2026-12-03: let a person grant it again before"
    )


def test_the_end_of_a_token_may_stand_in_the_settings(platform: Platform) -> None:
    runner = ready(platform, token_expires_at="2026-11-27T00:00:00+08:00")
    runner.round()
    assert "ends on 2026-11-27" in runner.complaints[0]


def test_a_platform_that_does_not_know_the_token_s_end_does_not_stop_us(platform: Platform) -> None:
    platform.post()
    platform.faults = ["html"]
    assert len(Runner(platform).round()) == 1


def _connector(platform: Platform, **changes: Any) -> WeiboPull:
    settings: dict[str, Any] = {"access_token": GOOD, "jurisdiction": "430100"}
    return WeiboPull(WeiboPullSettings(**settings | changes), "city_lists", lambda: session(platform))


# How old it can be


def test_an_item_is_no_older_than_the_last_look_at_its_list(platform: Platform) -> None:
    platform.post()
    runner = Runner(platform)
    assert [one.envelope.notbefore for one in runner.round()] == [None], "history"
    looked: datetime | None = None
    for _ in range(3):
        before = datetime.fromtimestamp(runner.clock.at, UTC)
        platform.post()
        (message,) = runner.next_round()
        assert looked is None or message.envelope.notbefore == looked
        looked = message.envelope.recordedtime
        assert message.envelope.notbefore is not None
        assert message.envelope.notbefore <= before


def test_history_that_kafka_did_not_take_is_no_news(platform: Platform) -> None:
    platform.post()
    runner = Runner(platform)
    runner.connector.fetch(runner.cursor)
    runner.connector.close()
    runner.connector.open()
    assert [one.envelope.notbefore for one in runner.round()] == [None]
    other = ready(platform, lists=["mentions"])
    other.cursor = Cursor(connector_id="city_lists")
    other.clock.at += DAY
    assert [one.envelope.notbefore for one in other.round()] == [None], "a cursor that was reset"

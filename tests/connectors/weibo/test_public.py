"""The public site: off unless asked for, one page at a time, and never in the way of a message."""

from typing import Any

import pytest
import requests
from prometheus_client import REGISTRY

from connectors.weibo.fulltext import PublicPages, PublicPageUnavailable
from normalizers.base import Policy
from normalizers.pipeline import normalize
from tests.connectors.weibo.pulling import Runner, ids
from tests.peers.weibo_platform import Platform, session
from tests.tickets.said import decided

LONG = {"text": "@沈阳12345 暖气不热​...全文： http://m.weibo.cn/1/2 ​", "isLongText": True}
WHOLE = {"ok": 1, "data": {"ok": 1, "longTextContent": "@沈阳12345 暖气不热<br />已经四天了"}}


@pytest.fixture
def platform() -> Platform:
    return Platform()


def outcomes() -> dict[str, float]:
    name = "hotline_connectors_weibo_public_pages_total"
    labels = ("completed", "unavailable", "given_up")
    return {each: REGISTRY.get_sample_value(name, {"connector": "city_lists", "outcome": each}) or 0 for each in labels}


def test_nobody_looks_at_the_site_unless_asked_to(platform: Platform) -> None:
    post = platform.post(**LONG)
    platform.pages[post["idstr"]] = WHOLE
    runner = Runner(platform)
    assert len(runner.round()) == 1
    before = platform.met
    assert runner.next_round() == []
    assert platform.met == before + 3  # the three lists


def test_a_cut_status_is_published_at_once_and_its_whole_text_later_in_the_same_ticket(platform: Platform) -> None:
    post, whole = platform.post(**LONG), {**WHOLE}
    platform.pages[post["idstr"]] = whole
    runner = Runner(platform, public_pages=True, public_pages_cookie="SUB=x")
    first, later = [*runner.round(), *runner.next_round()]
    assert ids([first, later]) == [f"status:{post['idstr']}", f"status:{post['idstr']}:whole"]
    messages = [normalize(raw, Policy()).message for raw in (first, later)]
    assert [message.text for message in messages] == ["@沈阳12345 暖气不热", "@沈阳12345 暖气不热\n已经四天了"]
    _, decisions = decided(messages)
    assert [decision.relation for decision in decisions] == ["new", "follow_up"]
    assert runner.next_round() == []


def test_a_whole_text_that_kafka_did_not_take_comes_again(platform: Platform) -> None:
    post = platform.post(**LONG)
    platform.pages[post["idstr"]] = WHOLE
    runner = Runner(platform, public_pages=True)
    _, lost = runner.round()
    runner.connector.close()  # as the runner does after a fault
    runner.connector.open()
    (again,) = runner.next_round()
    assert (again.message_id, again.value) == (lost.message_id, lost.value)
    runner.round()
    runner.connector.close()
    runner.connector.open()
    assert runner.next_round() == []


def test_pages_are_asked_for_one_by_one_and_cost_nothing_of_the_quota(platform: Platform) -> None:
    for _ in range(4):
        platform.pages[platform.post(**LONG)["idstr"]] = WHOLE
    platform.reset_in = 86_400
    runner = Runner(platform, public_pages=True, public_pages_seconds=30, calls_per_day=100)
    assert len(runner.round()) == 5
    began, counted = runner.clock.at, len(platform.calls)
    found = [message for _ in range(3) for message in runner.next_round()]
    assert len(found) == 3
    assert 88 <= runner.clock.at - began <= 95
    assert len(platform.calls) == counted


@pytest.mark.parametrize(
    "page",
    [
        {"ok": 0, "msg": "打开微博客户端，查看全文"},
        {"ok": -100, "url": "https://passport.weibo.com"},
        {"error": "text"},
        {"ok": 1, "data": {"longTextContent": ""}},
        {"ok": 1, "data": "x"},
        [1],
        "text",
        7,
    ],
    ids=str,
)
def test_a_site_that_refuses_is_asked_three_times_and_holds_up_nothing(platform: Platform, page: Any) -> None:
    post, before = platform.post(**LONG), outcomes()
    platform.pages[post["idstr"]] = page
    runner = Runner(platform, public_pages=True)
    assert len(runner.round()) == 1
    for _ in range(6):
        assert runner.next_round() == []
    told = {name: count - before[name] for name, count in outcomes().items()}
    assert told == {"completed": 0, "unavailable": 2, "given_up": 1}
    platform.post()
    runner.clock.at += 100
    assert len(runner.next_round()) == 1


@pytest.mark.parametrize("fault", ["html", "drop"])
def test_whatever_the_library_raises_is_one_error_of_ours(platform: Platform, fault: str) -> None:
    platform.faults = [fault]
    with pytest.raises(PublicPageUnavailable):
        PublicPages(session(platform)).long_text("1")


def test_the_library_asks_through_our_session_with_limits_and_a_name(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    platform.pages["1"] = WHOLE
    made = session(platform)
    sent = made.request

    def request(method: str, url: str, **options: Any) -> requests.Response:
        asked.append(options)
        return sent(method, url, **options)

    monkeypatch.setattr(made, "request", request)  # to look at what the library asks
    PublicPages(made, "SUB=secret").long_text("1")
    assert asked[0]["timeout"] == (5.0, 15.0)
    assert asked[0]["headers"]["Cookie"] == "SUB=secret"
    assert "python-requests" not in asked[0]["headers"]["User-Agent"]

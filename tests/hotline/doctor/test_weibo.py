"""The doctor at Weibo's open platform: the token's end and the quota, or what a person must mend."""

from collections.abc import Iterator

import pytest

from hotline.config.load import load
from hotline.doctor.accounts import weibo
from hotline.doctor.findings import Finding, findings
from tests.peers.weibo_platform import EXPIRED, GOOD, Platform, running

pytestmark = pytest.mark.integration

OWN = "HOTLINE_CONNECTORS__WEIBO_PULL__CITY_LISTS__"


@pytest.fixture
def platform(env: pytest.MonkeyPatch) -> Iterator[Platform]:
    with running(Platform()) as platform:
        env.setenv(OWN + "HOST", platform.url)
        env.setenv(OWN + "ACCESS_TOKEN", GOOD)
        yield platform


def found() -> Finding:
    (one,) = findings("weibo", lambda: weibo(load(), "city_lists"))
    assert GOOD not in one.detail
    assert EXPIRED not in one.detail
    return one


def test_a_good_token_tells_its_end_and_what_is_left_and_costs_nothing(platform: Platform) -> None:
    platform.quota = 97
    one = found()
    assert one.outcome == "ok"
    assert one.detail.startswith("the access token is valid until ")
    assert one.detail.endswith(", 97 calls are left")
    assert platform.calls == []


def test_a_refused_token_is_a_person_s(platform: Platform, env: pytest.MonkeyPatch) -> None:
    env.setenv(OWN + "ACCESS_TOKEN", EXPIRED)
    one = found()
    assert (one.outcome, "renew the authorization" in one.detail) == ("mend", True)


@pytest.mark.parametrize("fault", ["html", "502", "drop"])
def test_a_platform_that_does_not_answer_is_waited_for(platform: Platform, fault: str) -> None:
    platform.faults = [fault] * 4  # the first look of a start does not press
    assert found().outcome == "wait"


def test_nobody_there_is_waited_for(platform: Platform, env: pytest.MonkeyPatch) -> None:
    env.setenv(OWN + "HOST", "http://127.0.0.1:9")
    assert found().outcome == "wait"
